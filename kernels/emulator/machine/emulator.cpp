#include "kernels/emulator/machine/emulator.h"

#include <cstring>
#include <string>
#include <vector>

#include "kernels/emulator/machine/fiber_pool.h"
#include "kernels/emulator/machine/grid.h"
#include "kernels/emulator/machine/thread_sanitizer.h"

namespace pisr::kernels::emulator {
namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kMostThreads = 1024;  // in a block
constexpr unsigned kMostBlocks = 65535;  // along y and z

void run_fiber();

thread_local FiberPool pool{run_fiber};
thread_local Grid* running_grid = nullptr;
thread_local Order chosen_order;
thread_local Card card;
thread_local std::size_t last_static_bytes = 0;

void run_fiber() {
  Fiber::entered();
  for (;;) {
    Fiber* idle = running_grid->run_threads();
    Fiber::switch_from(*idle, pool.scheduler);
  }
}

}  // namespace

void set_order(Order order) {
  chosen_order = order;
}

void set_card(const Card& chosen) {
  card = chosen;
}

Card current_card() {
  return card;
}

void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, FunctionRef<void()> kernel) {
  if (volume(grid) == 0 || volume(block) == 0 || volume(block) > kMostThreads ||
      grid.x > 0x7FFFFFFFU || grid.y > kMostBlocks || grid.z > kMostBlocks || block.z > 64) {
    throw Failure("a grid of " + text(grid) + " blocks of " + text(block) + " threads");
  }
  if (shared_bytes > card.shared_bytes) {
    throw Failure(std::to_string(shared_bytes) + " bytes of dynamic shared memory for a block");
  }
  const Unobserved unobserved;
  Grid current(grid, block, shared_bytes, chosen_order, pool, kernel);
  running_grid = &current;
  try {
    current.run();
    last_static_bytes = current.static_bytes();
  } catch (...) {
    // Some fibers are still inside the kernel.
    pool.idle.clear();
    pool.fibers.clear();
    throw;
  }
}

std::size_t static_shared_bytes() {
  return last_static_bytes;
}

void fail(const char* what, Place place) {
  running_grid->fail(what, place);
}

unsigned lane() {
  return running_grid->running().number % kWarp;
}

void wait_for_block(Place place) {
  running_grid->wait_for_block(place);
}

const Slots& exchange(unsigned mask, const void* value, std::size_t bytes, Place place) {
  return running_grid->exchange(mask, value, bytes, place);
}

void read_slot(const Slots& slots, unsigned lane, void* value, std::size_t bytes) {
  const Unobserved unobserved;
  std::memcpy(value, slots[lane], bytes);
}

void* shared_array(const void* key, std::size_t bytes) {
  return running_grid->shared_array(key, bytes);
}

void* dynamic_shared() {
  return running_grid->dynamic_shared();
}

void start_copy(void* target, const void* source, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(target) % bytes != 0 ||
      reinterpret_cast<std::uintptr_t>(source) % bytes != 0) {
    fail("an asynchronous copy that is not aligned to its size", {});
  }
  std::memset(target, 0xFF, bytes);
  const Unobserved unobserved;
  running_grid->running().copies.push_back({target, source, bytes});
}

void wait_for_copies() {
  std::vector<Copy>& copies = running_grid->running().copies;
  for (const Copy& copy : copies) {
    std::memcpy(copy.target, copy.source, copy.bytes);
  }
  copies.clear();
}

}  // namespace pisr::kernels::emulator
