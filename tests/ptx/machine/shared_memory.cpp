#include "tests/ptx/machine/shared_memory.h"

#include <cstring>

namespace pisr::ptx {
namespace {

constexpr std::size_t kWord = 4;
constexpr std::uint16_t kWarpSize = 32;

std::string by_other(const char* what, std::uint16_t thread, std::uint32_t line) {
  return std::string(what) + " thread " + std::to_string(thread) + " at line " +
         std::to_string(line) + ", with no barrier between";
}

}  // namespace

void SharedMemory::begin_block(std::size_t bytes) {
  size_ = bytes;
  if (bytes > bytes_.size()) {
    words_.resize((bytes + kWord - 1) / kWord);
    bytes_.resize(words_.size() * kWord);
  }
  first_period_ = ++period_;
}

bool SharedMemory::is_within(std::uint64_t address, std::size_t bytes, std::string& fault) const {
  if (address < kSharedBase || address - kSharedBase + bytes > size_) {
    fault = "outside of the " + std::to_string(size_) + " bytes of shared memory";
    return false;
  }
  if (address % bytes != 0) {
    fault = "misaligned in shared memory";
    return false;
  }
  return true;
}

bool SharedMemory::in_order(const Access& before, const Accessor& now) const {
  if (before.period != period_) {
    return true;
  }
  if (before.by_several_warps) {
    return false;
  }
  if (before.thread == now.thread && !before.by_several_lanes) {
    return true;
  }
  return before.thread / kWarpSize == now.thread / kWarpSize &&
         before.warp_period < now.warp_period;
}

const std::byte* SharedMemory::read(std::uint64_t address, std::size_t bytes, const Accessor& by,
                                    std::string& fault) {
  if (!is_within(address, bytes, fault)) {
    return nullptr;
  }
  const std::size_t offset = address - kSharedBase;
  for (std::size_t at = offset / kWord; at * kWord < offset + bytes; ++at) {
    Word& word = words_[at];
    if (word.copies != 0) {
      fault = "where a copy that was not waited for may still write to shared memory";
      return nullptr;
    }
    if (word.write.period < first_period_) {
      std::memset(bytes_.data() + at * kWord, 0xFF, kWord);
    }
    if (!in_order(word.write, by)) {
      fault = by_other("what was written to shared memory by", word.write.thread, word.write.line);
      return nullptr;
    }
    note_read(word, by);
  }
  return bytes_.data() + offset;
}

void SharedMemory::note_read(Word& word, const Accessor& by) const {
  Access now{period_, by.warp_period, by.line, by.thread, false, false};
  const Access& before = word.read;
  if (before.period == period_) {
    now.by_several_warps =
        before.by_several_warps || before.thread / kWarpSize != by.thread / kWarpSize;
    now.by_several_lanes = before.warp_period == by.warp_period &&
                           (before.by_several_lanes || before.thread != by.thread);
  }
  word.read = now;
}

bool SharedMemory::may_write(std::uint64_t address, std::size_t bytes, const Accessor& by,
                             std::string& fault) const {
  if (!is_within(address, bytes, fault)) {
    return false;
  }
  const std::size_t offset = address - kSharedBase;
  for (std::size_t at = offset / kWord; at * kWord < offset + bytes; ++at) {
    const Word& word = words_[at];
    if (word.copies != 0) {
      fault = "where a copy that was not waited for may still write to shared memory";
      return false;
    }
    if (!in_order(word.write, by)) {
      fault = by_other("what was written to shared memory by", word.write.thread, word.write.line);
      return false;
    }
    if (!in_order(word.read, by)) {
      fault = by_other("what was read from shared memory by", word.read.thread, word.read.line);
      return false;
    }
  }
  return true;
}

void SharedMemory::note_write(std::uint64_t address, std::size_t bytes, const Accessor& by) {
  const std::size_t offset = address - kSharedBase;
  for (std::size_t at = offset / kWord; at * kWord < offset + bytes; ++at) {
    words_[at].write = {period_, by.warp_period, by.line, by.thread, false, false};
  }
}

std::byte* SharedMemory::write(std::uint64_t address, std::size_t bytes, const Accessor& by,
                               std::string& fault) {
  if (!may_write(address, bytes, by, fault)) {
    return nullptr;
  }
  note_write(address, bytes, by);
  return bytes_.data() + (address - kSharedBase);
}

bool SharedMemory::begin_copy(std::uint64_t address, std::size_t bytes, const Accessor& by,
                              std::string& fault) {
  if (!may_write(address, bytes, by, fault)) {
    return false;
  }
  const std::size_t offset = address - kSharedBase;
  for (std::size_t at = offset / kWord; at * kWord < offset + bytes; ++at) {
    ++words_[at].copies;
  }
  return true;
}

std::byte* SharedMemory::end_copy(std::uint64_t address, std::size_t bytes, const Accessor& by) {
  const std::size_t offset = address - kSharedBase;
  for (std::size_t at = offset / kWord; at * kWord < offset + bytes; ++at) {
    --words_[at].copies;
  }
  note_write(address, bytes, by);
  return bytes_.data() + offset;
}

}  // namespace pisr::ptx
