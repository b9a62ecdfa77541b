#include "tests/ptx/machine/thread.h"

#include <cstdio>
#include <cstring>
#include <utility>

#include "tests/ptx/machine/arithmetic.h"
#include "tests/ptx/machine/block.h"
#include "tests/ptx/machine/fault.h"
#include "tests/ptx/machine/machine.h"
#include "tests/ptx/machine/warp.h"

namespace pisr::ptx {
namespace {

constexpr std::uint32_t kAllLanes = 0xFFFFFFFF;

std::string text(Size3 size) {
  return std::to_string(size.x) + ", " + std::to_string(size.y) + ", " + std::to_string(size.z);
}

}  // namespace

void Thread::fail(std::uint32_t line, const std::string& what) const {
  const Kernel& kernel = *block_->launch().kernel;
  end_with_fault(std::string(kernel.file) + ":" + std::to_string(line) + ": " +
                 readable_name(kernel.name) + ", block (" + text(ctaid) + "), thread " +
                 std::to_string(number_) + ": " + what);
}

void Thread::fail_access(std::uint32_t line, const char* access, std::size_t bytes,
                         std::uint64_t address, const std::string& fault) const {
  char hexadecimal[24];
  std::snprintf(hexadecimal, sizeof hexadecimal, "0x%llx",
                static_cast<unsigned long long>(address));
  fail(line, std::string(access) + " " + std::to_string(bytes) + " bytes at " + hexadecimal + ", " +
                 fault);
}

Accessor Thread::accessor(std::uint32_t line) const {
  return {number_, warp_->period, line};
}

const std::byte* Thread::read_parameters(std::uint64_t address, std::size_t bytes,
                                         std::uint32_t line) {
  const std::vector<std::byte>& parameters = block_->launch().parameters;
  if (address < kParameterBase || address - kParameterBase + bytes > parameters.size()) {
    fail_access(line, "reads", bytes, address, "outside of the parameters");
  }
  if (address % bytes != 0) {
    fail_access(line, "reads", bytes, address, "misaligned in the parameters");
  }
  return parameters.data() + (address - kParameterBase);
}

const std::byte* Thread::read_shared(std::uint64_t address, std::size_t bytes, std::uint32_t line) {
  std::string fault;
  const std::byte* const from = block_->shared().read(address, bytes, accessor(line), fault);
  if (from == nullptr) {
    fail_access(line, "reads", bytes, address, fault);
  }
  return from;
}

std::byte* Thread::write_shared(std::uint64_t address, std::size_t bytes, std::uint32_t line) {
  std::string fault;
  std::byte* const to = block_->shared().write(address, bytes, accessor(line), fault);
  if (to == nullptr) {
    fail_access(line, "writes", bytes, address, fault);
  }
  return to;
}

std::byte* Thread::find_global(std::uint64_t address, std::size_t bytes, std::uint32_t line,
                               const char* access) const {
  std::byte* const found = machine().memory.find(address, bytes);
  if (found == nullptr) {
    fail_access(line, access, bytes, address, "outside of every allocation of the device");
  }
  if (address % bytes != 0) {
    fail_access(line, access, bytes, address, "misaligned in global memory");
  }
  return found;
}

const std::byte* Thread::read_global(std::uint64_t address, std::size_t bytes, std::uint32_t line) {
  const std::byte* const from = find_global(address, bytes, line, "reads");
  if (!machine().memory.is_written(address, bytes)) {
    fail_access(line, "reads", bytes, address, "where nothing was written to global memory");
  }
  return from;
}

std::byte* Thread::write_global(std::uint64_t address, std::size_t bytes, std::uint32_t line) {
  std::byte* const to = find_global(address, bytes, line, "writes");
  machine().memory.mark_written(address, bytes);
  return to;
}

const std::byte* Thread::read_constant(std::uint64_t address, std::size_t bytes,
                                       std::uint32_t line) {
  const std::byte* const from = read_global(address, bytes, line);
  if (machine().memory.is_written_by_this_launch(address, bytes)) {
    fail_access(line, "reads", bytes, address,
                "by ld.global.nc what the same launch writes to global memory");
  }
  return from;
}

std::uint64_t Thread::dynamic_shared() const {
  return kSharedBase + block_->static_shared_bytes();
}

void Thread::start_copy(std::uint64_t shared, std::uint64_t global, std::size_t bytes,
                        std::uint32_t line) {
  read_global(global, bytes, line);
  std::string fault;
  if (!block_->shared().begin_copy(shared, bytes, accessor(line), fault)) {
    fail_access(line, "copies to", bytes, shared, fault);
  }
  started_.push_back({shared, global, bytes, line});
}

void Thread::commit_copies() {
  if (!started_.empty()) {
    committed_.push_back(std::exchange(started_, {}));
  }
}

void Thread::wait_for_copies(std::size_t groups_left, std::uint32_t line) {
  while (committed_.size() > groups_left) {
    for (const Copy& copy : committed_.front()) {
      const std::byte* const from = find_global(copy.global, copy.bytes, copy.line, "copies from");
      std::byte* const to = block_->shared().end_copy(copy.shared, copy.bytes, accessor(line));
      std::memcpy(to, from, copy.bytes);
    }
    committed_.erase(committed_.begin());
  }
}

void Thread::wait_for_block(std::uint32_t line) {
  block_->wait_at_barrier(*this, line);
}

template <class Deposit>
const Exchange& Thread::meet(std::uint32_t line, Deposit deposit) {
  block_->check_meeting(*this, line);
  Exchange& exchange = warp_->exchanges[warp_->meetings % 2];
  deposit(exchange);
  block_->arrive(*this, line);
  return exchange;
}

void Thread::wait_for_warp(std::uint32_t mask, std::uint32_t line) {
  if (mask != kAllLanes) {
    fail(line, "a barrier of some lanes of a warp is not supported");
  }
  block_->check_meeting(*this, line);
  if ((warp_->arrived | 1U << lane) == kAllLanes) {
    ++warp_->period;
  }
  block_->arrive(*this, line);
}

// PTX ISA, 9.7.9 "shfl.sync".
Shuffled Thread::shuffle(Shuffle kind, std::uint32_t value, std::uint32_t offset,
                         std::uint32_t clamp, std::uint32_t mask, std::uint32_t line) {
  if (mask != kAllLanes) {
    fail(line, "a shuffle of some lanes of a warp is not supported");
  }
  const Exchange& exchange = meet(line, [&](Exchange& own) { own.values[lane] = value; });
  const std::uint32_t segment = clamp >> 8 & 31;
  const std::uint32_t least = lane & segment, most = least | (clamp & 31 & ~segment);
  offset &= 31;
  std::uint32_t from = 0;
  bool inside = false;
  switch (kind) {
    case Shuffle::up:
      from = lane - offset;
      inside = static_cast<std::int32_t>(from) >= static_cast<std::int32_t>(most);
      break;
    case Shuffle::down:
      from = lane + offset;
      inside = from <= most;
      break;
    case Shuffle::bfly:
      from = lane ^ offset;
      inside = from <= most;
      break;
    case Shuffle::idx:
      from = least | (offset & ~segment);
      inside = from <= most;
      break;
  }
  return {exchange.values[inside ? from : lane], inside};
}

namespace {

/// PTX ISA, 9.7.14 "Matrix Fragments for mma.m16n8k8" and "mma.m16n8k16": in all of them
/// groupID = laneid >> 2 and threadID_in_group = laneid % 4.
struct Place {
  explicit Place(std::uint32_t lane) : group(lane >> 2), member(lane % 4) {}
  std::uint32_t group, member;
};

/// The accumulators, in both: row = groupID for c0, c1 and groupID + 8 for c2, c3;
/// column = threadID_in_group * 2 + (i & 1). The product is summed exactly and rounded once.
std::array<float, 4> multiply(const Exchange& exchange, Place place, std::size_t depth,
                              const std::array<float, 4>& c) {
  std::array<float, 4> sums{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t row = i < 2 ? place.group : place.group + 8;
    const std::size_t column = place.member * 2 + (i & 1);
    double sum = c[i];
    for (std::size_t k = 0; k < depth; ++k) {
      sum += static_cast<double>(exchange.a[row][k]) * static_cast<double>(exchange.b[k][column]);
    }
    sums[i] = static_cast<float>(sum);
  }
  return sums;
}

float tf32_value(std::uint32_t bits) {
  constexpr std::uint32_t kRead = 0xFFFFE000;
  return from_bits<float>(bits & kRead);
}

}  // namespace

std::array<float, 4> Thread::multiply_tf32(const std::array<std::uint32_t, 4>& a,
                                           const std::array<std::uint32_t, 2>& b,
                                           const std::array<float, 4>& c, std::uint32_t line) {
  const Place place(lane);
  const Exchange& exchange = meet(line, [&](Exchange& own) {
    // row = groupID for a0, a2 and groupID + 8 for a1, a3;
    // column = threadID_in_group for a0, a1 and threadID_in_group + 4 for a2, a3.
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t row = i == 0 || i == 2 ? place.group : place.group + 8;
      const std::size_t column = i < 2 ? place.member : place.member + 4;
      own.a[row][column] = tf32_value(a[i]);
    }
    // row = threadID_in_group for b0 and threadID_in_group + 4 for b1; column = groupID.
    own.b[place.member][place.group] = tf32_value(b[0]);
    own.b[place.member + 4][place.group] = tf32_value(b[1]);
  });
  return multiply(exchange, place, 8, c);
}

