#include "pisr/video/video_format.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace pisr {
namespace {

int half(int side) {
  return side / 2 + side % 2;
}

}  // namespace

int VideoFormat::plane_width(int plane) const {
  return plane == 0 || chroma == Chroma::s444 ? width : half(width);
}

int VideoFormat::plane_height(int plane) const {
  return plane == 0 || chroma != Chroma::s420 ? height : half(height);
}

std::size_t VideoFormat::plane_bytes(int plane) const {
  return static_cast<std::size_t>(plane_width(plane)) * plane_height(plane) * sample_bytes();
}

std::size_t VideoFormat::frame_bytes() const {
  return plane_bytes(0) + (planes() == 3 ? 2 * plane_bytes(1) : 0);
}

VideoFormat enlarged(const VideoFormat& format, int scale) {
  if (std::max(format.width, format.height) > std::numeric_limits<int>::max() / scale) {
    throw Error(ErrorKind::memory, message("video: ", format.width, "x", format.height, " times ",
                                           scale, " exceeds 2^31 - 1 samples a side"));
  }
  VideoFormat result = format;
  result.width *= scale;
  result.height *= scale;
  return result;
}

}  // namespace pisr
