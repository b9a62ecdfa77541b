#pragma once
// For formats, and kinds of files, whose samples do not come from the top down. Not for users of
// the library.

#include <functional>
#include <memory>
#include <vector>

#include "pisr/image/byte_sink.h"
#include "pisr/image/image_stream.h"

namespace pisr {

/// A reader of an image that is in memory.
std::unique_ptr<ImageReader> reader_of(AnyImage image, ImageMetadata metadata = {});

/// A writer that keeps all rows and encodes them in the end. `encode` returns the bytes of a file.
using EncodeWhole = std::function<std::vector<std::byte>(const AnyImage& image)>;
std::unique_ptr<ImageWriter> writer_of(ByteSink& sink, const ImageInfo& info, EncodeWhole encode);

/// All rows that the reader still has, and finish(). Floating point becomes 16 bits a sample.
AnyImage read_pixels(ImageReader& reader);

}  // namespace pisr
