#pragma once

#include <cstdint>

#include "kernels/host_device.h"

namespace pisr::kernels {

/// A counter, or the four random words that Philox makes of it.
struct PhiloxWords {
  std::uint32_t word[4];
};

/// Each key has a stream of random numbers of its own.
struct PhiloxKey {
  std::uint32_t word[2];
};

/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy
/// as 1, 2, 3" (SC 2011): four random words for every (counter, key), with no state to carry.
PISR_HOST_DEVICE constexpr PhiloxWords philox4x32(PhiloxWords counter, PhiloxKey key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ULL * counter.word[0];
    const std::uint64_t p1 = 0xCD9E8D57ULL * counter.word[2];
    counter = {{static_cast<std::uint32_t>(p1 >> 32) ^ counter.word[1] ^ key.word[0],
                static_cast<std::uint32_t>(p1),
                static_cast<std::uint32_t>(p0 >> 32) ^ counter.word[3] ^ key.word[1],
                static_cast<std::uint32_t>(p0)}};
    key.word[0] += 0x9E3779B9U;
    key.word[1] += 0xBB67AE85U;
  }
  return counter;
}

/// The counter of the first four words of stream `index`.
PISR_HOST_DEVICE constexpr PhiloxWords first_counter(std::uint64_t index) noexcept {
  return {{0, 0, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32)}};
}

/// A random word as an integer in [0, bound), unbiased to 2^-32; bound >= 1.
PISR_HOST_DEVICE constexpr std::uint32_t below(std::uint32_t word, std::uint32_t bound) noexcept {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(word) * bound) >> 32);
}

}  // namespace pisr::kernels
