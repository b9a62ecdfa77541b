#include "pisr/train/tensorboard.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/atomic_file.h"
#include "core/error.h"

namespace pisr {
namespace {

constexpr const char* kFilePrefix = "events.out.tfevents.";

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

/// Reads what the functions above append; every call is false where the text ends too early.
class MessageReader {
 public:
  explicit MessageReader(std::string_view text) : text_(text) {}

  /// The next field: its number, and its value as a number or as text.
  struct Field {
    std::uint64_t number = 0;
    std::uint64_t value = 0;
    std::string_view text;
  };
  bool next(Field& field) {
    std::uint64_t key = 0;
    if (text_.empty() || !varint(key)) {
      return false;
    }
    field = {key >> 3, 0, {}};
    switch (static_cast<Wire>(key & 7)) {
      case Wire::varint:
        return varint(field.value);
      case Wire::fixed64:
        return take(8, field.text);
      case Wire::bytes:
        return varint(field.value) && take(field.value, field.text);
      case Wire::fixed32:
        return take(4, field.text);
    }
    return false;
  }
  /// The text of the first field `number`; empty where there is none.
  static std::string_view find(std::string_view message, std::uint64_t number) {
    MessageReader reader(message);
    for (Field field; reader.next(field);) {
      if (field.number == number) {
        return field.text;
      }
    }
    return {};
  }

 private:
  bool varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !text_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(text_.front());
      text_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        return true;
      }
    }
    return false;
  }
  bool take(std::uint64_t bytes, std::string_view& part) {
    if (bytes > text_.size()) {
      return false;
    }
    part = text_.substr(0, bytes);
    text_.remove_prefix(bytes);
    return true;
  }

  std::string_view text_;
};

std::uint64_t fixed(std::string_view text) {
  std::uint64_t value = 0;
  for (std::size_t i = text.size(); i > 0; --i) {
    value = (value << 8) | static_cast<unsigned char>(text[i - 1]);
  }
  return value;
}

/// The event of the TFRecord at the beginning of `file`, and the record's length; nothing where it
/// is cut short or damaged.
std::optional<std::pair<std::string_view, std::size_t>> first_record(std::string_view file) {
  const auto matches = [&](std::size_t at, std::string_view bytes) {
    return fixed(file.substr(at, 4)) ==
           masked_crc32c(std::as_bytes(std::span(bytes.data(), bytes.size())));
  };
  if (file.size() < 16 || !matches(8, file.substr(0, 8))) {
    return std::nullopt;
  }
  const std::uint64_t length = fixed(file.substr(0, 8));
  if (length > file.size() - 16 || !matches(12 + length, file.substr(12, length))) {
    return std::nullopt;
  }
  return std::pair(file.substr(12, length), static_cast<std::size_t>(length) + 16);
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

EventWriter::EventWriter(const std::filesystem::path& directory, std::int64_t first_step) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    throw Error(ErrorKind::output,
                message("cannot make the folder '", directory.string(), "': ", failure.message()));
  }
  const double now = seconds_since_1970();
  // TensorBoard orders the files of a folder by name, so the time comes first.
  const std::string stem = message(kFilePrefix, static_cast<std::int64_t>(now), ".pisr.");
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
  // event.proto: 7 session_log { 1 status: START = 1 }.
  std::string start;
  append_key(start, 1, Wire::varint);
  append_varint(start, 1);
  event.clear();
  append_double(event, 1, now);
  append_key(event, 2, Wire::varint);
  append_varint(event, static_cast<std::uint64_t>(first_step));
  append_bytes(event, 7, start);
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

std::int64_t filter_events(
    const std::filesystem::path& directory,
    const std::function<bool(const std::string& phase, std::int64_t step)>& keep) {
  std::int64_t highest = -1;
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with(kFilePrefix)) {
      files.push_back(entry->path());
    }
  }
  for (const std::filesystem::path& path : files) {
    std::ifstream stream(path, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(stream), {}};
    std::string kept;
    std::string_view rest = file;
    for (auto record = first_record(rest); record; record = first_record(rest)) {
      const auto [event, length] = *record;
      std::int64_t step = 0;
      std::string_view summary;
      MessageReader reader(event);
      for (MessageReader::Field field; reader.next(field);) {
        if (field.number == 2) {
          step = static_cast<std::int64_t>(field.value);
        } else if (field.number == 5) {
          summary = field.text;
        }
      }
      const std::string tag(MessageReader::find(MessageReader::find(summary, 1), 1));
      if (summary.empty() || keep(tag.substr(0, tag.find('/')), step)) {
        kept += rest.substr(0, length);
        highest = summary.empty() ? highest : std::max(highest, step);
      }
      rest.remove_prefix(length);
    }
    if (kept.size() != file.size() && !kept.empty()) {
      write_file_atomically(path, std::string_view(kept));
    }
  }
  return highest;
}

}  // namespace pisr
