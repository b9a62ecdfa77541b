#pragma once

#include <array>
#include <cstdint>

namespace pisr::ptx {

constexpr std::uint32_t kWarpSize = 32;

/// What the lanes of a warp give each other in one instruction.
struct Exchange {
  std::array<std::uint32_t, kWarpSize> values;
  std::array<std::uint64_t, kWarpSize> rows;  ///< addresses in shared memory
  std::array<std::array<float, 16>, 16> a;    ///< [row][column]
  std::array<std::array<float, 8>, 16> b;     ///< [row][column]
};

/// Its lanes meet at an instruction, and a lane may reach the next one while others still read what
/// they got at this one. Two exchanges are enough: nobody leaves the next before all have come.
struct Warp {
  std::array<Exchange, 2> exchanges;
  std::uint32_t meetings = 0;  ///< so far
  std::uint32_t arrived = 0;   ///< a bit for each lane
  std::uint32_t line = 0;      ///< where the first has arrived
  std::uint32_t lanes = 0;     ///< 32 but in the last warp of a block
  std::uint32_t period = 1;    ///< counts its barriers
};

}  // namespace pisr::ptx
