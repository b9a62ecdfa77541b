#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "core/tensor.h"
#include "nn/module.h"

namespace pisr::golden {

/// The numbers of counter_numbers in tests/golden/make_golden.py: uniform in [low, high), a
/// function of name and place, rounded to f32.
inline Tensor counter_numbers(const std::string& name, Shape shape, double low, double high,
                              DType dtype) {
  std::uint32_t seed = 2166136261U;
  for (const char byte : "c" + name) {  // make_golden.py's SALT
    seed = (seed ^ static_cast<unsigned char>(byte)) * 16777619U;
  }
  const Tensor result = Tensor::empty(shape, DType::f32);
  std::uint32_t index = 0;
  for (float& value : result.values<float>()) {
    std::uint32_t hash = seed + index++ * 2654435761U;
    hash = (hash ^ (hash >> 16)) * 2246822519U;
    hash = (hash ^ (hash >> 13)) * 3266489917U;
    hash ^= hash >> 16;
    value = static_cast<float>(low + (high - low) * (hash * 0x1p-32));
  }
  return result.to(dtype);
}

/// Gives the parameters of `module`, but constants, the values that make_golden.py gives those of
/// the same names.
inline void set_parameters(Module& module, const std::string& prefix) {
  for (const NamedParameter& named : module.parameters()) {
    Parameter& parameter = *named.parameter;
    if (named.role == ParameterRole::constant) {
      continue;
    }
    const bool slope = named.fan_in == 0;  // or a share of a mean
    const double bound = slope ? 0.0 : 1.0 / std::sqrt(static_cast<double>(named.fan_in));
    parameter.value.copy_from(counter_numbers(prefix + named.name, parameter.value.shape(),
                                              slope ? 0.15 : -bound, slope ? 0.35 : bound,
                                              parameter.value.dtype()));
  }
}

inline SafeTensors read(const std::string& name) {
  return read_safetensors(std::filesystem::path(PISR_SOURCE_DIR) / "tests/golden" / name);
}

/// make_golden.py's projections(): [g . r, |g|] with r uniform in +-1.
inline Tensor projected(const std::string& name, const Tensor& gradient) {
  const Tensor g = gradient.to(DType::f64);
  const Tensor r = counter_numbers("projection." + name, gradient.shape(), -1.0, 1.0, DType::f64);
  double product = 0.0;
  double squares = 0.0;
  for (std::int64_t i = 0; i < g.count(); ++i) {
    product += g.data<double>()[i] * r.data<double>()[i];
    squares += g.data<double>()[i] * g.data<double>()[i];
  }
  return Tensor::from(std::vector<double>{product, std::sqrt(squares)}, {2});
}

/// How far a result may be from PyTorch's, as relative_error() measures it.
inline double bound(DType dtype) {
  return dtype == DType::f32 ? 1e-5 : 1e-10;
}

/// max |got - wanted| / max |wanted|; infinite for NaN or another shape.
inline double relative_error(const Tensor& got, const Tensor& wanted) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (got.shape() != wanted.shape()) {
    return kInfinity;
  }
  const Tensor a = got.to(DType::f64);
  const Tensor b = wanted.to(DType::f64);
  double difference = 0.0;
  double largest = 0.0;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    const double error = std::abs(a.data<double>()[i] - b.data<double>()[i]);
    if (!(error < kInfinity)) {
      return kInfinity;
    }
    difference = std::max(difference, error);
    largest = std::max(largest, std::abs(b.data<double>()[i]));
  }
  return largest > 0.0 ? difference / largest : difference;
}

}  // namespace pisr::golden
