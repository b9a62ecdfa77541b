#include "pisr/export/subpixel.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

namespace pisr {
namespace {

int floor_divided(int a, int b) {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/// A pixel of phase r of an enlarged row lies at (r + 0.5) / scale - 0.5 of the row. `kernel` is
/// the weight at a distance.
Tensor phases_of(int scale, int radius, const std::function<double(double)>& kernel) {
  const int taps = 2 * radius + 1;
  std::vector<double> line(static_cast<std::size_t>(scale) * taps);
  for (int phase = 0; phase < scale; ++phase) {
    for (int tap = 0; tap < taps; ++tap) {
      line[static_cast<std::size_t>(phase) * taps + tap] =
          kernel((phase + 0.5) / scale - 0.5 - (tap - radius));
    }
  }
  const Tensor weight = Tensor::empty({std::int64_t{scale} * scale, 1, taps, taps});
  float* to = weight.data<float>();
  for (int row = 0; row < scale; ++row) {
    for (int column = 0; column < scale; ++column) {
      for (int i = 0; i < taps; ++i) {
        for (int j = 0; j < taps; ++j) {
          *to++ = static_cast<float>(line[static_cast<std::size_t>(row) * taps + i] *
                                     line[static_cast<std::size_t>(column) * taps + j]);
        }
      }
    }
  }
  return weight;
}

}  // namespace

SubpixelConvolution subpixel_convolution(const Tensor& weight, int stride, int padding,
                                         int output_padding, int groups) {
  const Shape& shape = weight.shape();
  const int kernel = static_cast<int>(shape[2]);
  // Pixel stride i + r of the result reads pixel i + d of x with tap t, where
  // r + padding = stride d + t.
  const int first = floor_divided(padding - (kernel - 1) + stride - 1, stride);
  const int last = floor_divided(stride - 1 + padding, stride);
  SubpixelConvolution result;
  result.scale = stride;
  result.groups = groups;
  // The result has (h - 1) stride - 2 padding + kernel + output_padding rows.
  const int surplus = kernel + output_padding - 2 * padding - stride;
  result.extra = std::max(0, floor_divided(surplus + stride - 1, stride));
  const int low = std::min(first, 0);
  const int high = std::max(last, 0);
  result.before = -low;
  result.behind = high + result.extra;
  const int taps = high - low + 1;
  const std::int64_t in = shape[0] / groups;
  const std::int64_t out = shape[1] * groups;
  result.weight = Tensor::zeros({out * stride * stride, in, taps, taps});
  const float* const from = weight.data<float>();
  float* to = result.weight.data<float>();
  for (std::int64_t c = 0; c < out; ++c) {
    const std::int64_t group = c / shape[1];
    for (int row = 0; row < stride; ++row) {
      for (int column = 0; column < stride; ++column) {
        for (std::int64_t i = 0; i < in; ++i) {
          const float* const kernel_of =
              from + ((group * in + i) * shape[1] + c % shape[1]) * kernel * kernel;
          for (int y = low; y <= high; ++y) {
            for (int x = low; x <= high; ++x, ++to) {
              const int tap_y = row + padding - stride * y;
              const int tap_x = column + padding - stride * x;
              if (tap_y >= 0 && tap_y < kernel && tap_x >= 0 && tap_x < kernel) {
                *to = kernel_of[tap_y * kernel + tap_x];
              }
            }
          }
        }
      }
    }
  }
  return result;
}

SubpixelConvolution subpixel_convolution(const Graph& graph, const GraphNode& node) {
  const GraphValue& weight = graph.values[static_cast<std::size_t>(node.inputs[1])];
  return subpixel_convolution(weight.constant, node.integer("stride"), node.integer("padding"),
                              node.integer("output_padding"), node.integer("groups"));
}

Tensor bicubic_phases(int scale) {
  return phases_of(scale, 2, [](double distance) {
    constexpr double kA = -0.5;  // Keys
    const double t = std::abs(distance);
    return t <= 1  ? ((kA + 2) * t - (kA + 3)) * t * t + 1
           : t < 2 ? ((kA * t - 5 * kA) * t + 8 * kA) * t - 4 * kA
                   : 0.0;
  });
}

Tensor bilinear_phases(int scale) {
  return phases_of(scale, 1, [](double distance) { return std::max(0.0, 1 - std::abs(distance)); });
}

}  // namespace pisr
