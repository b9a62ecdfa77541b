#pragma once

#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

namespace pisr::kernels {

/// Uniform numbers in [low, high), exact in both element types.
template <class T>
std::vector<T> uniform(std::size_t count, float low, float high, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<T> values(count);
  for (T& value : values) {
    value = distribution(generator);
  }
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace pisr::kernels
