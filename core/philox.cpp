#include "core/philox.h"

namespace pisr {

kernels::PhiloxKey random_key(std::uint64_t seed, RandomUse use) noexcept {
  return {{static_cast<std::uint32_t>(seed),
           static_cast<std::uint32_t>(seed >> 32) ^ (static_cast<std::uint32_t>(use) << 24)}};
}

Random::Random(std::uint64_t seed, RandomUse use, std::uint64_t index) noexcept
    : key_(random_key(seed, use)), counter_(kernels::first_counter(index)) {}

std::uint32_t Random::next_word() noexcept {
  if (used_ == 4) {
    words_ = kernels::philox4x32(counter_, key_);
    if (++counter_.word[0] == 0) ++counter_.word[1];
    used_ = 0;
  }
  return words_.word[used_++];
}

std::uint32_t Random::below(std::uint32_t bound) noexcept {
  return kernels::below(next_word(), bound);
}

double Random::uniform() noexcept {
  const std::uint64_t high = next_word() >> 5;
  const std::uint64_t low = next_word() >> 6;
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

double Random::normal() noexcept {
  const double u = 1.0 - uniform();
  const double v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586476925 * v);
}

}  // namespace pisr
