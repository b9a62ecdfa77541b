#pragma once

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"

namespace pisr {

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
