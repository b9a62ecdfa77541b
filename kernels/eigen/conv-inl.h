#pragma once

#include "kernels/eigen/patches-inl.h"
#include "kernels/launcher.h"

namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL {
namespace {

/// y = weight patches(x), strip by strip. begin(channel, values, count) gives elements of y what
/// the products are added to; end(...) is called with the same when all have been.
template <class T, class Begin, class End>
void multiply_patches(Launcher& launcher, const ConvSizes& sizes, const T* x, const T* weight, T* y,
                      Begin begin, End end) {
  const ConvMatrices m(sizes);
  T* const memory = launcher.scratch_array<T>(launcher.workers() * m.patch_count());
  launcher.parallel_for(sizes.batch * sizes.groups * m.strips, [&](std::int64_t task, int worker) {
    const Strip strip = m.strip(task);
    auto output = m.output_of(strip, y);
    const auto for_each_channel = [&](const auto& visit) {
      for (Index i = 0; i < m.filters; ++i) {
        visit(strip.group * m.filters + i, output.row(i).data(), output.cols());
      }
    };
    for_each_channel(begin);
    add_product(m.weight_of(strip, weight), unfold(m, strip, x, memory + worker * m.patch_count()),
                output);
    for_each_channel(end);
  });
}

/// The transpose: patches(x) = weight^T y, which fold to x, in double. Strips share rows of x, so
/// an image and group are one task. begin and end see x.
template <class T, class Begin, class End>
void fold_products(Launcher& launcher, const ConvSizes& sizes, const T* y, const T* weight, T* x,
                   Begin begin, End end) {
  const ConvMatrices m(sizes);
  T* const memory = launcher.scratch_array<T>(launcher.workers() * m.patch_count());
  auto* const all_sums = launcher.scratch_array<double>(launcher.workers() * m.input_count());
  launcher.parallel_for(sizes.batch * sizes.groups, [&](std::int64_t task, int worker) {
    double* const sums = all_sums + worker * m.input_count();
    std::fill_n(sums, m.input_count(), 0.0);
    const auto for_each_channel = [&](const auto& visit) {
      for (Index i = 0; i < m.inputs; ++i) {
        visit(task % sizes.groups * m.inputs + i, x + (task * m.inputs + i) * m.in_plane,
              m.in_plane);
      }
    };
    for (Index index = task * m.strips; index < (task + 1) * m.strips; ++index) {
      const Strip strip = m.strip(index);
      auto patches = matrix(memory + worker * m.patch_count(), m.taps, m.columns(strip));
      patches.setZero();
      add_product(m.weight_of(strip, weight).transpose(), m.output_of(strip, y), patches);
      add_folded(m, strip, patches.data(), sums);
    }
    for_each_channel(begin);
    auto result = matrix(x + task * m.input_count(), m.input_count(), 1);
    result = (result.template cast<double>() + matrix(sums, m.input_count(), 1)).template cast<T>();
    for_each_channel(end);
  });
}

/// dweight = dy patches(x)^T: products of strips in T, their sums in double.
template <class T>
void weight_gradient(Launcher& launcher, const ConvSizes& sizes, const T* x, const T* dy,
                     T* dweight, Store store) {
  const ConvMatrices m(sizes);
  const Index weights = m.filters * m.taps;
  const Index work = m.patch_count() + weights;
  T* const memory = launcher.scratch_array<T>(launcher.workers() * work);
  auto* const sums = launcher.scratch_array<double>(sizes.batch * sizes.groups * weights);
  launcher.parallel_for(sizes.batch * sizes.groups, [&](std::int64_t task, int worker) {
    auto sum = matrix(sums + task * weights, m.filters, m.taps);
    auto product = matrix(memory + worker * work, m.filters, m.taps);
    sum.setZero();
    for (Index index = task * m.strips; index < (task + 1) * m.strips; ++index) {
      const Strip strip = m.strip(index);
      product.setZero();
      add_product(m.output_of(strip, dy), unfold(m, strip, x, product.data() + weights).transpose(),
                  product);
      sum += product.template cast<double>();
    }
  });
  store_sums(sums, sizes.batch, sizes.groups * weights, dweight, store);
}

/// dbias = the sums of the channels of dy.
template <class T>
void bias_gradient(Launcher& launcher, const ConvBackwardWeightArgs<T>& a) {
  const ConvSizes& s = a.sizes;
  const Index plane = Index{s.out_height} * s.out_width;
  auto* const sums = launcher.scratch_array<double>(s.batch * s.out_channels);
  launcher.parallel_for(s.batch * s.out_channels, [&](std::int64_t task, int) {
    double sum = 0;
    for (const T* dy = a.dy + task * plane; dy != a.dy + (task + 1) * plane; ++dy) {
      sum += static_cast<double>(*dy);
    }
    sums[task] = sum;
  });
  store_sums(sums, s.batch, s.out_channels, a.dbias, a.dbias_store);
}

/// The bias, to which products are added.
template <class T>
auto begin_with_bias(const ConvArgs<T>& a) {
  return [&a](Index channel, T* values, Index count) {
    std::fill_n(values, count, a.bias == nullptr ? T(0) : a.bias[channel]);
  };
}

/// The activation of elements of a.y, and a.before where it is wanted.
template <class T>
auto end_with_activation(const ConvArgs<T>& a) {
  return [&a](Index channel, T* values, Index count) {
    auto y = matrix(values, 1, count).array();
    if (a.before != nullptr) {
      matrix(a.before + (values - a.y), 1, count) = y;
    }
    if (a.activation.kind == ActivationKind::relu) {
      y = (y < T(0)).select(T(0), y);
    } else if (a.activation.kind == ActivationKind::prelu) {
      const T slope = a.activation.slopes[a.activation.slope_count == 1 ? 0 : channel];
      y = (y > T(0)).select(y, slope * y);
    }
  };
}

/// Zeros, or what is there, to which products are added.
template <class T>
auto begin_with(Store store) {
  return [store](Index, T* values, Index count) {
    if (store == Store::write) {
      std::fill_n(values, count, T(0));
    }
  };
}
constexpr auto kEndAsItIs = [](const auto&...) {};

template <class T>
void conv2d(Launcher& launcher, const ConvArgs<T>& a) {
  multiply_patches(launcher, a.sizes, a.x, a.weight, a.y, begin_with_bias(a),
                   end_with_activation(a));
}

template <class T>
void conv2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<T>& a) {
  fold_products(launcher, a.sizes, a.dy, a.weight, a.dx, begin_with<T>(a.dx_store), kEndAsItIs);
}

template <class T>
void conv2d_backward_weight(Launcher& launcher, const ConvBackwardWeightArgs<T>& a) {
  if (a.dweight != nullptr) {
    weight_gradient(launcher, a.sizes, a.x, a.dy, a.dweight, a.dweight_store);
  }
  if (a.dbias != nullptr) {
    bias_gradient(launcher, a);
  }
}

// A transposed convolution is the data gradient of a convolution from its output to its input, and
// the other way round.

template <class T>
void conv_transpose2d(Launcher& launcher, const ConvArgs<T>& a) {
  fold_products(launcher, transposed(a.sizes), a.x, a.weight, a.y, begin_with_bias(a),
                end_with_activation(a));
}

template <class T>
void conv_transpose2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<T>& a) {
  multiply_patches(launcher, transposed(a.sizes), a.dy, a.weight, a.dx, begin_with<T>(a.dx_store),
                   kEndAsItIs);
}

template <class T>
void conv_transpose2d_backward_weight(Launcher& launcher, const ConvBackwardWeightArgs<T>& a) {
  if (a.dweight != nullptr) {
    weight_gradient(launcher, transposed(a.sizes), a.dy, a.x, a.dweight, a.dweight_store);
  }
  if (a.dbias != nullptr) {
    bias_gradient(launcher, a);
  }
}

}  // namespace
}  // namespace pisr::kernels::eigen::PISR_EIGEN_LEVEL
