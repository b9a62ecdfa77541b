#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "kernels/emulator/machine/stream.h"
#include "kernels/launcher.h"

/// CUDA's type for the size of a grid or a block, and for a position in one.
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned size_x = 1, unsigned size_y = 1, unsigned size_z = 1)
      : x(size_x), y(size_y), z(size_z) {}
};

/// Runs CUDA kernels on the host, for tests. Each CUDA thread is a fiber. Blocks run one after
/// another. In a block one warp runs as far as it can before the next starts, the order most likely
/// to show a missing barrier. Shared memory is full of NaN at first, and asynchronous copies arrive
/// as late as CUDA allows.
namespace pisr::kernels::emulator {

/// A kernel broke a rule of CUDA: threads of a block at different barriers, a lane missing from a
/// shuffle, a launch beyond the limits, and so on. The message names the line and the thread.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The order in which blocks, the warps of a block and the lanes of a warp run.
struct Order {
  enum class Kind { forward, reverse, shuffled };
  Kind kind = Kind::forward;
  unsigned seed = 0;
};

/// Sets the order for kernels that this thread launches from now on.
void set_order(Order order);

/// The emulated device: an H200, unless a test sets another for its thread.
struct Card {
  std::size_t shared_bytes = 227 << 10;  ///< at most, for one block
  int multiprocessors = 132;
};
void set_card(const Card& card);
Card current_card();

/// Runs `kernel` once for each thread of the grid, with `shared_bytes` of dynamic shared memory for
/// each block. Throws Failure; the results are undefined then.
void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, FunctionRef<void()> kernel);

/// The built-in variables of the CUDA thread that is running.
struct Position {
  dim3 thread, block, block_size, grid_size;
};
inline thread_local Position position;

/// A line of a kernel.
struct Place {
  const char* file = "";
  int line = 0;
};

[[noreturn]] void fail(const char* what, Place place);

unsigned lane();

void wait_for_block(Place place);

/// One value from each lane of a warp, valid until the lanes meet again.
constexpr std::size_t kSlotBytes = 48;
using Slots = unsigned char[32][kSlotBytes];

/// Waits for all lanes in `mask` and returns the value that each of them passed. Orders no memory.
const Slots& exchange(unsigned mask, const void* value, std::size_t bytes, Place place);
void read_slot(const Slots& slots, unsigned lane, void* value, std::size_t bytes);

/// The shared array of the running block that is identified by `key`.
void* shared_array(const void* key, std::size_t bytes);

/// The dynamic shared memory of the running block.
void* dynamic_shared();

/// Starts a copy from global to shared memory. The target is NaN until the thread that started the
/// copy waits for it.
void start_copy(void* target, const void* source, std::size_t bytes);
void wait_for_copies();

template <class T>
T shuffle_down(unsigned mask, T value, unsigned distance, Place place) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kSlotBytes);
  const Slots& slots = exchange(mask, &value, sizeof value, place);
  const unsigned source = lane() + distance;
  if (source >= 32) {
    return value;
  }
  if ((mask >> source & 1U) == 0) {
    fail("a shuffle reads a lane that is not in its mask", place);
  }
  T result;
  read_slot(slots, source, &result, sizeof result);
  return result;
}

}  // namespace pisr::kernels::emulator
