// The convolution products by image columns ("im2col") and Eigen's matrix product: any shape.
#include <algorithm>
#include <cstdint>

#include <Eigen/Core>

#include "kernels/cpu/conv_primitives.h"

namespace pisr::kernels::cpu {
namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using MatrixView = Eigen::Map<Matrix<T>>;
template <class T>
using ConstMatrixView = Eigen::Map<const Matrix<T>>;

/// One group of one image.
struct Columns {
  explicit Columns(const ConvSizes& s)
      : sizes(s),
        channels(s.in_channels / s.groups),
        filters(s.out_channels / s.groups),
        taps(std::int64_t{channels} * s.kernel_height * s.kernel_width),
        pixels(std::int64_t{s.out_height} * s.out_width),
        large_plane(std::int64_t{s.in_height} * s.in_width) {}

  /// Calls body(column element, element of the large image, or -1 in the padding) for each element
  /// of the matrix of columns [taps, pixels].
  template <class Body>
  void for_each(Body body) const {
    const bool replicate = sizes.padding_mode == PaddingMode::replicate;
    std::int64_t element = 0;
    for (int c = 0; c < channels; ++c) {
      for (int i = 0; i < sizes.kernel_height; ++i) {
        for (int j = 0; j < sizes.kernel_width; ++j) {
          for (int y = 0; y < sizes.out_height; ++y) {
            const int row = y * sizes.stride + i - sizes.padding;
            const int near_row = std::clamp(row, 0, sizes.in_height - 1);
            for (int x = 0; x < sizes.out_width; ++x, ++element) {
              const int column = x * sizes.stride + j - sizes.padding;
              const int near_column = std::clamp(column, 0, sizes.in_width - 1);
              const bool inside = replicate || (row == near_row && column == near_column);
              body(element,
                   inside ? c * large_plane + std::int64_t{near_row} * sizes.in_width + near_column
                          : -1);
            }
          }
        }
      }
    }
  }

  ConvSizes sizes;
  int channels, filters;
  std::int64_t taps, pixels, large_plane;
};

template <class T>
void gather_columns(const Columns& shape, const T* large, T* columns) {
  shape.for_each([&](std::int64_t element, std::int64_t source) {
    columns[element] = source < 0 ? T{0} : large[source];
  });
}

}  // namespace

template <class T>
void conv_to_small(Queue& queue, const ConvSizes& sizes, const T* large, const T* weight,
                   const T* bias, T* small, Store store) {
  const Columns shape(sizes);
  const std::int64_t count = shape.taps * shape.pixels;
  T* const scratch = queue.scratch_array<T>(static_cast<std::size_t>(count * queue.workers()));
  queue.parallel_for(sizes.batch * sizes.groups, [&](std::int64_t task, int worker) {
    const std::int64_t group = task % sizes.groups;
    T* const columns = scratch + worker * count;
    gather_columns(shape, large + task * shape.channels * shape.large_plane, columns);
    const ConstMatrixView<T> a(weight + group * shape.filters * shape.taps, shape.filters,
                               shape.taps);
    const ConstMatrixView<T> b(columns, shape.taps, shape.pixels);
    MatrixView<T> y(small + task * shape.filters * shape.pixels, shape.filters, shape.pixels);
    if (store == Store::write) {
      y.setZero();
    }
    y.noalias() += a * b;
    if (bias != nullptr) {
      y.colwise() += Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, 1>>(
          bias + group * shape.filters, shape.filters);
    }
  });
}

template <class T>
void conv_to_large(Queue& queue, const ConvSizes& sizes, const T* small, const T* weight,
                   const T* bias, T* large, Store store) {
  const Columns shape(sizes);
  const std::int64_t count = shape.taps * shape.pixels;
  T* const scratch = queue.scratch_array<T>(static_cast<std::size_t>(count * queue.workers()));
  queue.parallel_for(sizes.batch * sizes.groups, [&](std::int64_t task, int worker) {
    const std::int64_t group = task % sizes.groups;
    const ConstMatrixView<T> a(weight + group * shape.filters * shape.taps, shape.filters,
                               shape.taps);
    const ConstMatrixView<T> b(small + task * shape.filters * shape.pixels, shape.filters,
                               shape.pixels);
    MatrixView<T> columns(scratch + worker * count, shape.taps, shape.pixels);
    columns.noalias() = a.transpose() * b;
    T* const y = large + task * shape.channels * shape.large_plane;
    for (int c = 0; c < shape.channels; ++c) {
      const T start = bias != nullptr ? bias[group * shape.channels + c] : T{0};
      T* const plane = y + c * shape.large_plane;
      std::transform(plane, plane + shape.large_plane, plane,
                     [&](T old) { return store == Store::write ? start : old + start; });
    }
    shape.for_each([&](std::int64_t element, std::int64_t target) {
      if (target >= 0) {
        y[target] += columns.data()[element];
      }
    });
  });
}

template <class T>
void conv_to_weight(Queue& queue, const ConvSizes& sizes, const T* large, const T* small, T* weight,
                    Store store) {
  const Columns shape(sizes);
  const std::int64_t count = shape.taps * shape.pixels;
  T* const scratch = queue.scratch_array<T>(static_cast<std::size_t>(count * queue.workers()));
  queue.parallel_for(sizes.groups, [&](std::int64_t group, int worker) {
    T* const columns = scratch + worker * count;
    MatrixView<T> dweight(weight + group * shape.filters * shape.taps, shape.filters, shape.taps);
    if (store == Store::write) {
      dweight.setZero();
    }
    for (std::int64_t n = 0; n < sizes.batch; ++n) {
      const std::int64_t image = n * sizes.groups + group;
      gather_columns(shape, large + image * shape.channels * shape.large_plane, columns);
      const ConstMatrixView<T> a(small + image * shape.filters * shape.pixels, shape.filters,
                                 shape.pixels);
      const ConstMatrixView<T> b(columns, shape.taps, shape.pixels);
      dweight.noalias() += a * b.transpose();
    }
  });
}

template <class T>
void sum_channels(Queue& queue, std::int64_t batch, std::int64_t channels, std::int64_t inner,
                  const T* x, T* y, Store store) {
  queue.parallel_for(channels, [&](std::int64_t c, int) {
    double sum = 0;
    for (std::int64_t n = 0; n < batch; ++n) {
      const T* const plane = x + (n * channels + c) * inner;
      for (std::int64_t i = 0; i < inner; ++i) {
        sum += static_cast<double>(plane[i]);
      }
    }
    const T rounded = static_cast<T>(sum);
    y[c] = store == Store::write ? rounded : y[c] + rounded;
  });
}

#define PISR_INSTANTIATE(T)                                                                       \
  template void conv_to_small(Queue&, const ConvSizes&, const T*, const T*, const T*, T*, Store); \
  template void conv_to_large(Queue&, const ConvSizes&, const T*, const T*, const T*, T*, Store); \
  template void conv_to_weight(Queue&, const ConvSizes&, const T*, const T*, T*, Store);          \
  template void sum_channels(Queue&, std::int64_t, std::int64_t, std::int64_t, const T*, T*, Store);
PISR_INSTANTIATE(float)
PISR_INSTANTIATE(double)
#undef PISR_INSTANTIATE

}  // namespace pisr::kernels::cpu
