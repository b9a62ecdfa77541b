#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace pisr::ptx {

/// The global memory of the device. Its addresses are no addresses of the host: host code that
/// follows a pointer to the device is stopped by the processor.
class DeviceMemory {
 public:
  /// An address aligned to 256 bytes, as cudaMalloc gives. The bytes are all 0xFF: NaN.
  std::uint64_t allocate(std::size_t bytes);
  /// False where nothing has been allocated at that address.
  bool release(std::uint64_t address);

  /// Where `bytes` bytes at an address lie in the host's memory; null unless all are allocated.
  std::byte* find(std::uint64_t address, std::size_t bytes);

  /// From now on kernels write as the next launch.
  void begin_launch() { ++launch_; }
  /// Notes that a launch, or a copy before it, has written there. The range must be allocated.
  void mark_written(std::uint64_t address, std::size_t bytes);
  /// Whether each word of 4 bytes in the range has been written. The range must be allocated.
  bool is_written(std::uint64_t address, std::size_t bytes);
  /// Whether this launch has written any word of the range. The range must be allocated.
  bool is_written_by_this_launch(std::uint64_t address, std::size_t bytes);

 private:
  struct Allocation {
    std::vector<std::byte> bytes;           ///< with room for alignment
    std::byte* start = nullptr;             ///< of what was asked for
    std::size_t size = 0;                   ///< of what was asked for
    std::vector<std::uint32_t> written_by;  ///< launch that wrote last, for each word; 0: none
  };

  Allocation* owner(std::uint64_t address, std::size_t bytes);
  template <class Check>
  bool all_words(std::uint64_t address, std::size_t bytes, Check check);

  std::map<std::uint64_t, Allocation> allocations_;  ///< by address
  Allocation* last_ = nullptr;                       ///< most accesses follow one of their kind
  std::uint64_t last_address_ = 0;
  std::uint32_t launch_ = 1;
};

}  // namespace pisr::ptx
