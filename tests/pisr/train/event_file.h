#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "pisr/train/tensorboard.h"
#include "tests/catch.h"

namespace pisr {

inline std::uint32_t crc_of(const std::string& text) {
  return crc32c(std::as_bytes(std::span(text.data(), text.size())));
}

inline std::uint64_t little_endian(const std::string& text, std::size_t at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(text.at(at + static_cast<std::size_t>(i)))}
             << (8 * i);
  }
  return value;
}

/// The payloads of a file of TFRecords; every length and checksum is checked.
inline std::vector<std::string> read_records(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::vector<std::string> records;
  std::size_t at = 0;
  while (at < file.size()) {
    const auto masked = [](const std::string& text) {
      const std::uint32_t crc = crc_of(text);
      return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
    };
    const auto length = static_cast<std::size_t>(little_endian(file, at, 8));
    REQUIRE(little_endian(file, at + 8, 4) == masked(file.substr(at, 8)));
    records.push_back(file.substr(at + 12, length));
    REQUIRE(records.back().size() == length);
    REQUIRE(little_endian(file, at + 12 + length, 4) == masked(records.back()));
    at += 16 + length;
  }
  return records;
}

/// Fields of a protobuf message: number -> raw bytes (varints as 8 bytes).
inline std::map<int, std::string> fields_of(const std::string& text) {
  std::map<int, std::string> fields;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(text.at(at++));
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  while (at < text.size()) {
    const std::uint64_t key = varint();
    std::string value;
    switch (key & 7) {
      case 0: {
        const std::uint64_t number = varint();
        value.assign(reinterpret_cast<const char*>(&number), 8);
        break;
      }
      case 1:
        value = text.substr(at, 8);
        at += 8;
        break;
      case 2: {
        const auto length = static_cast<std::size_t>(varint());
        value = text.substr(at, length);
        at += length;
        break;
      }
      case 5:
        value = text.substr(at, 4);
        at += 4;
        break;
      default:
        FAIL("wire type " << (key & 7));
    }
    fields[static_cast<int>(key >> 3)] = value;
  }
  return fields;
}

/// A point of a curve.
struct Point {
  std::string tag;
  std::int64_t step;
  float value;
  double wall_time;
};

/// Of a record that holds a point: its field 5 is there.
inline Point point_of(const std::string& record) {
  auto event = fields_of(record);
  auto value = fields_of(fields_of(event.at(5)).at(1));
  return {value.at(1), static_cast<std::int64_t>(little_endian(event.at(2), 0, 8)),
          std::bit_cast<float>(static_cast<std::uint32_t>(little_endian(value.at(2), 0, 4))),
          std::bit_cast<double>(little_endian(event.at(1), 0, 8))};
}

}  // namespace pisr