std::array<float, 4> Thread::multiply_fp16(const std::array<std::uint32_t, 4>& a,
                                           const std::array<std::uint32_t, 2>& b,
                                           const std::array<float, 4>& c, std::uint32_t line) {
  const Place place(lane);
  const Exchange& exchange = meet(line, [&](Exchange& own) {
    // Halves a0 to a7, two in a register: row = groupID for 0 <= i < 2 and 4 <= i < 6, otherwise
    // groupID + 8; column = threadID_in_group * 2 + (i & 1), and 8 more for i >= 4.
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t row = i < 2 || (i >= 4 && i < 6) ? place.group : place.group + 8;
      const std::size_t column = place.member * 2 + (i & 1) + (i >= 4 ? 8 : 0);
      own.a[row][column] = half_value(a[i / 2] >> 16 * (i & 1));
    }
    // Halves b0 to b3: row = threadID_in_group * 2 + (i & 1), and 8 more for i >= 2;
    // column = groupID.
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t row = place.member * 2 + (i & 1) + (i >= 2 ? 8 : 0);
      own.b[row][place.group] = half_value(b[i / 2] >> 16 * (i & 1));
    }
  });
  return multiply(exchange, place, 16, c);
}

// PTX ISA, 9.7.14 "ldmatrix": lane 8 i + r gives the address of row r of matrix i. Row r goes to
// lanes 4 r to 4 r + 3, two halves to each.
std::array<std::uint32_t, 4> Thread::load_matrices(std::uint64_t row, std::uint32_t line) {
  constexpr std::uint64_t kRowBytes = 16;
  if (row % kRowBytes != 0) {
    fail_access(line, "loads a row of", kRowBytes, row, "misaligned in shared memory");
  }
  const Exchange& exchange = meet(line, [&](Exchange& own) { own.rows[lane] = row; });
  const std::array<std::uint64_t, kWarpSize> rows = exchange.rows;
  std::array<std::uint32_t, 4> pairs{};
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint64_t address = rows[8 * i + lane / 4] + 4 * (lane % 4);
    pairs[i] = element<std::uint32_t>(read_shared(address, 4, line));
  }
  return pairs;
}

}  // namespace pisr::ptx
