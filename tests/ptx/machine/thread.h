#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/ptx/machine/launch.h"
#include "tests/ptx/machine/shared_memory.h"

namespace pisr::kernels::emulator {
class Fiber;
}

namespace pisr::ptx {

class Block;
struct Warp;
struct Exchange;

/// Parameters have a window of addresses of their own; it does not begin at 0.
constexpr std::uint64_t kParameterBase = 0x1000;

/// From which lane shfl.sync takes its value.
enum class Shuffle { up, down, bfly, idx };
struct Shuffled {
  std::uint32_t value;
  bool inside;  ///< whether the lane asked for is within the clamp
};

/// A thread of a block, as the translated kernels see it. `line` is always the line of the PTX.
/// What a device does not allow ends the program with a message.
class Thread {
 public:
  Size3 tid, ntid, ctaid, nctaid;
  std::uint32_t lane = 0;

  /// Where the operand of a load or store lies. Checked: bounds, alignment to the size of the whole
  /// access, and that what is read was written before. Only valid for the same instruction.
  const std::byte* read_parameters(std::uint64_t address, std::size_t bytes, std::uint32_t line);
  const std::byte* read_shared(std::uint64_t address, std::size_t bytes, std::uint32_t line);
  std::byte* write_shared(std::uint64_t address, std::size_t bytes, std::uint32_t line);
  const std::byte* read_global(std::uint64_t address, std::size_t bytes, std::uint32_t line);
  std::byte* write_global(std::uint64_t address, std::size_t bytes, std::uint32_t line);
  /// ld.global.nc: also that this launch has not written it.
  const std::byte* read_constant(std::uint64_t address, std::size_t bytes, std::uint32_t line);
  /// The address of the dynamic shared memory: behind that of constant size.
  std::uint64_t dynamic_shared() const;

  /// cp.async. The copy is carried out as late as the ISA allows: in the wait.
  void start_copy(std::uint64_t shared, std::uint64_t global, std::size_t bytes,
                  std::uint32_t line);
  void commit_copies();
  /// Until no more than `groups_left` groups are left that were committed.
  void wait_for_copies(std::size_t groups_left, std::uint32_t line);

  /// bar.sync: all threads of the block that have not ended must be at this instruction.
  void wait_for_block(std::uint32_t line);

  // What a warp does together: all 32 lanes must be at the same instruction.
  /// bar.warp.sync
  void wait_for_warp(std::uint32_t mask, std::uint32_t line);
  /// shfl.sync. It orders no accesses of memory.
  Shuffled shuffle(Shuffle kind, std::uint32_t value, std::uint32_t offset, std::uint32_t clamp,
                   std::uint32_t mask, std::uint32_t line);
  /// mma.m16n8k8 with operands in TF32, of which the last 13 bits are not read.
  std::array<float, 4> multiply_tf32(const std::array<std::uint32_t, 4>& a,
                                     const std::array<std::uint32_t, 2>& b,
                                     const std::array<float, 4>& c, std::uint32_t line);
  /// mma.m16n8k16 with pairs of halves.
  std::array<float, 4> multiply_fp16(const std::array<std::uint32_t, 4>& a,
                                     const std::array<std::uint32_t, 2>& b,
                                     const std::array<float, 4>& c, std::uint32_t line);
  /// ldmatrix.x4
  std::array<std::uint32_t, 4> load_matrices(std::uint64_t row, std::uint32_t line);

  /// Ends the program. The message names kernel, block, thread and line.
  [[noreturn]] void fail(std::uint32_t line, const std::string& what) const;

 private:
  friend class Block;
  enum class State { fresh, ready, at_barrier, at_meeting, done };
  struct Copy {
    std::uint64_t shared, global;
    std::size_t bytes;
    std::uint32_t line;
  };

  template <class Deposit>
  const Exchange& meet(std::uint32_t line, Deposit deposit);
  Accessor accessor(std::uint32_t line) const;
  std::byte* find_global(std::uint64_t address, std::size_t bytes, std::uint32_t line,
                         const char* access) const;
  [[noreturn]] void fail_access(std::uint32_t line, const char* access, std::size_t bytes,
                                std::uint64_t address, const std::string& fault) const;

  Block* block_ = nullptr;
  Warp* warp_ = nullptr;
  std::uint16_t number_ = 0;  ///< in the block
  State state_ = State::fresh;
  kernels::emulator::Fiber* fiber_ = nullptr;
  std::uint32_t waits_at_ = 0;
  std::vector<Copy> started_;                 ///< and not yet committed
  std::vector<std::vector<Copy>> committed_;  ///< groups, the oldest first
};

}  // namespace pisr::ptx
