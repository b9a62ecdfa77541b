#include "tests/ptx/machine/device_memory.h"

namespace pisr::ptx {
namespace {

constexpr std::uint64_t kAlignment = 256;
constexpr std::uint64_t kWord = 4;
// Added to an address of the host, it gives one that no processor of today maps.
constexpr std::uint64_t kDeviceOffset = std::uint64_t{1} << 60;

}  // namespace

std::uint64_t DeviceMemory::allocate(std::size_t bytes) {
  Allocation allocation;
  allocation.bytes.assign(bytes + kAlignment, std::byte{0xFF});
  const auto raw = reinterpret_cast<std::uint64_t>(allocation.bytes.data());
  const std::uint64_t padding = (kAlignment - raw % kAlignment) % kAlignment;
  allocation.start = allocation.bytes.data() + padding;
  allocation.size = bytes;
  allocation.written_by.resize((bytes + kWord - 1) / kWord);
  const std::uint64_t address = raw + padding + kDeviceOffset;
  allocations_.emplace(address, std::move(allocation));
  return address;
}

bool DeviceMemory::release(std::uint64_t address) {
  last_ = nullptr;
  return allocations_.erase(address) != 0;
}

DeviceMemory::Allocation* DeviceMemory::owner(std::uint64_t address, std::size_t bytes) {
  const auto holds = [&](std::uint64_t start, std::size_t size) {
    return address >= start && bytes <= size && address - start <= size - bytes;
  };
  if (last_ != nullptr && holds(last_address_, last_->size)) {
    return last_;
  }
  auto next = allocations_.upper_bound(address);
  if (next == allocations_.begin()) {
    return nullptr;
  }
  --next;
  if (!holds(next->first, next->second.size)) {
    return nullptr;
  }
  last_address_ = next->first;
  last_ = &next->second;
  return last_;
}

std::byte* DeviceMemory::find(std::uint64_t address, std::size_t bytes) {
  Allocation* const allocation = owner(address, bytes);
  return allocation == nullptr ? nullptr : allocation->start + (address - last_address_);
}

template <class Check>
bool DeviceMemory::all_words(std::uint64_t address, std::size_t bytes, Check check) {
  Allocation* const allocation = owner(address, bytes);
  const std::uint64_t offset = address - last_address_;
  for (std::uint64_t word = offset / kWord; word * kWord < offset + bytes; ++word) {
    if (!check(allocation->written_by[word])) {
      return false;
    }
  }
  return true;
}

void DeviceMemory::mark_written(std::uint64_t address, std::size_t bytes) {
  all_words(address, bytes, [&](std::uint32_t& written_by) {
    written_by = launch_;
    return true;
  });
}

bool DeviceMemory::is_written(std::uint64_t address, std::size_t bytes) {
  return all_words(address, bytes, [](std::uint32_t written_by) { return written_by != 0; });
}

bool DeviceMemory::is_written_by_this_launch(std::uint64_t address, std::size_t bytes) {
  return !all_words(address, bytes,
                    [&](std::uint32_t written_by) { return written_by != launch_; });
}

}  // namespace pisr::ptx
