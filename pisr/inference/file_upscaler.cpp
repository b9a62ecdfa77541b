#include "pisr/inference/file_upscaler.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <variant>

#include "core/atomic_file.h"
#include "core/error.h"
#include "pisr/image/byte_sink.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/exif.h"
#include "pisr/image/file_sink.h"
#include "pisr/image/orientation.h"
#include "pisr/image/whole_image.h"
#include "pisr/inference/inference.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {
namespace {

/// An image without its alpha where that is opaque everywhere; otherwise as it is.
template <class Sample>
ImageOf<Sample> without_opaque_alpha(ImageOf<Sample> image) {
  if (!image.has_alpha()) {
    return image;
  }
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t i = channels - 1; i < image.samples.size(); i += channels) {
    if (image.samples[i] != static_cast<Sample>(~Sample{0})) {
      return image;
    }
  }
  return without_alpha(std::move(image));
}

/// The image that `reader` is about to read, whole, so that its alpha can be left out.
std::unique_ptr<ImageReader> reader_without_alpha(ImageReader& reader) {
  const ImageMetadata metadata = reader.info().metadata;
  const AnyImage image = read_pixels(reader);
  return std::visit(
      [&](const auto& pixels) {
        return reader_of(AnyImage{without_opaque_alpha(pixels)}, metadata);
      },
      image.pixels);
}

/// The image that `reader` is about to read, whole and turned as it is to be seen.
std::unique_ptr<ImageReader> upright_reader(ImageReader& reader) {
  ImageMetadata metadata = reader.info().metadata;
  const int orientation = std::exchange(metadata.orientation, 1);
  set_exif_orientation(metadata.exif, 1);
  if (metadata.density && is_turned(orientation)) {
    std::swap(metadata.density->x, metadata.density->y);
  }
  return reader_of(upright(read_pixels(reader), orientation), std::move(metadata));
}

void note_whole_image(Context& context, const SrNetwork& network, const ImageInfo& image,
                      const std::string& name, const UpscaleOptions& options) {
  if (!options.note || network.halo()) {
    return;
  }
  if (const auto bytes = Inference(context, network).memory_of_whole(image.width, image.height)) {
    constexpr std::int64_t kMebibyte = 1 << 20;
    options.note(message(title(network.spec()), " looks at the whole image at once, which takes ",
                         *bytes / kMebibyte, " MiB of memory for '", name, '\''));
  }
}

}  // namespace

void check_output(const std::filesystem::path& path, const UpscaleOptions& options) {
  check_format(path);
  std::error_code failure;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, failure)) {
    throw Error(ErrorKind::output,
                message("cannot write '", path.string(), "': no folder '", folder.string(), "'"));
  }
  check_output_file(path, options.overwrite);
}

bool upscale_stream(Context& context, const SrNetwork& network, const ByteSource& source,
                    const std::string& name, ByteSink& sink, const std::string& extension,
                    const std::string& output, const UpscaleOptions& options) {
  const int scale = network.spec().scale;
  ReadOptions read{options.max_pixels, scale, options.warn};
  std::unique_ptr<ImageReader> reader = open_image(source, name, read);
  if (reader->info().has_alpha() && !format_holds(extension, reader->info())) {
    reader = reader_without_alpha(*reader);
  }
  const ImageMetadata& metadata = reader->info().metadata;
  if (metadata.orientation != 1 &&
      !(options.keep_metadata && format_holds_orientation(extension, metadata))) {
    reader = upright_reader(*reader);
  }
  note_whole_image(context, network, reader->info(), name, options);
  ImageInfo large = enlarged_info(reader->info(), scale);
  if (!options.keep_metadata) {
    large.metadata = {};
  }
  if (!large.metadata.icc.empty() && !format_holds_icc(extension) && options.warn) {
    options.warn(message("'", output,
                         "': the format holds no ICC profile; colours may look "
                         "different from those of '",
                         name, '\''));
  }
  ThreadPool* const pool = context.pool();
  WriteOptions write{options.jpeg_quality, options.png_level, pool};
  std::unique_ptr<ImageWriter> writer;
  try {
    writer = create_image(sink, large, extension, write);
  } catch (const NoSpaceError&) {
    throw;  // it names the output, and ends a run over several images
  } catch (const Error& error) {
    throw Error(error.kind(), message("cannot write '", output, "': ", error.what()), error.hint());
  }
  if (options.started) {
    options.started(reader->info(), large);
  }
  return upscale(context, network, *reader, *writer, options);
}

bool upscale_file(Context& context, const SrNetwork& network, const std::filesystem::path& input,
                  const std::filesystem::path& output, const UpscaleOptions& options) {
  check_output(output, options);
  const auto source = file_source(input);
  FileSink sink(output);
  if (!upscale_stream(context, network, *source, input.string(), sink,
                      output.extension().string().substr(1), output.string(), options)) {
    return false;
  }
  sink.commit();
  return true;
}

}  // namespace pisr
