#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/tensor.h"

namespace pisr {

/// Memory that lives until the next reset, handed out by advancing a pointer. A step that asks for
/// the same sizes in the same order gets the same addresses, and none after the first allocates:
/// what did not fit the first time is joined to one block at the reset.
///
/// In builds with assertions the memory is handed out full of NaN; under AddressSanitizer what was
/// not handed out may not be touched. The arena must outlive its tensors.
///
/// An arena of a device gives nothing back and takes nothing from it while work is captured: a step
/// has to have run once before.
class Arena {
 public:
  /// In the memory of `device`, which must outlive the arena; null: in the host's.
  explicit Arena(kernels::Device* device = nullptr) noexcept : device_(device) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised, aligned to 64 bytes; valid until reset(). Throws Error(memory), and
  /// Error(usage) for more than there is while work is captured.
  void* allocate(std::size_t bytes);
  Tensor tensor(Shape shape, DType dtype);
  /// Takes a tensor of this arena back before the reset: the next one of the same size gets its
  /// memory, which is more likely to be in a cache than new memory. It may no longer be used.
  void recycle(const Tensor& tensor);
  /// Takes everything back; tensors handed out so far may no longer be used.
  void reset();

  /// Raised by each reset; tensors remember it.
  std::uint64_t epoch() const noexcept { return epoch_; }
  kernels::Device* device() const noexcept { return device_; }
  /// Keeps the memory the arena has now alive, even when the arena has exchanged it for more:
  /// captured work goes on using it.
  std::vector<std::shared_ptr<void>> hold() const;
  /// Bytes reserved from the system.
  std::size_t capacity() const noexcept;

 private:
  struct Block {
    std::shared_ptr<std::byte> memory;
    std::size_t size = 0;
  };
  struct Piece {
    std::byte* memory;
    std::size_t size;
  };
  std::size_t padded_size(std::size_t bytes) const noexcept;
  std::byte* take_recycled(std::size_t size);
  void add_block(std::size_t bytes);
  void close(std::byte* memory, std::size_t bytes) const;
  void open(std::byte* memory, std::size_t bytes) const;
  void fill_with_nan(std::byte* memory, std::size_t bytes) const;
  bool is_capturing() const noexcept;

  kernels::Device* device_;
  std::vector<Block> blocks_;
  std::vector<Piece> recycled_;
  std::size_t used_ = 0;        ///< bytes used of the last block
  std::size_t step_bytes_ = 0;  ///< bytes handed out since the last reset
  std::uint64_t epoch_ = 1;
};

}  // namespace pisr
