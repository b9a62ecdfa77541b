#include "pisr/inference/upscaler.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/pipeline.h"
#include "pisr/image/exif.h"
#include "pisr/image/whole_image.h"
#include "pisr/inference/strip_enlarger.h"
#include "pisr/model/network.h"

namespace pisr {
namespace {

using Rows = std::vector<std::byte>;

// A strip of so many margins computes little twice; one of fewer than the least would do little
// else.
constexpr int kGoodMargins = 16;
constexpr int kLeastMargins = 6;

/// Rows of a strip: even, and such that the last strip is not much smaller than the others. Up to
/// twice the memory is taken where the margins would be a large part.
int rows_of_strip(const StripEnlarger& enlarger, int height, std::int64_t memory) {
  const std::int64_t margin = enlarger.margin();
  const std::int64_t good = kGoodMargins * margin;
  std::int64_t rows = memory / enlarger.bytes_of_row() - 2 * margin;
  if (rows < good) {
    rows = std::min(good, 2 * memory / enlarger.bytes_of_row() - 2 * margin);
  }
  rows = std::clamp<std::int64_t>(rows, std::min<std::int64_t>(kLeastMargins * margin, height),
                                  height);
  const std::int64_t strips = (height + rows - 1) / rows;
  const std::int64_t even_rows = (height + strips - 1) / strips;
  return static_cast<int>(even_rows + even_rows % 2);
}

/// Keeps rows in memory.
class ImageCollector : public ImageWriter {
 public:
  explicit ImageCollector(std::span<std::byte> samples) : samples_(samples) {}
  void write_rows(std::span<const std::byte> rows) override {
    std::copy(rows.begin(), rows.end(), samples_.begin());
    samples_ = samples_.subspan(rows.size());
  }
  void finish() override {}

 private:
  std::span<std::byte> samples_;
};

}  // namespace

ImageInfo enlarged_info(const ImageInfo& image, int scale) {
  ImageInfo large = image;
  large.width *= scale;
  large.height *= scale;
  large.metadata = enlarged(image.metadata, scale);
  set_exif_size(large.metadata.exif, large.width, large.height);
  if (large.metadata.density) {
    set_exif_density(large.metadata.exif, *large.metadata.density);
  }
  return large;
}

bool upscale(Context& context, const SrNetwork& network, ImageReader& reader, ImageWriter& writer,
             const UpscaleOptions& options) {
  const ImageInfo& image = reader.info();
  EnlargeOptions enlarge;
  enlarge.self_ensemble = options.self_ensemble;
  enlarge.inference.tile = options.tile;
  StripEnlarger enlarger(context, network, image, enlarge);
  const int height = image.height;
  const int strip = rows_of_strip(enlarger, height, options.memory);
  int read = 0;
  int begin = 0;  // of the strip that is read for
  int done = 0;
  bool stopped = false;
  const auto produce = [&]() -> std::optional<Rows> {
    if (begin >= height) {
      return std::nullopt;
    }
    begin = std::min(height, begin + std::min(strip, height - begin));
    const int wanted = begin + std::min(enlarger.margin(), height - begin);
    Rows rows(image.row_bytes() * static_cast<std::size_t>(wanted - read));
    reader.read_rows(rows);
    read = wanted;
    return rows;
  };
  const auto compute = [&](const Rows& rows) -> std::optional<Rows> {
    if (options.cancelled && options.cancelled()) {
      stopped = true;
      return std::nullopt;
    }
    const int past = done + std::min(strip, height - done);
    Rows large = enlarger.enlarge(done, past, rows);
    done = past;
    if (options.progress) {
      options.progress(done, height);
    }
    return large;
  };
  const bool overlapped = context.pool() != nullptr && context.pool()->threads() > 1;
  run_pipeline(overlapped, produce, compute, [&](const Rows& rows) { writer.write_rows(rows); });
  if (stopped) {
    return false;
  }
  reader.finish();
  writer.finish();
  return true;
}

AnyImage upscale_image(Context& context, const SrNetwork& network, const AnyImage& image,
                       const UpscaleOptions& options) {
  if (image.width() < 1 || image.height() < 1) {
    throw Error(ErrorKind::usage, message("upscale: the image must have at least 1x1 pixels, got ",
                                          image.width(), "x", image.height()));
  }
  const int scale = network.spec().scale;
  AnyImage large;
  std::visit(
      [&](const auto& pixels) {
        using Image = std::remove_cvref_t<decltype(pixels)>;
        large.pixels = Image(pixels.width * scale, pixels.height * scale, pixels.channels);
      },
      image.pixels);
  std::visit(
      [&](auto& pixels) {
        const auto reader = reader_of(image);
        ImageCollector collector(std::as_writable_bytes(std::span(pixels.samples)));
        upscale(context, network, *reader, collector, options);
      },
      large.pixels);
  return large;
}

}  // namespace pisr
