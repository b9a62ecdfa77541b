#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pisr/image/image_io.h"
#include "tests/pisr/image/images.h"

namespace pisr {

/// The file cut off, or with bytes changed, left out or doubled.
inline std::vector<std::byte> damaged(std::vector<std::byte> file, std::mt19937& random) {
  const auto below = [&random](std::size_t n) { return random() % n; };
  switch (below(4)) {
    case 0:  // cut off
      file.resize(below(file.size()));
      break;
    case 1:  // a piece twice, or left out
    {
      const std::size_t from = below(file.size());
      const std::size_t count = below(file.size() - from);
      if (below(2) == 0) {
        file.erase(file.begin() + from, file.begin() + from + count);
      } else {
        const std::vector<std::byte> piece(file.begin() + from, file.begin() + from + count);
        file.insert(file.begin() + from, piece.begin(), piece.end());
      }
      break;
    }
    default:  // some bytes; in the first quarter, where the headers are, half of the time
      for (std::size_t count = 1 + below(8); count > 0; --count) {
        const std::size_t range = below(2) == 0 ? file.size() : (file.size() + 3) / 4;
        file[below(range)] ^= static_cast<std::byte>(1 + below(255));
      }
  }
  return file;
}

/// Whether the file is decoded; otherwise the error must be one line of kind input or memory that
/// names the file. Any other end fails the test. Pictures of more than a million pixels are
/// refused.
inline bool decoded_or_refused(const std::vector<std::byte>& file, AnyImage* image = nullptr) {
  AnyImage decoded;
  try {
    decoded = decode_image(file, "damaged", {.max_pixels = 1 << 20});
  } catch (const Error& error) {
    const std::string text = error.what();
    REQUIRE((error.kind() == ErrorKind::input || error.kind() == ErrorKind::memory));
    REQUIRE(text.substr(0, 24) == "cannot decode 'damaged':");
    for (const char letter : text) {
      REQUIRE((letter >= ' ' && letter <= '~'));
    }
    return false;
  }
  const std::size_t samples =
      std::visit([](const auto& pixels) { return pixels.samples.size(); }, decoded.pixels);
  REQUIRE(samples == std::size_t(decoded.width()) * decoded.height() * decoded.channels());
  REQUIRE(samples > 0);
  if (image != nullptr) {
    *image = std::move(decoded);
  }
  return true;
}

/// Every beginning of the file is refused, or has all samples of the file.
inline void check_truncations(const std::vector<std::byte>& file) {
  AnyImage whole;
  REQUIRE(decoded_or_refused(file, &whole));
  for (std::size_t length = 0; length < file.size(); ++length) {
    INFO(length << " of " << file.size() << " bytes");
    AnyImage part;
    if (decoded_or_refused({file.begin(), file.begin() + length}, &part)) {
      REQUIRE(part.pixels.index() == whole.pixels.index());
      std::visit(
          [&](const auto& pixels) {
            using Image = std::decay_t<decltype(pixels)>;
            REQUIRE(largest_difference(pixels, std::get<Image>(whole.pixels)) == 0);
          },
          part.pixels);
    }
  }
}

/// Damages the file `times` times. Returns how many of them were decoded.
inline int check_damage(const std::vector<std::byte>& file, int times, unsigned seed = 7) {
  std::mt19937 random(seed);
  int decoded = 0;
  for (int i = 0; i < times; ++i) {
    INFO("damage " << i << ", seed " << seed);
    decoded += decoded_or_refused(damaged(file, random)) ? 1 : 0;
  }
  return decoded;
}

}  // namespace pisr
