#include "nn/init.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "core/philox.h"

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

}  // namespace

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
