#include "pisr/train/tensorboard.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace pisr {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    }
    table[byte] = crc;
  }
  return table;
}

/// Little-endian, as protobuf and TFRecord store fixed-size numbers.
template <class Unsigned>
void append_fixed(std::string& text, Unsigned value) {
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    text.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
}

void append_varint(std::string& text, std::uint64_t value) {
  while (value >= 0x80) {
    text.push_back(static_cast<char>((value & 0x7F) | 0x80));
    value >>= 7;
  }
  text.push_back(static_cast<char>(value));
}

/// Protobuf's wire types: what follows a field's number.
enum class Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void append_key(std::string& text, std::uint32_t field, Wire wire) {
  append_varint(text, (field << 3) | static_cast<std::uint32_t>(wire));
}

void append_double(std::string& text, std::uint32_t field, double value) {
  append_key(text, field, Wire::fixed64);
  append_fixed(text, std::bit_cast<std::uint64_t>(value));
}

void append_float(std::string& text, std::uint32_t field, float value) {
  append_key(text, field, Wire::fixed32);
  append_fixed(text, std::bit_cast<std::uint32_t>(value));
}

void append_bytes(std::string& text, std::uint32_t field, const std::string& value) {
  append_key(text, field, Wire::bytes);
  append_varint(text, value.size());
  text += value;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xFF];
  }
  return crc ^ 0xFFFFFFFFU;
}

std::uint32_t masked_crc32c(std::span<const std::byte> bytes) noexcept {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

EventWriter::EventWriter(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    throw Error(ErrorKind::output,
                message("cannot make the folder '", directory.string(), "': ", failure.message()));
  }
  const double now = seconds_since_1970();
  // TensorBoard orders the files of a folder by name, so the time comes first.
  const std::string stem =
      message("events.out.tfevents.", static_cast<std::int64_t>(now), ".pisr.");
  int number = 0;
  do {
    path_ = directory / (stem + std::to_string(number++));
  } while (std::filesystem::exists(path_, failure));
  stream_.open(path_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    throw Error(ErrorKind::output,
                message("cannot write '", path_.string(), "': ", std::strerror(errno)));
  }
  std::string event;
  append_double(event, 1, now);
  append_bytes(event, 3, "brain.Event:2");
  record(event);
  flush();
}

void EventWriter::scalar(const std::string& tag, std::int64_t step, double value,
                         std::optional<double> wall_time) {
  // event.proto: 1 wall_time, 2 step, 5 summary; summary.proto: 1 value { 1 tag, 2 simple_value }.
  std::string point;
  append_bytes(point, 1, tag);
  append_float(point, 2, static_cast<float>(value));
  std::string summary;
  append_bytes(summary, 1, point);
  std::string event;
  append_double(event, 1, wall_time.value_or(seconds_since_1970()));
  append_key(event, 2, Wire::varint);
  append_varint(event, static_cast<std::uint64_t>(step));
  append_bytes(event, 5, summary);
  record(event);
}

void EventWriter::flush() {
  if (!stream_.flush()) {
    throw Error(ErrorKind::output,
                message("cannot write '", path_.string(), "': ", std::strerror(errno)));
  }
}

void EventWriter::record(const std::string& event) {
  std::string length;
  append_fixed(length, static_cast<std::uint64_t>(event.size()));
  std::string framed = length;
  append_fixed(framed, masked_crc32c(bytes_of(length)));
  framed += event;
  append_fixed(framed, masked_crc32c(bytes_of(event)));
  if (!stream_.write(framed.data(), static_cast<std::streamsize>(framed.size()))) {
    throw Error(ErrorKind::output,
                message("cannot write '", path_.string(), "': ", std::strerror(errno)));
  }
}

}  // namespace pisr
