#include <algorithm>
#include <memory>
#include <utility>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "pisr/image/codec.h"
#include "pisr/image/exif.h"
#include "pisr/image/whole_image.h"

namespace pisr {
namespace {

WebPData data_of(Bytes bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> bytes_of(const WebPData& data) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(data.bytes);
  return {bytes, bytes + data.size};
}

/// The fields of the file beside its samples; those of a damaged file are left out.
ImageMetadata read_metadata(const WebPData& file) {
  ImageMetadata metadata;
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&file),
                                                                         WebPDemuxDelete);
  if (demuxer == nullptr) {
    return metadata;
  }
  const auto chunk = [&](const char* name) {
    std::vector<std::byte> bytes;
    WebPChunkIterator found;
    if (WebPDemuxGetChunk(demuxer.get(), name, 1, &found) != 0) {
      bytes = bytes_of(found.chunk);
      WebPDemuxReleaseChunkIterator(&found);
    }
    return bytes;
  };
  metadata.icc = chunk("ICCP");
  metadata.exif = chunk("EXIF");
  // Some writers put before it what stands before it in a JPEG file.
  using namespace std::string_view_literals;
  constexpr std::string_view kOfJpeg = "Exif\0\0"sv;
  if (starts_with(metadata.exif, kOfJpeg)) {
    metadata.exif.erase(metadata.exif.begin(), metadata.exif.begin() + kOfJpeg.size());
  }
  if (!is_exif(metadata.exif)) {
    metadata.exif.clear();
  }
  metadata.orientation = exif_orientation(metadata.exif);
  metadata.density = exif_density(metadata.exif);
  return metadata;
}

/// All of an animation's first frame, with what is around it.
Image8 decode_animation(const WebPData& file, const Image8& size, const std::string& name) {
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(
      WebPAnimDecoderNew(&file, &options), WebPAnimDecoderDelete);
  std::uint8_t* samples = nullptr;
  int time = 0;
  if (decoder == nullptr || WebPAnimDecoderGetNext(decoder.get(), &samples, &time) == 0) {
    fail_to_decode(name, "damaged WebP animation");
  }
  Image8 image(size.width, size.height, 4);
  std::copy_n(samples, image.samples.size(), image.samples.begin());
  return image;
}

Image8 decode(const WebPData& file, const std::string& name, const ReadOptions& options) {
  const auto check = [&](VP8StatusCode status) {
    if (status != VP8_STATUS_OK) {
      fail_to_decode(name, status == VP8_STATUS_NOT_ENOUGH_DATA       ? "truncated"
                           : status == VP8_STATUS_UNSUPPORTED_FEATURE ? "WebP of an unknown kind"
                                                                      : "damaged WebP");
    }
  };
  WebPBitstreamFeatures features;
  check(WebPGetFeatures(file.bytes, file.size, &features));
  check_declared_size(features.width, features.height, name, options);
  Image8 image;
  image.width = features.width;
  image.height = features.height;
  image.channels = features.has_alpha != 0 ? 4 : 3;
  if (features.has_animation != 0) {
    image = decode_animation(file, image, name);
    if (options.warn) {
      options.warn(message("'", name, "': of an animation the first frame is read"));
    }
    return image;
  }
  image = Image8(image.width, image.height, image.channels);
  WebPDecoderConfig config;
  WebPInitDecoderConfig(&config);
  config.output.colorspace = image.channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {image.samples.data(), image.channels * image.width, image.samples.size()};
  check(WebPDecode(file.bytes, file.size, &config));
  return image;
}

/// RGB, or RGB and alpha, of any image.
Image8 in_colour(const Image8& image) {
  if (!image.is_grey()) {
    return image;
  }
  Image8 colour(image.width, image.height, image.channels + 2);
  auto to = colour.samples.begin();
  for (auto from = image.samples.begin(); from != image.samples.end(); from += image.channels) {
    to = std::fill_n(to, 3, from[0]);
    if (image.has_alpha()) {
      *to++ = from[1];
    }
  }
  return colour;
}

