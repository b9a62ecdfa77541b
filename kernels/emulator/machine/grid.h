#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/emulator/machine/emulator.h"
#include "kernels/emulator/machine/fiber.h"
#include "kernels/emulator/machine/fiber_pool.h"

/// One launch: the blocks of a grid, their warps and threads, barriers and shared memory.
namespace pisr::kernels::emulator {

/// Lanes of a warp that exchange values. The two sets of slots are used by turns: a lane may pass
/// its next value before all others have read the last one.
struct Meeting {
  unsigned mask = 0, arrived = 0, turn = 0;
  Place place;
  Slots slots[2];
};

/// An asynchronous copy that has not arrived.
struct Copy {
  void* target;
  const void* source;
  std::size_t bytes;
};

struct Thread {
  enum class State : unsigned char { fresh, ready, at_barrier, at_exchange, done };
  dim3 index;
  unsigned number = 0;
  State state = State::fresh;
  Fiber* fiber = nullptr;
  const Meeting* meeting = nullptr;
  Place place;
  unsigned barriers = 0;  ///< that it has passed
  std::vector<Copy> copies;
};

/// Addresses by which ThreadSanitizer orders the threads of a grid: after the launch, and before
/// what follows the grid.
struct GridTags {
  std::uint64_t launch = 0, end = 0;
};
/// And those of a block: what follows a barrier comes after all that precedes it. Two tags are used
/// by turns, since a thread leaving one barrier is not ordered after those already at the next.
struct BarrierTags {
  std::uint64_t tags[2] = {};
};

std::string text(const dim3& d);
std::size_t volume(dim3 size);

class Grid {
 public:
  Grid(dim3 grid, dim3 block, std::size_t dynamic_bytes, Order order, FiberPool& pool,
       FunctionRef<void()> kernel);

  /// Runs all blocks. Throws Failure.
  void run();

  /// On a fiber: runs one thread of a warp after the other until one has to wait, so that without
  /// barriers a thread costs a function call. Returns the fiber, which is idle then.
  Fiber* run_threads();

  // What emulator.h declares, for the thread that is running.
  void wait_for_block(Place place);
  const Slots& exchange(unsigned mask, const void* value, std::size_t bytes, Place place);
  void* shared_array(const void* key, std::size_t bytes);
  void* dynamic_shared();
  Thread& running() { return *running_; }
  /// Of the block with the most shared arrays.
  std::size_t static_bytes() const { return most_static_bytes_; }
  [[noreturn]] void fail(const char* what, Place place);

 private:
  using State = Thread::State;
  struct Release {
    void operator()(void* memory) const;
  };
  using SharedMemory = std::unique_ptr<void, Release>;

  static SharedMemory full_of_nan(std::size_t bytes);
  /// Fills `indices` with 0, 1, ... in the order that was chosen.
  template <class Index>
  void arrange(std::vector<Index>& indices);
  void run_block(dim3 block);
  bool all_done() const;
  /// Runs the lanes of a warp that are not waiting, each until it waits. Returns whether there was
  /// one.
  bool run_warp(std::size_t warp);
  /// Lets all threads go on if every one that has not ended waits at the same barrier.
  bool release_barrier();
  void wait(State state, Place place);
  void enter(Thread& thread);
  Thread* next_fresh();
  Meeting& meeting_of(std::size_t warp, unsigned mask);

  dim3 grid_, block_;
  std::size_t dynamic_bytes_;
  Order order_;
  std::mt19937 random_;
  FiberPool& pool_;
  FunctionRef<void()> kernel_;
  std::vector<Thread> threads_;
  std::vector<std::vector<std::unique_ptr<Meeting>>> warps_;
  // On the heap: ThreadSanitizer forgets the order of memory that is freed.
  std::unique_ptr<GridTags> grid_tags_ = std::make_unique<GridTags>();
  std::unique_ptr<BarrierTags> barrier_tags_;
  std::map<const void*, SharedMemory> shared_;
  std::size_t shared_bytes_ = 0, most_static_bytes_ = 0;
  SharedMemory dynamic_;
  Thread* running_ = nullptr;
  std::vector<unsigned> lane_order_;
  std::size_t next_lane_ = 0, first_thread_of_warp_ = 0;
  std::string failure_;
};

}  // namespace pisr::kernels::emulator
