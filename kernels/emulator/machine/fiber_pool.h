#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "kernels/emulator/machine/fiber.h"
#include "kernels/emulator/machine/thread_sanitizer.h"

namespace pisr::kernels::emulator {

/// The fibers of a thread of the operating system; they are kept from launch to launch.
struct FiberPool {
  void (*entry)();  ///< of each fiber
  Fiber scheduler = {};
  std::vector<std::unique_ptr<Fiber>> fibers = {};
  std::deque<Fiber*> idle = {};

  /// An idle fiber, or a new one. Where races are reported, as many as a block has threads must be
  /// idle before one is used again: two accesses of one fiber are no race, and consecutive blocks
  /// must not share fibers.
  Fiber* take(std::size_t threads) {
    if (idle.size() <= (kRacesAreReported ? threads : 0)) {
      fibers.push_back(std::make_unique<Fiber>(entry));
      return fibers.back().get();
    }
    Fiber* fiber = kRacesAreReported ? idle.front() : idle.back();
    if (kRacesAreReported) {
      idle.pop_front();
    } else {
      idle.pop_back();
    }
    return fiber;
  }
};

}  // namespace pisr::kernels::emulator
