#include "core/arena.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

#include "core/device_call.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define PISR_ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define PISR_ARENA_ASAN 1
#endif
#endif

namespace pisr {
namespace {

constexpr std::size_t kAlignment = 64;
/// Large blocks lie in large pages where the system has them: a network's maps are read in many
/// rows at once, each in a page of its own.
constexpr std::size_t kLargePage = std::size_t{1} << 21;
constexpr std::size_t kFirstBlock = std::size_t{1} << 16;

#if defined(PISR_ARENA_ASAN)
// Unused bytes between two allocations, so that AddressSanitizer sees an overrun.
constexpr std::size_t kGap = kAlignment;
#else
constexpr std::size_t kGap = 0;
#endif

std::size_t round_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::size_t alignment_of_block(std::size_t bytes) {
  return bytes >= 2 * kLargePage ? kLargePage : kAlignment;
}

/// Null where there is no memory.
void* allocate_on_host(std::size_t bytes) {
  void* const memory =
      ::operator new (bytes, std::align_val_t{alignment_of_block(bytes)}, std::nothrow);
#if defined(MADV_HUGEPAGE)
  if (memory != nullptr && bytes >= 2 * kLargePage) {
    // Only advice: where it is not taken, pages are small.
    static_cast<void>(::madvise(memory, bytes / kLargePage * kLargePage, MADV_HUGEPAGE));
  }
#endif
  return memory;
}

}  // namespace

std::size_t Arena::padded_size(std::size_t bytes) const noexcept {
  return round_up(bytes) + (device_ == nullptr ? kGap : 0);
}

void Arena::close([[maybe_unused]] std::byte* memory, [[maybe_unused]] std::size_t bytes) const {
#if defined(PISR_ARENA_ASAN)
  if (device_ == nullptr) {
    ASAN_POISON_MEMORY_REGION(memory, bytes);
  }
#endif
}

void Arena::open([[maybe_unused]] std::byte* memory, [[maybe_unused]] std::size_t bytes) const {
#if defined(PISR_ARENA_ASAN)
  if (device_ == nullptr) {
    ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
  }
#endif
}

void Arena::fill_with_nan([[maybe_unused]] std::byte* memory,
                          [[maybe_unused]] std::size_t bytes) const {
#if !defined(NDEBUG)
  constexpr unsigned char kNan = 0xFF;
  if (device_ == nullptr) {
    std::memset(memory, kNan, bytes);
  } else if (!device_->is_capturing()) {  // captured graphs are the same in all builds
    device_call([&] { device_->set_bytes(memory, kNan, bytes); });
  }
#endif
}

bool Arena::is_capturing() const noexcept {
  return device_ != nullptr && device_->is_capturing();
}

Arena::~Arena() {
  for (const Block& block : blocks_) {
    open(block.memory.get(), block.size);
  }
}

void* Arena::allocate(std::size_t bytes) {
  const std::size_t size = padded_size(bytes);
  std::byte* memory = take_recycled(size);
  if (memory == nullptr) {
    if (blocks_.empty() || size > blocks_.back().size - used_) {
      add_block(std::max({size, capacity(), kFirstBlock}));
    }
    memory = blocks_.back().memory.get() + used_;
    used_ += size;
    step_bytes_ += size;
  }
  open(memory, bytes);
  fill_with_nan(memory, bytes);
  return memory;
}

void Arena::recycle(const Tensor& tensor) {
  assert(tensor.arena_ == this && tensor.epoch_ == epoch_);
  const std::size_t size =
      padded_size(static_cast<std::size_t>(tensor.count()) * size_of(tensor.dtype()));
  recycle(tensor.data_, size);
}

void Arena::recycle(std::byte* memory, std::size_t size) {
  close(memory, size);
  recycled_.push_back({memory, size});
}

void Arena::Release::operator()(void* memory) const noexcept {
  if (arena->epoch_ == epoch) {
    arena->recycle(static_cast<std::byte*>(memory), size);
  }
}

std::byte* Arena::take_recycled(std::size_t size) {
  const auto last = std::find_if(recycled_.rbegin(), recycled_.rend(),
                                 [size](const Piece& piece) { return piece.size == size; });
  if (last == recycled_.rend()) {
    return nullptr;
  }
  std::byte* const memory = last->memory;
  recycled_.erase(std::next(last).base());
  return memory;
}

Tensor Arena::tensor(Shape shape, DType dtype) {
  Tensor tensor;
  tensor.data_ =
      static_cast<std::byte*>(allocate(static_cast<std::size_t>(shape.count()) * size_of(dtype)));
  tensor.device_ = device_;
  tensor.arena_ = this;
  tensor.epoch_ = epoch_;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor Arena::counted_tensor(Shape shape, DType dtype) {
  Tensor result = tensor(shape, dtype);
  const std::size_t size = padded_size(static_cast<std::size_t>(shape.count()) * size_of(dtype));
  result.owner_ = std::shared_ptr<void>(result.data_, Release{this, size, epoch_},
                                        std::pmr::polymorphic_allocator<std::byte>(&counts_));
  return result;
}

void Arena::reset() {
  ++epoch_;
  used_ = 0;
  recycled_.clear();
  const std::size_t wanted = std::exchange(step_bytes_, 0);
  if (blocks_.size() > 1 && !is_capturing()) {
    for (const Block& block : blocks_) {
      open(block.memory.get(), block.size);
    }
    blocks_.clear();
    add_block(wanted);
  }
  if (!blocks_.empty()) {
    close(blocks_.back().memory.get(), blocks_.back().size);
  }
}

std::size_t Arena::capacity() const noexcept {
  std::size_t bytes = 0;
  for (const Block& block : blocks_) {
    bytes += block.size;
  }
  return bytes;
}

std::vector<std::shared_ptr<void>> Arena::hold() const {
  std::vector<std::shared_ptr<void>> held;
  for (const Block& block : blocks_) {
    held.push_back(block.memory);
  }
  return held;
}

void Arena::add_block(std::size_t bytes) {
  if (is_capturing()) {
    throw Error(ErrorKind::usage,
                message("arena: the captured work needs ", bytes, " bytes more than the ",
                        capacity(), " there are"),
                "run the same step once before it is captured");
  }
  std::byte* const memory = static_cast<std::byte*>(
      device_ == nullptr ? allocate_on_host(bytes)
                         : device_call([&] { return device_->allocate(bytes); }));
  if (memory == nullptr) {
    throw Error(ErrorKind::memory, message("arena: no memory on ", place_name(device_), " for ",
                                           bytes, " bytes more than the ", capacity(), " in use"));
  }
  std::shared_ptr<std::byte> owner(memory, [device = device_, bytes](std::byte* block) {
    if (device == nullptr) {
      ::operator delete (block, std::align_val_t{alignment_of_block(bytes)});
    } else {
      device->release(block);
    }
  });
  blocks_.push_back({std::move(owner), bytes});
  used_ = 0;
  close(memory, bytes);
}

}  // namespace pisr
