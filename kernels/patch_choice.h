#pragma once

#include <cstdint>

#include "kernels/philox.h"

/// The choice of a random training patch and the values of its pixels. The host and the kernels
/// share these functions, so both make the same batches bit for bit: all is integer arithmetic but
/// for a few divisions and an addition, which no compiler can contract into one rounding.
namespace pisr::kernels {

/// A patch of a training image.
struct PatchChoice {
  std::uint32_t image;
  int low_x;             ///< left edge of the LR patch; the HR patch starts at scale * low_x
  int low_y;             ///< top edge of the LR patch
  bool flip_horizontal;  ///< mirrored left to right, before it is transposed
  bool flip_vertical;    ///< mirrored top to bottom, before it is transposed
  bool transpose;        ///< rows and columns exchanged, last
};

/// Sample `index` of the stream `key`, drawn uniformly: one of `images` images, a place in it for a
/// patch of low_size x low_size LR pixels, and one of the 8 symmetries of a square.
/// low_extent(image) returns the LR size of an image as a struct of width and height, each at least
/// low_size.
template <class LowExtent>
PISR_HOST_DEVICE PatchChoice choose_patch(PhiloxKey key, std::uint64_t index, std::uint32_t images,
                                          int low_size, const LowExtent& low_extent) {
  const PhiloxWords random = philox4x32(first_counter(index), key);
  PatchChoice choice{};
  choice.image = below(random.word[0], images);
  const auto& extent = low_extent(choice.image);
  const auto places = [low_size](int size) {
    return static_cast<std::uint32_t>(size - low_size + 1);
  };
  choice.low_x = static_cast<int>(below(random.word[1], places(extent.width)));
  choice.low_y = static_cast<int>(below(random.word[2], places(extent.height)));
  const std::uint32_t symmetry = below(random.word[3], 8);
  choice.flip_horizontal = (symmetry & 1) != 0;
  choice.flip_vertical = (symmetry & 2) != 0;
  choice.transpose = (symmetry & 4) != 0;
  return choice;
}

/// The luminance of one pixel, 0..1: (16 + (65.481 R + 128.553 G + 24.966 B) / 255) / 255 of three
/// bytes (ITU-R BT.601), a grey byte / 255 of one.
PISR_HOST_DEVICE inline float patch_luminance(const std::uint8_t* pixel, int channels) {
  if (channels == 1) {
    return static_cast<float>(pixel[0] / 255.0);
  }
  const std::uint32_t sum = 65'481U * pixel[0] + 128'553U * pixel[1] + 24'966U * pixel[2];
  return static_cast<float>((16 + sum / 255'000.0) / 255);
}

/// What a patch of an image with `wanted` channels holds of one pixel in channel `c`, 0..1: its
/// luminance where that is 1, its R, G or B where it is 3. A grey byte is each of them.
PISR_HOST_DEVICE inline float patch_value(const std::uint8_t* pixel, int channels, int wanted,
                                          int c) {
  return wanted == 1 ? patch_luminance(pixel, channels)
                     : static_cast<float>(pixel[channels == 1 ? 0 : c] / 255.0);
}

}  // namespace pisr::kernels
