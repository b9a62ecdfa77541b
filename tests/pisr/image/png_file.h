#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "tests/pisr/image/encoded_images.h"

namespace pisr {

inline std::vector<std::byte> bytes_of_text(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

/// Of four bytes each, the highest first.
inline std::vector<std::byte> bytes_of_numbers(std::initializer_list<std::uint32_t> numbers) {
  std::vector<std::byte> bytes;
  for (const std::uint32_t number : numbers) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::byte>(number >> shift & 0xff));
    }
  }
  return bytes;
}

/// What looks like an ICC profile of RGB, of at least 132 bytes.
inline std::vector<std::byte> make_profile(std::size_t size, const std::string& space = "RGB ") {
  std::vector<std::byte> profile = bytes_of_numbers({static_cast<std::uint32_t>(size)});
  for (std::size_t i = profile.size(); i < size; ++i) {
    profile.push_back(static_cast<std::byte>(i * i % 251));
  }
  const std::string signature = "acsp";
  for (std::size_t i = 0; i < 4; ++i) {
    profile[16 + i] = static_cast<std::byte>(space[i]);
    profile[36 + i] = static_cast<std::byte>(signature[i]);
  }
  return profile;
}

/// A PNG file taken apart into its chunks, to be changed and put together again.
struct PngFile {
  struct Chunk {
    std::string name;
    std::vector<std::byte> data;
  };
  std::vector<Chunk> chunks;

  explicit PngFile(const std::vector<std::byte>& file) {
    for (std::size_t at = 8; at < file.size();) {
      std::size_t length = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        length = length << 8 | std::to_integer<std::size_t>(file.at(at + i));
      }
      const auto data = file.begin() + static_cast<std::ptrdiff_t>(at) + 8;
      chunks.push_back({std::string(reinterpret_cast<const char*>(&file.at(at + 4)), 4),
                        {data, data + static_cast<std::ptrdiff_t>(length)}});
      at += 12 + length;
    }
  }

  /// The file, with checksums.
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> file = bytes_of_text("\x89PNG\r\n\x1a\n");
    for (const Chunk& chunk : chunks) {
      for (const auto& part : {bytes_of_numbers({static_cast<std::uint32_t>(chunk.data.size())}),
                               bytes_of_text(chunk.name), chunk.data, std::vector<std::byte>(4)}) {
        file.insert(file.end(), part.begin(), part.end());
      }
    }
    correct_png_checksums(file);
    return file;
  }
};

}  // namespace pisr
