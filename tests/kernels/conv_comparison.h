#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/device_launcher.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/random_values.h"
#include "tests/kernels/test_launcher.h"

/// The convolutions of a table of kernels against their definition in double.
namespace pisr::kernels {

inline std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}
inline const std::vector<double>& widened(const std::vector<double>& values) {
  return values;
}

inline std::vector<double> magnitudes(std::vector<double> values) {
  for (double& value : values) {
    value = std::fabs(value);
  }
  return values;
}

template <class T>
double tolerance() {
  return sizeof(T) == sizeof(float) ? std::ldexp(4.0, -23) : 1e-12;
}

inline const double kTf32Tolerance = std::ldexp(1.0, -10) + std::ldexp(1.0, -14);

/// The number of elements not within tolerance * scale of the truth.
template <class T>
std::size_t failures(const std::vector<T>& got, const std::vector<double>& truth,
                     const std::vector<double>& scale, double tolerated = tolerance<T>()) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - truth[i]) <= tolerated * scale[i])) {
      ++count;
    }
  }
  return count;
}

/// The three kernels of a kind of convolution, for one element type and back end.
template <class T>
struct ConvKind {
  void (*forward)(Launcher&, const ConvArgs<T>&);
  void (*backward_data)(Launcher&, const ConvBackwardDataArgs<T>&);
  void (*backward_weight)(Launcher&, const ConvBackwardWeightArgs<T>&);
};

template <class T>
ConvKind<T> conv_kind(const KernelTable<T>& table, bool is_transpose) {
  if (is_transpose) {
    return {table.conv_transpose2d, table.conv_transpose2d_backward_data,
            table.conv_transpose2d_backward_weight};
  }
  return {table.conv2d, table.conv2d_backward_data, table.conv2d_backward_weight};
}

template <class T>
struct ConvInputs {
  ConvInputs(const ConvSizes& s, float lowest_x)
      : x(uniform<T>(x_count(s), lowest_x, 1, 1)),
        weight(uniform<T>(weight_count(s), lowest_x, 1, 2)),
        bias(uniform<T>(s.out_channels, -1, 1, 3)),
        dy(uniform<T>(y_count(s), lowest_x, 1, 4)) {}
  ConvInputs() = default;
  std::vector<T> x, weight, bias, dy;
};

template <class T>
ConvInputs<double> wide_inputs(const ConvInputs<T>& inputs) {
  ConvInputs<double> result;
  result.x = widened(inputs.x);
  result.weight = widened(inputs.weight);
  result.bias = widened(inputs.bias);
  result.dy = widened(inputs.dy);
  return result;
}

inline ConvInputs<double> magnitudes(const ConvInputs<double>& inputs) {
  ConvInputs<double> result;
  result.x = magnitudes(inputs.x);
  result.weight = magnitudes(inputs.weight);
  result.bias = magnitudes(inputs.bias);
  result.dy = magnitudes(inputs.dy);
  return result;
}

/// Everything the three kernels give: y, dx, dweight and dbias.
template <class T>
struct ConvOutputs {
  std::vector<T> y, dx, dweight, dbias;
};

/// Where kernels run: on threads of the CPU or on a device.
struct ConvPlace {
  int threads = 1;
  Device* device = nullptr;
};

/// Runs the kernels; gradients are written over NaN, or added to `old`.
template <class T>
ConvOutputs<T> run_conv(const ConvKind<T>& kernels, const ConvSizes& sizes, const ConvInputs<T>& in,
                        ConvPlace place, Store store, T old) {
  constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
  const T start = store == Store::add ? old : kNan;
  Device* const device = place.device;
  GuardedArray<T> x(in.x, device), weight(in.weight, device), bias(in.bias, device);
  GuardedArray<T> dy(in.dy, device), y(y_count(sizes), kNan, device);
  GuardedArray<T> dx(x_count(sizes), start, device);
  GuardedArray<T> dweight(weight_count(sizes), start, device);
  GuardedArray<T> dbias(in.bias.size(), start, device);
  const auto with_launcher = [&](auto call) {
    if (device != nullptr) {
      DeviceLauncher launcher(*device);
      call(launcher);
      REQUIRE(launcher.guards_intact());
    } else {
      TestLauncher launcher(place.threads);
      call(launcher);
      REQUIRE(launcher.guards_intact());
    }
  };
  with_launcher([&](Launcher& launcher) {
    kernels.forward(launcher, {sizes, x.data(), weight.data(), bias.data(), y.data()});
  });
  with_launcher([&](Launcher& launcher) {
    kernels.backward_data(launcher, {sizes, dy.data(), weight.data(), dx.data(), store});
  });
  with_launcher([&](Launcher& launcher) {
    kernels.backward_weight(
        launcher, {sizes, x.data(), dy.data(), dweight.data(), dbias.data(), store, store});
  });
  for (GuardedArray<T>* array : {&x, &weight, &bias, &dy, &y, &dx, &dweight, &dbias}) {
    REQUIRE(array->guards_intact());
  }
  return {y.values(), dx.values(), dweight.values(), dbias.values()};
}

template <class T>
void compare_conv(const KernelTable<T>& table, const ConvCase& test, bool is_transpose,
                  float lowest, Store store, ConvPlace place = {},
                  double tolerated = tolerance<T>()) {
  CAPTURE(test.name, is_transpose, lowest, store == Store::add, sizeof(T));
  const ConvSizes& sizes = test.sizes;
  const T old = T{0.75};
  const ConvInputs<T> inputs(sizes, lowest);
  const ConvInputs<double> wide = wide_inputs(inputs);
  const ConvKind<double> naive = conv_kind(naive_kernels<double>(), is_transpose);
  const ConvOutputs<double> truth = run_conv<double>(naive, sizes, wide, {}, store, old);
  const ConvOutputs<double> scale =
      run_conv<double>(naive, sizes, magnitudes(wide), {}, store, old);
  const ConvOutputs<T> got =
      run_conv<T>(conv_kind(table, is_transpose), sizes, inputs, place, store, old);
  CHECK(failures(got.y, truth.y, scale.y, tolerated) == 0);
  CHECK(failures(got.dx, truth.dx, scale.dx, tolerated) == 0);
  CHECK(failures(got.dweight, truth.dweight, scale.dweight, tolerated) == 0);
  CHECK(failures(got.dbias, truth.dbias, scale.dbias) == 0);
}

template <class T>
void compare_conv_cases(const KernelTable<T>& table, float lowest, Store store,
                        ConvPlace place = {}, double tolerated = tolerance<T>()) {
  for (const ConvCase& test : conv_cases()) {
    compare_conv<T>(table, test, false, lowest, store, place, tolerated);
  }
  for (const ConvCase& test : transpose_cases()) {
    compare_conv<T>(table, test, true, lowest, store, place, tolerated);
  }
}

}  // namespace pisr::kernels
