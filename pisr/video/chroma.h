#pragma once

#include <cstddef>
#include <span>

#include "core/parallel.h"
#include "pisr/video/video.h"

namespace pisr {

/// How far into the first of the luminance pixels that it stands for a chroma sample lies, as a
/// part of their extent: 1/2 in their centre, 1/4 on the first of two, along a side that is not
/// subsampled 1/2.
struct ChromaPlace {
  double x, y;
};
ChromaPlace chroma_place(const VideoFormat& format);

/// Enlarges a plane of chroma of a frame to that of the frame enlarged `scale` times, by Keys'
/// cubic kernel (a = -0.5) with the border mirrored, as imresize() has it, each value rounded once.
/// Samples of the result lie among its luminance as those of `format` do, so that no colour moves:
/// sample n is at n / scale + place (1 / scale - 1) of the plane. `from` and `to` are the planes of
/// `format` and of enlarged(format, scale). Without a pool the calling thread does it.
void enlarge_chroma(ThreadPool* pool, const VideoFormat& format, int scale,
                    std::span<const std::byte> from, std::span<std::byte> to);

}  // namespace pisr
