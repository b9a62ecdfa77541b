#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "core/context.h"
#include "pisr/image/image_io.h"

namespace pisr {

class SrNetwork;

/// Enlarges an image by the network's scale: luminance by the network, chroma and alpha by bicubic
/// interpolation, all in floating point and rounded once. A network on RGB enlarges colour as it
/// is; a grey image is r = g = b to it, and the result's luminance is taken. [h, w, c] -> [h scale,
/// w scale, c] in the depth of the input; grey stays grey. Colours of transparent pixels are
/// replaced by those of the nearest visible ones first, so that edges get no fringe of what was
/// hidden. Error numeric where the network's output is not finite, usage for an empty image.
AnyImage upscale_image(Context& context, const SrNetwork& network, const AnyImage& image);

struct UpscaleOptions {
  bool overwrite = false;
  /// Limit of the OUTPUT's pixels, checked before anything of that size is allocated; about 40
  /// bytes are needed for each.
  std::int64_t max_pixels = std::int64_t{1} << 27;
  int jpeg_quality = 95;  ///< 1..100
  /// Is told, in a line, before an image is enlarged that must be whole, how much memory that
  /// takes; may be empty.
  std::function<void(const std::string&)> note;
};

/// Whether `path` can become an output, before any work: Error usage where its extension is no
/// image format, output where its folder is missing or cannot be written, or it exists and may not
/// be replaced.
void check_output(const std::filesystem::path& path, const UpscaleOptions& options);

/// Reads `input`, enlarges it and writes `output` in the format of its extension. The output
/// appears whole or not at all. Errors: those of check_output, read_image, upscale_image and
/// write_image; memory where the output would exceed the limit.
void upscale_file(Context& context, const SrNetwork& network, const std::filesystem::path& input,
                  const std::filesystem::path& output, const UpscaleOptions& options = {});

}  // namespace pisr
