#pragma once

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "tests/kernels/kernel_case.h"

/// The cases in which every kernel but the convolutions is compared with the naive one.
namespace pisr::kernels {

using Cases = std::vector<KernelCase>;

void add_pointwise_cases(Cases& cases);
void add_reduction_cases(Cases& cases);
void add_layout_cases(Cases& cases);
void add_training_cases(Cases& cases);

/// Below, at and beyond every vector length, and beyond one segment (16384 elements) and a half.
inline const std::vector<std::int64_t> kCounts = {1, 2, 7, 13, 16, 31, 64, 100, 1021, 24601};

/// [batch, channels, inner]
struct Planes {
  std::int64_t batch, channels, inner;
  std::int64_t count() const { return batch * channels * inner; }
};
inline const std::vector<Planes> kPlanes = {{1, 1, 1},  {2, 3, 1},   {3, 1, 7},    {2, 13, 13},
                                            {1, 7, 64}, {2, 3, 144}, {2, 2, 16385}};

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

inline std::string text(const Planes& p) {
  return text("[", p.batch, ", ", p.channels, ", ", p.inner, "]");
}

/// Magnitudes of term(0), term(1), ...
template <class Term>
std::vector<double> each(std::size_t count, Term term) {
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    result[i] = std::abs(term(i));
  }
  return result;
}

/// The sum of them.
template <class Term>
double sum(std::size_t count, Term term) {
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    total += std::abs(term(i));
  }
  return total;
}

}  // namespace pisr::kernels