[[noreturn]] void fail_to_encode(const std::string& reason) {
  throw Error(ErrorKind::output, message("cannot encode WebP: ", reason));
}

struct Picture : WebPPicture {
  Picture() { WebPPictureInit(this); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  ~Picture() { WebPPictureFree(this); }
};

std::vector<std::byte> encode_samples(const Image8& image, int quality) {
  WebPConfig config;
  WebPConfigInit(&config);
  config.quality = static_cast<float>(quality);
  if (quality == 100) {
    WebPConfigLosslessPreset(&config, 6);
    config.exact = 1;  // colours under alpha 0 too
  }
  Picture picture;
  picture.use_argb = config.lossless;
  picture.width = image.width;
  picture.height = image.height;
  const auto import = image.channels == 4 ? WebPPictureImportRGBA : WebPPictureImportRGB;
  std::vector<std::byte> file;
  picture.custom_ptr = &file;
  picture.writer = [](const std::uint8_t* data, std::size_t size, const WebPPicture* of) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(data);
    auto& to = *static_cast<std::vector<std::byte>*>(of->custom_ptr);
    to.insert(to.end(), bytes, bytes + size);
    return 1;
  };
  if (import(&picture, image.samples.data(), image.width * image.channels) == 0 ||
      WebPEncode(&config, &picture) == 0) {
    fail_to_encode(picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY
                       ? "not enough memory"
                       : message("error ", static_cast<int>(picture.error_code), " of libwebp"));
  }
  return file;
}

std::vector<std::byte> encode(const Image8& image, const ImageMetadata& metadata, int quality) {
  std::vector<std::byte> file = encode_samples(in_colour(image), quality);
  if (metadata.icc.empty() && metadata.exif.empty()) {
    return file;
  }
  const std::unique_ptr<WebPMux, decltype(&WebPMuxDelete)> mux(WebPMuxNew(), WebPMuxDelete);
  const WebPData picture = data_of(file);
  const WebPData icc = data_of(metadata.icc);
  const WebPData exif = data_of(metadata.exif);
  WebPData whole = {nullptr, 0};
  const bool done =
      mux != nullptr && WebPMuxSetImage(mux.get(), &picture, 0) == WEBP_MUX_OK &&
      (icc.size == 0 || WebPMuxSetChunk(mux.get(), "ICCP", &icc, 0) == WEBP_MUX_OK) &&
      (exif.size == 0 || WebPMuxSetChunk(mux.get(), "EXIF", &exif, 0) == WEBP_MUX_OK) &&
      WebPMuxAssemble(mux.get(), &whole) == WEBP_MUX_OK;
  if (!done) {
    fail_to_encode("its metadata do not fit");
  }
  file = bytes_of(whole);
  WebPDataClear(&whole);
  return file;
}

}  // namespace

bool is_webp(Bytes start) {
  constexpr std::size_t kName = 8;
  return starts_with(start, "RIFF") && start.size() > kName &&
         starts_with(start.subspan(kName), "WEBP");
}

std::unique_ptr<ImageReader> open_webp(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options) {
  const std::vector<std::byte> file = read_all(source);
  const WebPData data = data_of(file);
  Image8 image = decode(data, name, options);
  return reader_of({std::move(image)}, read_metadata(data));
}

std::unique_ptr<ImageWriter> create_webp(ByteSink& sink, const ImageInfo& info,
                                         const WriteOptions& options) {
  const int quality = options.jpeg_quality;
  if (quality < 1 || quality > 100) {
    throw Error(ErrorKind::usage, message("WebP quality must be 1 to 100, got ", quality));
  }
  if (std::max(info.width, info.height) > WEBP_MAX_DIMENSION) {
    fail_to_encode(
        message(info.width, "x", info.height, " is more than ", WEBP_MAX_DIMENSION, " a side"));
  }
  return writer_of(sink, info, [metadata = info.metadata, quality](const AnyImage& image) {
    return encode(std::get<Image8>(image.pixels), metadata, quality);
  });
}

}  // namespace pisr
