#include "pisr/image/orientation.h"

#include <algorithm>
#include <variant>

#include "core/error.h"

namespace pisr {
namespace {

template <class Sample>
ImageOf<Sample> turned(const ImageOf<Sample>& image, int orientation) {
  const bool exchanged = is_turned(orientation);
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  ImageOf<Sample> result(exchanged ? image.height : image.width,
                         exchanged ? image.width : image.height, image.channels);
  for (int y = 0; y < result.height; ++y) {
    for (int x = 0; x < result.width; ++x) {
      const int right = exchanged ? y : x;
      const int down = exchanged ? x : y;
      const Sample* from = &image.at(from_right ? image.width - 1 - right : right,
                                     from_below ? image.height - 1 - down : down);
      std::copy_n(from, image.channels, &result.at(x, y));
    }
  }
  return result;
}

}  // namespace

bool is_turned(int orientation) {
  return orientation >= 5;
}

AnyImage upright(const AnyImage& image, int orientation) {
  if (orientation < 1 || orientation > 8) {
    throw Error(ErrorKind::usage, message("orientation must be 1 to 8, got ", orientation));
  }
  return std::visit([&](const auto& pixels) { return AnyImage{turned(pixels, orientation)}; },
                    image.pixels);
}

}  // namespace pisr
