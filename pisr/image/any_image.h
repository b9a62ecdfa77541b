#pragma once

#include <variant>

#include "pisr/image/image.h"

namespace pisr {

/// A decoded image in the depth of its file. Palettes, transparent colours and grey of 1, 2 and 4
/// bits are expanded to 8 bits; alpha is kept as a channel, not premultiplied.
struct AnyImage {
  std::variant<Image8, Image16> pixels;

  bool is_16_bit() const { return std::holds_alternative<Image16>(pixels); }
  int width() const {
    return std::visit([](const auto& image) { return image.width; }, pixels);
  }
  int height() const {
    return std::visit([](const auto& image) { return image.height; }, pixels);
  }
  int channels() const {
    return std::visit([](const auto& image) { return image.channels; }, pixels);
  }
};

}  // namespace pisr
