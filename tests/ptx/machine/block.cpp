#include "tests/ptx/machine/block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernels/emulator/machine/fiber.h"
#include "tests/ptx/machine/fault.h"
#include "tests/ptx/machine/machine.h"

namespace pisr::ptx {
namespace {

using kernels::emulator::Fiber;

/// The fibers of the program; they are kept from block to block.
struct Fibers {
  Fiber scheduler;
  std::vector<std::unique_ptr<Fiber>> all;
  std::vector<Fiber*> idle;
  Thread* running = nullptr;

  Fiber* take() {
    if (idle.empty()) {
      all.push_back(std::make_unique<Fiber>(Block::run_threads));
      return all.back().get();
    }
    Fiber* const fiber = idle.back();
    idle.pop_back();
    return fiber;
  }
};

Fibers& fibers() {
  static Fibers all;
  return all;
}

Size3 unflatten(std::size_t index, Size3 size) {
  return {static_cast<std::uint32_t>(index % size.x),
          static_cast<std::uint32_t>(index / size.x % size.y),
          static_cast<std::uint32_t>(index / size.x / size.y)};
}

bool is_reversed() {
  const char* const order = std::getenv("PISR_PTX_ORDER");
  if (order == nullptr || std::strcmp(order, "forward") == 0) {
    return false;
  }
  if (std::strcmp(order, "reverse") != 0) {
    end_with_fault("PISR_PTX_ORDER must be forward or reverse, got '" + std::string(order) + "'");
  }
  return true;
}

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

void run(const Launch& launch) {
  static SharedMemory shared;
  machine().launched.insert(launch.kernel->name);
  machine().memory.begin_launch();
  const bool reversed = is_reversed();
  const std::size_t blocks = volume(launch.grid);
  Block block(launch, shared, reversed);
  for (std::size_t i = 0; i < blocks; ++i) {
    block.run(unflatten(reversed ? blocks - 1 - i : i, launch.grid));
  }
}

Block::Block(const Launch& launch, SharedMemory& shared, bool reversed)
    : launch_(launch), shared_(shared), reversed_(reversed) {
  const std::size_t count = volume(launch.block);
  threads_.resize(count);
  warps_.resize((count + kWarpSize - 1) / kWarpSize);
  for (std::size_t i = 0; i < count; ++i) {
    Thread& thread = threads_[i];
    thread.tid = unflatten(i, launch.block);
    thread.ntid = launch.block;
    thread.nctaid = launch.grid;
    thread.lane = static_cast<std::uint32_t>(i % kWarpSize);
    thread.number_ = static_cast<std::uint16_t>(i);
    thread.block_ = this;
    thread.warp_ = &warps_[i / kWarpSize];
    ++thread.warp_->lanes;
  }
}

std::size_t Block::static_shared_bytes() const {
  constexpr std::size_t kAlignment = 16;  // of the dynamic shared memory behind it
  return round_up(launch_.kernel->static_shared_bytes, kAlignment);
}

void Block::start_threads(Size3 index) {
  shared_.begin_block(static_shared_bytes() + launch_.dynamic_shared_bytes);
  alive_ = threads_.size();
  for (Thread& thread : threads_) {
    thread.ctaid = index;
    thread.state_ = Thread::State::fresh;
  }
}

void Block::run(Size3 index) {
  start_threads(index);
  while (alive_ > 0) {
    bool progress = false;
    for (std::size_t i = 0; i < warps_.size(); ++i) {
      while (run_warp(in_order(i, warps_.size()))) {
        progress = true;
      }
    }
    if (alive_ > 0 && !release_barrier() && !progress) {
      fail_deadlock();
    }
  }
  check_end();
}

std::size_t Block::in_order(std::size_t at, std::size_t count) const {
  return reversed_ ? count - 1 - at : at;
}

bool Block::run_warp(std::size_t warp) {
  bool progress = false;
  for (std::size_t i = 0; i < warps_[warp].lanes; ++i) {
    Thread& thread = threads_[warp * kWarpSize + in_order(i, warps_[warp].lanes)];
    if (thread.state_ == Thread::State::fresh || thread.state_ == Thread::State::ready) {
      progress = true;
      resume(thread);
    }
  }
  return progress;
}

void Block::resume(Thread& thread) {
  if (thread.state_ == Thread::State::fresh) {
    thread.fiber_ = fibers().take();
  }
  thread.state_ = Thread::State::ready;
  fibers().running = &thread;
  Fiber::switch_from(fibers().scheduler, *thread.fiber_);
  if (thread.state_ == Thread::State::done) {
    --alive_;
    fibers().idle.push_back(thread.fiber_);
  }
}

void Block::run_threads() {
  Fiber::entered();
  for (;;) {
    Thread& thread = *fibers().running;
    thread.block_->launch().kernel->run(thread);
    thread.state_ = Thread::State::done;
    Fiber::switch_from(*thread.fiber_, fibers().scheduler);
  }
}

void Block::pause(Thread& thread, Thread::State state, std::uint32_t line) {
  thread.state_ = state;
  thread.waits_at_ = line;
  Fiber::switch_from(*thread.fiber_, fibers().scheduler);
}

void Block::wait_at_barrier(Thread& thread, std::uint32_t line) {
  pause(thread, Thread::State::at_barrier, line);
}

bool Block::release_barrier() {
  const Thread* first = nullptr;
  for (const Thread& thread : threads_) {
    if (thread.state_ == Thread::State::done) {
      continue;
    }
    if (thread.state_ != Thread::State::at_barrier) {
      return false;
    }
    if (first != nullptr && first->waits_at_ != thread.waits_at_) {
      thread.fail(thread.waits_at_, "waits at another barrier than thread " +
                                        std::to_string(first->number_) + ", which is at line " +
                                        std::to_string(first->waits_at_));
    }
    first = first == nullptr ? &thread : first;
  }
  shared_.pass_barrier();
  for (Thread& thread : threads_) {
    if (thread.state_ == Thread::State::at_barrier) {
      thread.state_ = Thread::State::ready;
    }
  }
  return true;
}

void Block::check_meeting(const Thread& thread, std::uint32_t line) const {
  const Warp& warp = *thread.warp_;
  if (warp.lanes != kWarpSize) {
    thread.fail(
        line, "an instruction of a whole warp in one of " + std::to_string(warp.lanes) + " lanes");
  }
  if (warp.arrived != 0 && warp.line != line) {
    thread.fail(line, "other lanes of the warp wait at another instruction, in line " +
                          std::to_string(warp.line));
  }
}

void Block::arrive(Thread& thread, std::uint32_t line) {
  Warp& warp = *thread.warp_;
  constexpr std::uint32_t kAllLanes = 0xFFFFFFFF;
  warp.line = line;
  warp.arrived |= 1U << thread.lane;
  if (warp.arrived != kAllLanes) {
    pause(thread, Thread::State::at_meeting, line);
    return;
  }
  warp.arrived = 0;
  ++warp.meetings;
  Thread* const first = &threads_[thread.number_ / kWarpSize * kWarpSize];
  std::for_each(first, first + kWarpSize, [](Thread& other) {
    if (other.state_ == Thread::State::at_meeting) {
      other.state_ = Thread::State::ready;
    }
  });
}

void Block::fail_deadlock() const {
  const auto waits = std::find_if(threads_.begin(), threads_.end(), [](const Thread& thread) {
    return thread.state_ == Thread::State::at_meeting;
  });
  const Thread& thread = waits != threads_.end() ? *waits : threads_.front();
  thread.fail(thread.waits_at_, "a deadlock: waits for threads that never come");
}

void Block::check_end() const {
  for (const Thread& thread : threads_) {
    if (!thread.started_.empty()) {
      thread.fail(thread.started_.front().line, "ends with a copy it has not waited for");
    }
    if (!thread.committed_.empty()) {
      thread.fail(thread.committed_.front().front().line, "ends with a copy it has not waited for");
    }
  }
}

}  // namespace pisr::ptx
