#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/export.h"
#include "kernels/philox.h"

namespace pisr {

/// What a stream of random numbers is for. Streams with the same seed never share a number.
enum class RandomUse : std::uint32_t { init = 1, batch = 2, dead_leaves = 3, test = 4 };

/// The key of Random(seed, use, index), for kernels that draw the same numbers.
PISR_CORE_API kernels::PhiloxKey random_key(std::uint64_t seed, RandomUse use) noexcept;

/// A sequence of random numbers that is a pure function of (seed, use, index): the same on every
/// machine and for any number of workers. `index` numbers what is drawn: a parameter, a training
/// sample or an image.
class PISR_CORE_API Random {
 public:
  Random(std::uint64_t seed, RandomUse use, std::uint64_t index) noexcept;

  std::uint32_t next_word() noexcept;
  /// Uniform integer in [0, bound), unbiased to 2^-32; bound >= 1.
  std::uint32_t below(std::uint32_t bound) noexcept;
  /// Uniform in [0, 1), 53 bits.
  double uniform() noexcept;
  double uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }
  /// Standard normal (Box-Muller).
  double normal() noexcept;

 private:
  kernels::PhiloxKey key_;
  kernels::PhiloxWords counter_;
  kernels::PhiloxWords words_{};
  int used_ = 4;
};

}  // namespace pisr
