#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pisr::ptx {

/// Who accesses shared memory, and since when. Two accesses of one word are ordered if one thread
/// makes both, if a barrier of the block lies between them, or one of the warp that makes both.
struct Accessor {
  std::uint16_t thread;       ///< of the block
  std::uint32_t warp_period;  ///< barriers of its warp that it has passed
  std::uint32_t line;         ///< of the PTX
};

/// The shared memory of a block. It knows for each word of 4 bytes who has accessed it since the
/// last barrier, and so finds accesses out of order whatever the order of the threads. What nothing
/// has written is NaN: a kernel may load it beside what it needs. An access of less than a word
/// counts as one of its word.
class SharedMemory {
 public:
  /// For a new block: nothing is written.
  void begin_block(std::size_t bytes);
  /// All threads of the block have passed a barrier.
  void pass_barrier() { ++period_; }

  /// The access, if it is within bounds, aligned to its size and in order. Otherwise null, and
  /// `fault` says why not. The bytes are those of the next statement only.
  const std::byte* read(std::uint64_t address, std::size_t bytes, const Accessor& by,
                        std::string& fault);
  std::byte* write(std::uint64_t address, std::size_t bytes, const Accessor& by,
                   std::string& fault);

  /// An asynchronous copy may write to the range from here on; false as above.
  bool begin_copy(std::uint64_t address, std::size_t bytes, const Accessor& by, std::string& fault);
  /// The thread that began it has waited for it: it writes now.
  std::byte* end_copy(std::uint64_t address, std::size_t bytes, const Accessor& by);

 private:
  /// An access of a word: the last write, or what is to be known of the reads since the last
  /// barrier.
  struct Access {
    std::uint32_t period = 0;
    std::uint32_t warp_period = 0;
    std::uint32_t line = 0;
    std::uint16_t thread = 0;
    bool by_several_lanes = false;
    bool by_several_warps = false;
  };
  struct Word {
    Access write, read;
    std::uint32_t copies = 0;  ///< that may write here at any time
  };

  bool is_within(std::uint64_t address, std::size_t bytes, std::string& fault) const;
  bool in_order(const Access& before, const Accessor& now) const;
  bool may_write(std::uint64_t address, std::size_t bytes, const Accessor& by,
                 std::string& fault) const;
  void note_read(Word& word, const Accessor& by) const;
  void note_write(std::uint64_t address, std::size_t bytes, const Accessor& by);

  std::vector<std::byte> bytes_;
  std::vector<Word> words_;
  std::size_t size_ = 0;
  std::uint32_t first_period_ = 1;  ///< of this block; what was noted before is of another one
  std::uint32_t period_ = 1;
};

/// The shared window does not begin at 0, so that a null pointer is outside.
constexpr std::uint64_t kSharedBase = 0x400;

}  // namespace pisr::ptx
