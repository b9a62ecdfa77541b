#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/fallbacks.h"
#include "kernels/instantiate.h"
#include "kernels/naive/naive.h"
#include "kernels/naive/store.h"

namespace pisr::kernels::naive {
namespace {

// A convolution is a sum of products y += weight x. This calls visit(y, weight, x) with the three
// offsets of each product. The forward pass and both gradients thus share one piece of index
// arithmetic, and the transposed convolution exchanges x and y.
template <class Visit>
void for_each_product(const ConvSizes& s, Visit visit) {
  const std::int64_t group_inputs = s.in_channels / s.groups;
  const std::int64_t group_outputs = s.out_channels / s.groups;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t out_channel = 0; out_channel < s.out_channels; ++out_channel) {
      for (std::int64_t i = 0; i < group_inputs; ++i) {
        const std::int64_t in_channel = out_channel / group_outputs * group_inputs + i;
        for (std::int64_t out_y = 0; out_y < s.out_height; ++out_y) {
          for (std::int64_t out_x = 0; out_x < s.out_width; ++out_x) {
            for (std::int64_t ky = 0; ky < s.kernel_height; ++ky) {
              for (std::int64_t kx = 0; kx < s.kernel_width; ++kx) {
                std::int64_t in_y = out_y * s.stride - s.padding + ky;
                std::int64_t in_x = out_x * s.stride - s.padding + kx;
                if (s.padding_mode == PaddingMode::replicate) {
                  in_y = std::clamp<std::int64_t>(in_y, 0, s.in_height - 1);
                  in_x = std::clamp<std::int64_t>(in_x, 0, s.in_width - 1);
                }
                if (in_y < 0 || in_y >= s.in_height || in_x < 0 || in_x >= s.in_width) {
                  continue;
                }
                visit(
                    ((n * s.out_channels + out_channel) * s.out_height + out_y) * s.out_width +
                        out_x,
                    ((out_channel * group_inputs + i) * s.kernel_height + ky) * s.kernel_width + kx,
                    ((n * s.in_channels + in_channel) * s.in_height + in_y) * s.in_width + in_x);
              }
            }
          }
        }
      }
    }
  }
}

template <class T>
std::vector<double> bias_of_each_output(const ConvSizes& s, const T* bias) {
  const std::size_t plane = static_cast<std::size_t>(s.out_height) * s.out_width;
  std::vector<double> y;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (int channel = 0; channel < s.out_channels; ++channel) {
      y.insert(y.end(), plane, bias == nullptr ? 0.0 : bias[channel]);
    }
  }
  return y;
}

std::size_t input_count(const ConvSizes& s) {
  return static_cast<std::size_t>(s.batch) * s.in_channels * s.in_height * s.in_width;
}

std::size_t weight_count(const ConvSizes& s) {
  return static_cast<std::size_t>(s.in_channels) * s.out_channels / s.groups * s.kernel_height *
         s.kernel_width;
}

template <class T>
std::vector<double> bias_gradient(const ConvSizes& s, const T* dy) {
  const std::int64_t plane = static_cast<std::int64_t>(s.out_height) * s.out_width;
  std::vector<double> dbias(s.out_channels);
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t channel = 0; channel < s.out_channels; ++channel) {
      for (std::int64_t i = 0; i < plane; ++i) {
        dbias[channel] += dy[(n * s.out_channels + channel) * plane + i];
      }
    }
  }
  return dbias;
}

/// Stores `before`, where it is wanted, and y = activation(before).
template <class T>
void store_activated(const ConvArgs<T>& a, std::vector<double> y) {
  store_all(a.before, y, Store::write);
  const Activation<T>& activation = a.activation;
  const std::size_t plane = static_cast<std::size_t>(a.sizes.out_height) * a.sizes.out_width;
  for (std::size_t i = 0; i < y.size(); ++i) {
    // Rounded first, for the bits of a convolution and an activation one after the other.
    y[i] = static_cast<T>(y[i]);
    if (activation.kind == ActivationKind::relu && y[i] < 0) {
      y[i] = 0;
    } else if (activation.kind == ActivationKind::prelu && !(y[i] > 0)) {
      const std::size_t channel = i / plane % a.sizes.out_channels;
      y[i] *= activation.slopes[activation.slope_count == 1 ? 0 : channel];
    }
  }
  store_all(a.y, y, Store::write);
}

}  // namespace

