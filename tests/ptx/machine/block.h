#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/ptx/machine/launch.h"
#include "tests/ptx/machine/shared_memory.h"
#include "tests/ptx/machine/thread.h"
#include "tests/ptx/machine/warp.h"

namespace pisr::ptx {

/// A block while it runs. Each thread is a fiber. A warp runs as far as it can before the next
/// does.
class Block {
 public:
  Block(const Launch& launch, SharedMemory& shared, bool reversed);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  /// Runs all threads of block `index` to their ends.
  void run(Size3 index);

  const Launch& launch() const { return launch_; }
  SharedMemory& shared() { return shared_; }
  std::size_t static_shared_bytes() const;

  /// The running thread waits at a barrier of the block.
  void wait_at_barrier(Thread& thread, std::uint32_t line);
  /// The running thread has come to an instruction of its warp; returns when all lanes have.
  void arrive(Thread& thread, std::uint32_t line);
  /// What must hold before a lane gives others anything.
  void check_meeting(const Thread& thread, std::uint32_t line) const;

  /// Of a fiber: runs the threads that it is given, one after another.
  static void run_threads();

 private:
  void start_threads(Size3 index);
  bool run_warp(std::size_t warp);
  void resume(Thread& thread);
  void pause(Thread& thread, Thread::State state, std::uint32_t line);
  bool release_barrier();
  void check_end() const;
  [[noreturn]] void fail_deadlock() const;
  std::size_t in_order(std::size_t at, std::size_t count) const;

  const Launch& launch_;
  SharedMemory& shared_;
  bool reversed_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::size_t alive_ = 0;
};

}  // namespace pisr::ptx
