#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "kernels/launcher.h"

namespace pisr::kernels {

/// A Launcher for tests: `threads` threads that live for one parallel_for each, and scratch memory
/// that starts at a multiple of 64 bytes, is full of NaN (a kernel that relies on zeros fails) and
/// has guard bytes behind it. Scratch lives until release() or the end of the launcher. An
/// exception of a task comes out of parallel_for.
class TestLauncher : public Launcher {
 public:
  explicit TestLauncher(int threads = 1) : threads_(threads) {}

  void parallel_for(std::int64_t tasks,
                    FunctionRef<void(std::int64_t task, int worker)> body) override {
    std::atomic<std::int64_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&](int worker) {
      try {
        for (std::int64_t task = next++; task < tasks; task = next++) {
          body(task, worker);
        }
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        failure = std::current_exception();
      }
    };
    std::vector<std::thread> others;
    for (int worker = 1; worker < threads_; ++worker) {
      others.emplace_back(work, worker);
    }
    work(0);
    for (std::thread& other : others) {
      other.join();
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  int workers() const noexcept override { return threads_; }

  void* scratch(std::size_t bytes) override {
    auto* block = static_cast<unsigned char*>(::operator new(bytes + kGuard, kAlignment));
    std::memset(block, 0xFF, bytes);
    std::memset(block + bytes, kGuardByte, kGuard);
    blocks_.push_back({std::unique_ptr<unsigned char, Release>(block), bytes});
    return block;
  }

  /// Whether no kernel has written behind its scratch memory.
  bool guards_intact() const {
    for (const Block& block : blocks_) {
      for (std::size_t i = 0; i < kGuard; ++i) {
        if (block.memory.get()[block.bytes + i] != kGuardByte) {
          return false;
        }
      }
    }
    return true;
  }

  /// All that was asked for and not given back.
  std::size_t scratch_bytes() const {
    std::size_t sum = 0;
    for (const Block& block : blocks_) {
      sum += block.bytes;
    }
    return sum;
  }

  /// Gives all scratch memory back.
  void release() { blocks_.clear(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  static constexpr std::size_t kGuard = 1024;
  static constexpr unsigned char kGuardByte = 0xA5;

  struct Release {
    void operator()(unsigned char* block) const { ::operator delete(block, kAlignment); }
  };
  struct Block {
    std::unique_ptr<unsigned char, Release> memory;
    std::size_t bytes;
  };

  int threads_;
  std::vector<Block> blocks_;
};

}  // namespace pisr::kernels