template <class T>
void conv2d(Launcher&, const ConvArgs<T>& a) {
  std::vector<double> y = bias_of_each_output(a.sizes, a.bias);
  for_each_product(a.sizes, [&](std::int64_t iy, std::int64_t iw, std::int64_t ix) {
    y[iy] += static_cast<double>(a.weight[iw]) * a.x[ix];
  });
  store_activated(a, std::move(y));
}

template <class T>
void conv2d_backward_data(Launcher&, const ConvBackwardDataArgs<T>& a) {
  std::vector<double> dx(input_count(a.sizes));
  for_each_product(a.sizes, [&](std::int64_t iy, std::int64_t iw, std::int64_t ix) {
    dx[ix] += static_cast<double>(a.weight[iw]) * a.dy[iy];
  });
  store_all(a.dx, dx, a.dx_store);
}

template <class T>
void conv2d_backward_weight(Launcher&, const ConvBackwardWeightArgs<T>& a) {
  std::vector<double> dweight(weight_count(a.sizes));
  for_each_product(a.sizes, [&](std::int64_t iy, std::int64_t iw, std::int64_t ix) {
    dweight[iw] += static_cast<double>(a.x[ix]) * a.dy[iy];
  });
  store_all(a.dweight, dweight, a.dweight_store);
  store_all(a.dbias, bias_gradient(a.sizes, a.dy), a.dbias_store);
}

template <class T>
void conv2d_prelu_backward_weight(Launcher& launcher, const ConvPreluBackwardArgs<T>& args) {
  fallback_conv2d_prelu_backward_weight(launcher, args, prelu_backward<T>,
                                        conv2d_backward_weight<T>);
}

template <class T>
void conv_transpose2d(Launcher&, const ConvArgs<T>& a) {
  std::vector<double> y = bias_of_each_output(a.sizes, a.bias);
  for_each_product(transposed(a.sizes), [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) {
    y[iy] += static_cast<double>(a.weight[iw]) * a.x[ix];
  });
  store_activated(a, std::move(y));
}

template <class T>
void conv_transpose2d_backward_data(Launcher&, const ConvBackwardDataArgs<T>& a) {
  std::vector<double> dx(input_count(a.sizes));
  for_each_product(transposed(a.sizes), [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) {
    dx[ix] += static_cast<double>(a.weight[iw]) * a.dy[iy];
  });
  store_all(a.dx, dx, a.dx_store);
}

template <class T>
void conv_transpose2d_backward_weight(Launcher&, const ConvBackwardWeightArgs<T>& a) {
  std::vector<double> dweight(weight_count(a.sizes));
  for_each_product(transposed(a.sizes), [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) {
    dweight[iw] += static_cast<double>(a.x[ix]) * a.dy[iy];
  });
  store_all(a.dweight, dweight, a.dweight_store);
  store_all(a.dbias, bias_gradient(a.sizes, a.dy), a.dbias_store);
}

template <class T>
void conv_chain(Launcher& launcher, const ConvChainArgs<T>& a) {
  fallback_conv_chain(launcher, a, conv2d<T>, conv_transpose2d<T>);
}

PISR_INSTANTIATE(conv2d, ConvArgs)
PISR_INSTANTIATE(conv2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv2d_backward_weight, ConvBackwardWeightArgs)
PISR_INSTANTIATE(conv2d_prelu_backward_weight, ConvPreluBackwardArgs)
PISR_INSTANTIATE(conv_transpose2d, ConvArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_data, ConvBackwardDataArgs)
PISR_INSTANTIATE(conv_transpose2d_backward_weight, ConvBackwardWeightArgs)
PISR_INSTANTIATE(conv_chain, ConvChainArgs)

}  // namespace pisr::kernels::naive
