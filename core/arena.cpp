#include "core/arena.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "core/error.h"

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
constexpr std::size_t kFirstBlock = std::size_t{1} << 16;

#if defined(PISR_ARENA_ASAN)
// Unused bytes between two allocations, so that running over the end of one is seen.
constexpr std::size_t kGap = kAlignment;
void close(std::byte* memory, std::size_t bytes) {
  ASAN_POISON_MEMORY_REGION(memory, bytes);
}
void open(std::byte* memory, std::size_t bytes) {
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
}
#else
constexpr std::size_t kGap = 0;
void close(std::byte*, std::size_t) {}
void open(std::byte*, std::size_t) {}
#endif

void fill_with_nan([[maybe_unused]] std::byte* memory, [[maybe_unused]] std::size_t bytes) {
#if !defined(NDEBUG)
  std::memset(memory, 0xFF, bytes);
#endif
}

std::size_t round_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

void Arena::Release::operator()(std::byte* block) const noexcept {
  ::operator delete (block, std::align_val_t{kAlignment});
}

Arena::~Arena() {
  for (const Block& block : blocks_) {
    open(block.memory.get(), block.size);
  }
}

void* Arena::allocate(std::size_t bytes) {
  const std::size_t size = round_up(bytes) + kGap;
  if (blocks_.empty() || size > blocks_.back().size - used_) {
    add_block(std::max({size, capacity(), kFirstBlock}));
  }
  std::byte* memory = blocks_.back().memory.get() + used_;
  used_ += size;
  step_bytes_ += size;
  open(memory, bytes);
  fill_with_nan(memory, bytes);
  return memory;
}

Tensor Arena::tensor(Shape shape, DType dtype) {
  Tensor tensor;
  tensor.data_ =
      static_cast<std::byte*>(allocate(static_cast<std::size_t>(shape.count()) * size_of(dtype)));
  tensor.arena_ = this;
  tensor.epoch_ = epoch_;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

void Arena::reset() {
  ++epoch_;
  used_ = 0;
  const std::size_t wanted = std::exchange(step_bytes_, 0);
  if (blocks_.size() > 1) {
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

void Arena::add_block(std::size_t bytes) {
  auto* memory =
      static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kAlignment}, std::nothrow));
  if (memory == nullptr) {
    throw Error(ErrorKind::memory, message("arena: no memory for ", bytes, " bytes more than the ",
                                           capacity(), " in use"));
  }
  blocks_.push_back({std::unique_ptr<std::byte, Release>(memory), bytes});
  used_ = 0;
  close(memory, bytes);
}

}  // namespace pisr
