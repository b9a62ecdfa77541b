#include "kernels/emulator/machine/grid.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

#include "kernels/emulator/machine/thread_sanitizer.h"

namespace pisr::kernels::emulator {
namespace {

constexpr unsigned kWarp = 32;
constexpr std::size_t kMostShared = 48 << 10;  // bytes of a block's arrays of constant size

std::string text(Place place) {
  return std::string(place.file) + ":" + std::to_string(place.line);
}

dim3 unflatten(std::size_t index, dim3 size) {
  return {static_cast<unsigned>(index % size.x), static_cast<unsigned>(index / size.x % size.y),
          static_cast<unsigned>(index / size.x / size.y)};
}

}  // namespace

std::string text(const dim3& d) {
  return "(" + std::to_string(d.x) + ", " + std::to_string(d.y) + ", " + std::to_string(d.z) + ")";
}

std::size_t volume(dim3 size) {
  return std::size_t{size.x} * size.y * size.z;
}

Grid::Grid(dim3 grid, dim3 block, std::size_t dynamic_bytes, Order order, FiberPool& pool,
           FunctionRef<void()> kernel)
    : grid_(grid),
      block_(block),
      dynamic_bytes_(dynamic_bytes),
      order_(order),
      random_(order.seed),
      pool_(pool),
      kernel_(kernel) {
  threads_.resize(volume(block));
  for (unsigned i = 0; i < threads_.size(); ++i) {
    threads_[i].index = unflatten(i, block);
    threads_[i].number = i;
  }
  warps_.resize((threads_.size() + kWarp - 1) / kWarp);
}

void Grid::Release::operator()(void* memory) const {
  std::free(memory);
}

Grid::SharedMemory Grid::full_of_nan(std::size_t bytes) {
  constexpr std::size_t kAlignment = 128;
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes) != 0) {
    throw std::bad_alloc();
  }
  std::memset(memory, 0xFF, bytes);
  return SharedMemory(memory);
}

template <class Index>
void Grid::arrange(std::vector<Index>& indices) {
  std::iota(indices.begin(), indices.end(), Index{0});
  if (order_.kind == Order::Kind::reverse) {
    std::reverse(indices.begin(), indices.end());
  } else if (order_.kind == Order::Kind::shuffled) {
    std::shuffle(indices.begin(), indices.end(), random_);
  }
}

void Grid::run() {
  const std::size_t blocks = volume(grid_);
  std::vector<std::size_t> block_order(blocks);
  arrange(block_order);
  order_before(&grid_tags_->launch);
  for (const std::size_t block : block_order) {
    barrier_tags_ = std::make_unique<BarrierTags>();
    run_block(unflatten(block, grid_));
  }
  order_after(&grid_tags_->end);
}

Fiber* Grid::run_threads() {
  for (;;) {
    order_after(&grid_tags_->launch);
    kernel_();
    order_before(&grid_tags_->end);
    const Unobserved unobserved;
    Thread& finished = *running_;
    if (!finished.copies.empty()) {
      fail("a thread ends with copies it has not waited for", {});
    }
    finished.state = State::done;
    Fiber* fiber = std::exchange(finished.fiber, nullptr);
    Thread* next = next_fresh();
    if (next == nullptr) {
      pool_.idle.push_back(fiber);
      return fiber;
    }
    next->fiber = fiber;
    enter(*next);
  }
}

void Grid::wait(State state, Place place) {
  Thread& thread = *running_;
  thread.state = state;
  thread.place = place;
  Fiber::switch_from(*thread.fiber, pool_.scheduler);
}

void Grid::wait_for_block(Place place) {
  std::uint64_t* tag = &barrier_tags_->tags[running_->barriers++ % 2];
  order_before(tag);
  wait(State::at_barrier, place);
  order_after(tag);
}

const Slots& Grid::exchange(unsigned mask, const void* value, std::size_t bytes, Place place) {
  Thread& thread = *running_;
  const unsigned lane = thread.number % kWarp;
  if ((mask >> lane & 1U) == 0) {
    fail("a lane is not in the mask of its own operation", place);
  }
  Meeting& meeting = meeting_of(thread.number / kWarp, mask);
  if (meeting.arrived == 0) {
    meeting.place = place;
  } else if (meeting.place.line != place.line || std::strcmp(meeting.place.file, place.file) != 0) {
    fail("lanes of a warp meet at different operations", place);
  }
  const Slots& slots = meeting.slots[meeting.turn % 2];
  {
    const Unobserved unobserved;
    std::memcpy(meeting.slots[meeting.turn % 2][lane], value, bytes);
  }
  meeting.arrived |= 1U << lane;
  if (meeting.arrived != mask) {
    thread.meeting = &meeting;
    wait(State::at_exchange, place);
    return slots;
  }
  meeting.arrived = 0;
  ++meeting.turn;
  const std::size_t first = thread.number / kWarp * kWarp;
  const std::size_t end = std::min<std::size_t>(first + kWarp, threads_.size());
  for (std::size_t i = first; i < end; ++i) {
    if (threads_[i].meeting == &meeting && threads_[i].state == State::at_exchange) {
      threads_[i].state = State::ready;
    }
  }
  return slots;
}

