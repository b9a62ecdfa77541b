#include "nn/init.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/philox.h"
#include "kernels/bicubic.h"

namespace pisr {
namespace {

/// The initial PReLU slope, which He's variance takes into account.
constexpr double kSlope = 0.25;
constexpr double kTransposedDeviation = 0.001;

double he_deviation(const NamedParameter& named) {
  switch (named.role) {
    case ParameterRole::weight:
      return std::sqrt(2.0 / ((1.0 + kSlope * kSlope) * static_cast<double>(named.fan_in)));
    case ParameterRole::transposed_weight:
      return kTransposedDeviation;
    case ParameterRole::linear_weight:
      return std::sqrt(1.0 / static_cast<double>(named.fan_in));
    case ParameterRole::bias:
    case ParameterRole::slope:
    case ParameterRole::share:
    case ParameterRole::constant:
      break;
  }
  return 0.0;
}

template <class Draw>
void fill(const Tensor& value, Draw draw) {
  with_type(value.dtype(), [&]<class T>() {
    for (T& number : value.values<T>()) {
      number = static_cast<T>(draw());
    }
  });
}

double linear(double distance) {
  return std::max(0.0, 1 - std::abs(distance));
}

/// The weights of `taps` outputs that an input reaches; those of one output sum to 1.
std::vector<double> interpolation(int taps, int stride, int padding) {
  // Tap t is output t - padding of input 0, whose centre is (t - padding + 1/2) / stride - 1/2
  // inputs away.
  const auto distance = [&](int tap) { return (tap - padding + 0.5) / stride - 0.5; };
  const bool cubic_fits = distance(-1) <= -2 && distance(taps) >= 2;
  std::vector<double> weights;
  std::vector<double> sums(static_cast<std::size_t>(stride));
  for (int tap = 0; tap < taps; ++tap) {
    weights.push_back(cubic_fits ? kernels::keys_cubic(distance(tap)) : linear(distance(tap)));
    sums[static_cast<std::size_t>(tap % stride)] += weights.back();
  }
  for (std::size_t tap = 0; tap < weights.size(); ++tap) {
    const double sum = sums[tap % sums.size()];
    weights[tap] /= sum == 0 ? 1 : sum;
  }
  return weights;
}

}  // namespace

void pass_channels_on(Module& chain, int channels) {
  for (const NamedParameter& named : chain.parameters()) {
    const Tensor& value = named.parameter->value;
    const std::int64_t passed = std::min<std::int64_t>(channels, value.shape()[0]);
    const std::int64_t stride = value.count() / value.shape()[0];
    const bool weight =
        named.role == ParameterRole::weight || named.role == ParameterRole::linear_weight;
    if (!weight && named.role != ParameterRole::bias) {
      continue;
    }
    with_type(value.dtype(), [&]<class T>() {
      const auto values = value.values<T>();
      std::ranges::fill(values.first(static_cast<std::size_t>(passed * stride)), T{0});
      if (weight) {
        const std::int64_t taps = value.shape()[2] * value.shape()[3];
        for (std::int64_t channel = 0; channel < std::min(passed, value.shape()[1]); ++channel) {
          values[static_cast<std::size_t>(channel * stride + channel * taps + taps / 2)] = T{1};
        }
      }
    });
  }
}

void set_interpolation(const Tensor& weight, int stride, int padding) {
  const Shape& shape = weight.shape();
  const std::vector<double> rows = interpolation(static_cast<int>(shape[2]), stride, padding);
  const std::vector<double> columns = interpolation(static_cast<int>(shape[3]), stride, padding);
  weight.set_zero();
  with_type(weight.dtype(), [&]<class T>() {
    for (std::int64_t channel = 0; channel < std::min(shape[0], shape[1]); ++channel) {
      T* value = weight.data<T>() + (channel * shape[1] + channel) * shape[2] * shape[3];
      for (const double row : rows) {
        for (const double column : columns) {
          *value++ = static_cast<T>(row * column);
        }
      }
    }
  });
}

void zero_last_layer(Module& module) {
  const std::vector<NamedParameter> parameters = module.parameters();
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const ParameterRole role = parameters[i].role;
    if (is_weight(role) || role == ParameterRole::bias) {
      parameters[i].parameter->value.set_zero();
    }
    if (is_weight(role)) {
      return;
    }
  }
}

void initialise(Module& module, std::uint64_t seed, Initialisation initialisation) {
  std::uint64_t index = 0;
  for (const NamedParameter& named : module.parameters()) {
    Random random(seed, RandomUse::init, index++);
    const Tensor& value = named.parameter->value;
    if (named.role == ParameterRole::constant) {
      continue;
    }
    if (named.role == ParameterRole::slope) {
      fill(value, [] { return kSlope; });
    } else if (named.role == ParameterRole::share) {
      fill(value, [&] { return 1.0 / static_cast<double>(value.count()); });
    } else if (initialisation == Initialisation::uniform) {
      const double bound = 1.0 / std::sqrt(static_cast<double>(named.fan_in));
      fill(value, [&] { return random.uniform(-bound, bound); });
    } else {
      const double deviation = he_deviation(named);
      fill(value, [&] { return deviation * random.normal(); });
    }
  }
}

}  // namespace pisr
