#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "pisr/video/video_format.h"

namespace pisr {

/// A frame of video, in memory of the caller, who keeps it: planes of luminance, Cb and Cr, or of
/// luminance alone. Plane p has VideoFormat::plane_height(p) rows, row_strides[p] bytes apart, of
/// plane_width(p) samples without gaps: bytes where the depth is 8, otherwise 16-bit numbers in the
/// machine's byte order, whose lower `depth` bits count. Strides may be negative.
template <class Pointer>
struct BasicFrameView {
  VideoFormat format;
  std::array<Pointer, 3> planes = {};
  std::array<std::ptrdiff_t, 3> row_strides = {};

  /// What can be written can be read.
  operator BasicFrameView<const void*>() const requires std::is_same_v<Pointer, void*> {
    return {format, {planes[0], planes[1], planes[2]}, row_strides};
  }
};

/// What is read.
using ConstFrameView = BasicFrameView<const void*>;
/// What is written. No two samples may share memory.
using FrameView = BasicFrameView<void*>;

}  // namespace pisr