// An array has exactly the size asked for, so that AddressSanitizer sees an access behind it.
void* Grid::shared_array(const void* key, std::size_t bytes) {
  const Unobserved unobserved;
  const auto found = shared_.find(key);
  if (found != shared_.end()) {
    return found->second.get();
  }
  shared_bytes_ += bytes;
  if (shared_bytes_ > kMostShared || shared_bytes_ + dynamic_bytes_ > current_card().shared_bytes) {
    fail("the shared arrays of a block are too large", {});
  }
  most_static_bytes_ = std::max(most_static_bytes_, shared_bytes_);
  return shared_.emplace(key, full_of_nan(bytes)).first->second.get();
}

void* Grid::dynamic_shared() {
  const Unobserved unobserved;
  if (dynamic_bytes_ == 0) {
    fail("a kernel uses dynamic shared memory that its launch did not ask for", {});
  }
  if (dynamic_ == nullptr) {
    dynamic_ = full_of_nan(dynamic_bytes_);
  }
  return dynamic_.get();
}

void Grid::fail(const char* what, Place place) {
  failure_ = std::string(what) + " at " + text(place) + ", block " + text(position.block) +
             " thread " + text(position.thread);
  for (const Thread& thread : threads_) {
    if (thread.state == State::at_barrier || thread.state == State::at_exchange) {
      failure_ += "; thread " + std::to_string(thread.number) + " waits at " + text(thread.place);
      break;
    }
  }
  if (running_ == nullptr) {
    throw Failure(failure_);
  }
  Fiber::switch_from(*running_->fiber, pool_.scheduler);
  std::abort();  // a fiber that failed is not continued
}

void Grid::run_block(dim3 block) {
  position.block = block;
  position.block_size = block_;
  position.grid_size = grid_;
  shared_.clear();
  shared_bytes_ = 0;
  dynamic_.reset();
  for (Thread& thread : threads_) {
    thread.state = State::fresh;
    thread.barriers = 0;
  }
  std::vector<std::size_t> warp_order(warps_.size());
  for (;;) {
    arrange(warp_order);
    bool progress = false;
    for (const std::size_t warp : warp_order) {
      while (run_warp(warp)) {
        progress = true;
      }
    }
    if (all_done()) {
      return;
    }
    if (!release_barrier() && !progress) {
      fail("a deadlock: some threads never reach what the others wait for", {});
    }
  }
}

bool Grid::all_done() const {
  return std::all_of(threads_.begin(), threads_.end(),
                     [](const Thread& thread) { return thread.state == State::done; });
}

bool Grid::run_warp(std::size_t warp) {
  std::vector<unsigned>& lanes = lane_order_;
  lanes.resize(std::min<std::size_t>(kWarp, threads_.size() - warp * kWarp));
  arrange(lanes);
  bool progress = false;
  for (next_lane_ = 0; next_lane_ < lanes.size();) {
    Thread& thread = threads_[warp * kWarp + lanes[next_lane_++]];
    first_thread_of_warp_ = warp * kWarp;
    if (thread.state != State::fresh && thread.state != State::ready) {
      continue;
    }
    if (thread.state == State::fresh) {
      thread.fiber = pool_.take(threads_.size());
    }
    progress = true;
    enter(thread);
    Fiber::switch_from(pool_.scheduler, *thread.fiber);
    running_ = nullptr;
    if (!failure_.empty()) {
      throw Failure(failure_);
    }
  }
  return progress;
}

bool Grid::release_barrier() {
  const Thread* first = nullptr;
  for (const Thread& thread : threads_) {
    if (thread.state == State::done) {
      continue;
    }
    if (thread.state != State::at_barrier) {
      return false;
    }
    if (first == nullptr) {
      first = &thread;
    } else if (thread.place.line != first->place.line ||
               std::strcmp(thread.place.file, first->place.file) != 0) {
      fail("threads of a block meet at different barriers", thread.place);
    }
  }
  for (Thread& thread : threads_) {
    if (thread.state == State::at_barrier) {
      thread.state = State::ready;
    }
  }
  return true;
}

void Grid::enter(Thread& thread) {
  thread.state = State::ready;
  running_ = &thread;
  position.thread = thread.index;
}

Thread* Grid::next_fresh() {
  if (kRacesAreReported) {
    return nullptr;  // each thread has a fiber of its own
  }
  while (next_lane_ < lane_order_.size()) {
    Thread& thread = threads_[first_thread_of_warp_ + lane_order_[next_lane_++]];
    if (thread.state == State::fresh) {
      return &thread;
    }
    if (thread.state == State::ready) {
      --next_lane_;  // it has a fiber of its own
      return nullptr;
    }
  }
  return nullptr;
}

Meeting& Grid::meeting_of(std::size_t warp, unsigned mask) {
  const Unobserved unobserved;
  for (const std::unique_ptr<Meeting>& meeting : warps_[warp]) {
    if (meeting->mask == mask) {
      return *meeting;
    }
  }
  warps_[warp].push_back(std::make_unique<Meeting>());
  warps_[warp].back()->mask = mask;
  return *warps_[warp].back();
}

}  // namespace pisr::kernels::emulator
