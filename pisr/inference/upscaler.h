#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/context.h"
#include "pisr/image/image_io.h"
#include "pisr/image/image_stream.h"

namespace pisr {

class SrNetwork;

/// How a file is enlarged and written.
struct UpscaleOptions {
  bool overwrite = false;
  /// Limit of the OUTPUT's pixels, checked before anything of that size is allocated.
  std::int64_t max_pixels = std::int64_t{1} << 31;
  int jpeg_quality = 95;  ///< 1..100
  int png_level = 1;      ///< 0 (none) to 9 (smallest)
  bool keep_metadata =
      true;  ///< otherwise only samples are written, the picture turned as it stands
  /// Side of the tiles that the network is given; 0: as it takes least time. The result is the
  /// same.
  int tile = 0;
  /// The mean of the network's results for the image turned and mirrored in all eight ways.
  bool self_ensemble = false;
  /// About how many bytes a strip of rows may take (StripEnlarger::bytes_of_row).
  std::int64_t memory = std::int64_t{96} << 20;
  /// Is told, in a line, before an image is enlarged that must be whole, how much memory that
  /// takes; may be empty.
  std::function<void(const std::string&)> note;
  /// Is told, in a line, what was odd about a file that was enlarged all the same; may be empty.
  std::function<void(const std::string&)> warn;
  /// Is told what is enlarged and what it becomes, before the work; may be empty.
  std::function<void(const ImageInfo& image, const ImageInfo& large)> started;
  /// Is told how many of the image's rows are done; may be empty. The calling thread.
  std::function<void(std::int64_t done, std::int64_t rows)> progress;
  /// Whether to stop, asked between strips; may be empty.
  std::function<bool()> cancelled;
};

/// What upscale() makes of such an image: sizes and density times the scale.
ImageInfo enlarged_info(const ImageInfo& image, int scale);

/// Enlarges what `reader` reads from the top down and gives it to `writer`, in little memory where
/// the network can be given strips (StripEnlarger, whose words on colours hold). With more than one
/// thread in the context's pool, reading, enlarging and writing overlap. The result depends neither
/// on threads nor on strips and tiles. False where it was cancelled; the output is then incomplete.
/// Errors: those of the reader and the writer, numeric where a value is not finite.
bool upscale(Context& context, const SrNetwork& network, ImageReader& reader, ImageWriter& writer,
             const UpscaleOptions& options = {});

/// The same of an image in memory: [h, w, c] -> [h scale, w scale, c] in the depth of the input;
/// grey stays grey. Error usage for an empty image.
AnyImage upscale_image(Context& context, const SrNetwork& network, const AnyImage& image,
                       const UpscaleOptions& options = {});

}  // namespace pisr
