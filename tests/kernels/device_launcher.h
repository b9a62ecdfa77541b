#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <vector>

#include "kernels/device.h"
#include "kernels/launcher.h"

namespace pisr::kernels {

/// The launcher of a device for tests; scratch memory is as TestLauncher's, full of NaN and
/// guarded, and is given back at the end of the launcher.
class DeviceLauncher final : public Launcher {
 public:
  explicit DeviceLauncher(Device& device) : device_(device) { device.make_current(); }
  ~DeviceLauncher() override {
    for (const Block& block : blocks_) {
      device_.release(block.memory);
    }
  }
  DeviceLauncher(const DeviceLauncher&) = delete;
  DeviceLauncher& operator=(const DeviceLauncher&) = delete;

  void parallel_for(std::int64_t, FunctionRef<void(std::int64_t, int)>) override {
    throw std::logic_error("a device's kernel asked for threads of the CPU");
  }
  int workers() const noexcept override { return 1; }
  void* scratch(std::size_t bytes) override {
    auto* const memory = static_cast<unsigned char*>(device_.allocate(bytes + kGuard));
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    blocks_.push_back({memory, bytes});
    device_.set_bytes(memory, 0xFF, bytes);
    device_.set_bytes(memory + bytes, kGuardByte, kGuard);
    return memory;
  }
  void* stream() const noexcept override { return device_.stream(); }
  void* library() const noexcept override { return device_.library(); }

  /// Whether no kernel has written behind its scratch memory.
  bool guards_intact() const {
    std::vector<unsigned char> guard(kGuard);
    return std::all_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
      device_.download(guard.data(), block.memory + block.bytes, kGuard);
      return std::all_of(guard.begin(), guard.end(), [](auto byte) { return byte == kGuardByte; });
    });
  }

 private:
  static constexpr std::size_t kGuard = 1024;
  static constexpr unsigned char kGuardByte = 0xA5;
  struct Block {
    unsigned char* memory;
    std::size_t bytes;
  };

  Device& device_;
  std::vector<Block> blocks_;
};

}  // namespace pisr::kernels
