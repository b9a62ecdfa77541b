#pragma once

#include <cstddef>

#include "kernels/export.h"

namespace pisr {

/// How much less chroma there is than luminance.
enum class Chroma {
  none,  ///< grey
  s420,  ///< half in width and height
  s422,  ///< half in width
  s444   ///< as much
};

/// Where the chroma samples of s420 and s422 lie among those of luminance.
enum class ChromaSiting {
  centre,   ///< between two columns, and two rows: "420jpeg"
  left,     ///< on the left column of two, between two rows: "420mpeg2", and all of s422
  top_left  ///< on the left column and the upper row: "420paldv"
};

/// What all frames of a video have in common. Samples of 8 bits are bytes, those of 10 bits have
/// two bytes, the lower one first. Planes follow each other: luminance, Cb, Cr.
struct PISR_API VideoFormat {
  int width = 0;  ///< of luminance
  int height = 0;
  Chroma chroma = Chroma::s420;
  int depth = 8;  ///< bits a sample: 8 or 10
  ChromaSiting siting = ChromaSiting::left;
  /// Luminance 0 is black and the largest value white; otherwise 16 and 235 (of 8 bits).
  bool full_range = false;

  int planes() const { return chroma == Chroma::none ? 1 : 3; }
  /// An odd side has half a sample of chroma more.
  int plane_width(int plane) const;
  int plane_height(int plane) const;
  std::size_t sample_bytes() const { return depth > 8 ? 2 : 1; }
  std::size_t plane_bytes(int plane) const;
  std::size_t frame_bytes() const;
  int largest() const { return (1 << depth) - 1; }

  friend bool operator==(const VideoFormat&, const VideoFormat&) = default;
};

/// The same with sides `scale` times as long. Throws Error memory where one would exceed 2^31 - 1.
PISR_API VideoFormat enlarged(const VideoFormat& format, int scale);

}  // namespace pisr
