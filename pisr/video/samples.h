#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/parallel.h"

namespace pisr {

/// Sample `index` of a plane whose samples have `bytes` bytes, the lower one first.
inline int load_sample(const std::byte* plane, std::size_t index, std::size_t bytes) {
  if (bytes == 1) {
    return std::to_integer<int>(plane[index]);
  }
  return std::to_integer<int>(plane[2 * index]) | std::to_integer<int>(plane[2 * index + 1]) << 8;
}

/// Stores a value, rounded half up and clamped to 0..largest.
inline void store_sample(std::byte* plane, std::size_t index, std::size_t bytes, double value,
                         int largest) {
  const int sample = static_cast<int>(std::clamp(value + 0.5, 0.0, largest + 0.5));
  if (bytes == 1) {
    plane[index] = static_cast<std::byte>(sample);
  } else {
    plane[2 * index] = static_cast<std::byte>(sample & 0xFF);
    plane[2 * index + 1] = static_cast<std::byte>(sample >> 8);
  }
}

/// Calls body(first, past) for parts of the rows 0..rows, some at once; without a pool in turn.
template <class Body>
void for_rows(ThreadPool* pool, int rows, Body&& body) {
  constexpr int kRowsAtOnce = 16;
  const auto part = [&](std::int64_t task, int) {
    const int first = static_cast<int>(task) * kRowsAtOnce;
    body(first, std::min(rows, first + kRowsAtOnce));
  };
  const std::int64_t tasks = rows / kRowsAtOnce + (rows % kRowsAtOnce != 0 ? 1 : 0);
  if (pool != nullptr) {
    pool->parallel_for(tasks, part);
    return;
  }
  for (std::int64_t task = 0; task < tasks; ++task) {
    part(task, 0);
  }
}

}  // namespace pisr
