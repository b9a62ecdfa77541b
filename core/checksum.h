#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

namespace pisr {

/// FNV-1a, 64 bits: finds what changed by accident, not what was forged.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte byte : bytes) {
      state_ = (state_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
    }
  }
  /// The length goes first, so that "a" "bc" and "ab" "c" differ.
  void add(const std::string& text) noexcept {
    const std::uint64_t size = text.size();
    add(std::as_bytes(std::span(&size, 1)));
    add(std::as_bytes(std::span(text)));
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(state_));
    return digits.data();
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

}  // namespace pisr
