#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <vector>

#include "core/tensor.h"
#include "kernels/export.h"

namespace pisr {

/// Memory that lives until the next reset, handed out by advancing a pointer. A step that asks for
/// the same sizes in the same order gets the same addresses. Only the first step allocates: reset()
/// joins its blocks into one.
///
/// Builds with assertions fill the memory with NaN before handing it out; under AddressSanitizer,
/// touching any other memory of the arena is an error. The arena must outlive its tensors.
///
/// While work is captured, an arena on a device neither takes memory from it nor gives any back. So
/// the same step must have run once before.
class PISR_CORE_API Arena {
 public:
  /// In the memory of `device`, which must outlive the arena; null: in the host's.
  explicit Arena(kernels::Device* device = nullptr) noexcept : device_(device) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised, aligned to 64 bytes; valid until reset(). Throws Error(memory), or Error(usage)
  /// if it would have to grow while work is captured.
  void* allocate(std::size_t bytes);
  Tensor tensor(Shape shape, DType dtype);
  /// The same, recycled as soon as no handle to it is left.
  Tensor counted_tensor(Shape shape, DType dtype);
  /// Takes a tensor of this arena back before the reset; it may no longer be used. The next tensor
  /// of the same size gets its memory, which is more likely to be in a cache than new memory.
  void recycle(const Tensor& tensor);
  /// Takes everything back; tensors handed out so far may no longer be used.
  void reset();

  /// Raised by each reset; tensors remember it.
  std::uint64_t epoch() const noexcept { return epoch_; }
  kernels::Device* device() const noexcept { return device_; }
  /// Shared ownership of the memory the arena has now. Captured work uses it even after the arena
  /// has replaced it by a larger block.
  std::vector<std::shared_ptr<void>> hold() const;
  /// Bytes taken since the last reset, those recycled and taken again counted once.
  std::size_t used() const noexcept { return step_bytes_; }
  /// Bytes reserved from the system.
  std::size_t capacity() const noexcept;

 private:
  struct Block {
    std::shared_ptr<std::byte> memory;
    std::size_t size = 0;
  };
  /// Recycles the memory of a counted tensor, unless a reset has taken it back.
  struct Release {
    Arena* arena;
    std::size_t size;
    std::uint64_t epoch;
    void operator()(void* memory) const noexcept;
  };
  struct Piece {
    std::byte* memory;
    std::size_t size;
  };
  std::size_t padded_size(std::size_t bytes) const noexcept;
  std::byte* take_recycled(std::size_t size);
  void recycle(std::byte* memory, std::size_t size);
  void add_block(std::size_t bytes);
  void close(std::byte* memory, std::size_t bytes) const;
  void open(std::byte* memory, std::size_t bytes) const;
  void fill_with_nan(std::byte* memory, std::size_t bytes) const;
  bool is_capturing() const noexcept;

  kernels::Device* device_;
  std::vector<Block> blocks_;
  std::vector<Piece> recycled_;
  std::pmr::unsynchronized_pool_resource counts_;  ///< memory of the counts of handles
  std::size_t used_ = 0;                           ///< bytes used in the last block
  std::size_t step_bytes_ = 0;                     ///< bytes handed out since the last reset
  std::uint64_t epoch_ = 1;
};

}  // namespace pisr
