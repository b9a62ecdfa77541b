#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pisr {

/// Writes messages of Protocol Buffers: the wire format alone, which is all that a file needs. A
/// message is the string of its fields, one after the other; a field that is a message itself is
/// given as such a string.
class ProtobufMessage {
 public:
  /// int32, int64, bool and enum.
  ProtobufMessage& integer(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  /// float
  ProtobufMessage& number(int field, float value) {
    key(field, 5);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (int byte = 0; byte < 4; ++byte) {
      bytes_ += static_cast<char>(bits >> (8 * byte) & 0xFFU);
    }
    return *this;
  }
  /// string and bytes
  ProtobufMessage& text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  ProtobufMessage& message(int field, const ProtobufMessage& value) {
    return text(field, value.bytes_);
  }

  const std::string& bytes() const noexcept { return bytes_; }

 private:
  void key(int field, unsigned type) { varint(static_cast<std::uint64_t>(field) << 3U | type); }
  /// Seven bits a byte, the lowest first; the eighth tells whether more follow.
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) {
      bytes_ += static_cast<char>((value & 0x7FU) | 0x80U);
    }
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace pisr
