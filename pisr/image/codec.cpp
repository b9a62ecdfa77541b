#include "pisr/image/codec.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <limits>

namespace pisr {
namespace {

/// What of such an image the format cannot hold; null where it can hold all of it.
const char* obstacle(const Codec& codec, int channels, SampleType samples) {
  if (samples == SampleType::u16 && !codec.holds_16_bit) {
    return "16 bits a sample";
  }
  if (samples == SampleType::f32 && !codec.holds_float) {
    return "samples in floating point";
  }
  if (channels == 4 && !codec.holds_rgb_alpha) {
    return "an alpha channel";
  }
  if (channels == 2 && !codec.holds_grey_alpha) {
    return codec.holds_rgb_alpha ? "grey with an alpha channel" : "an alpha channel";
  }
  return nullptr;
}

}  // namespace

std::span<const Codec> codecs() {
  static const auto kCodecs = std::to_array<Codec>({
      {.name = "PNG",
       .extensions = {"png"},
       .holds_grey_alpha = true,
       .holds_rgb_alpha = true,
       .holds_16_bit = true,
       .holds_float = false,
       .holds_icc = true,
       .holds_exif = true,
       .holds_orientation = false,
       .recognises = is_png,
       .open = open_png,
       .create = create_png},
      {.name = "JPEG",
       .extensions = {"jpg", "jpeg"},
       .holds_grey_alpha = false,
       .holds_rgb_alpha = false,
       .holds_16_bit = false,
       .holds_float = false,
       .holds_icc = true,
       .holds_exif = true,
       .holds_orientation = false,
       .recognises = is_jpeg,
       .open = open_jpeg,
       .create = create_jpeg},
      {.name = "BMP",
       .extensions = {"bmp"},
       .holds_grey_alpha = false,
       .holds_rgb_alpha = true,
       .holds_16_bit = false,
       .holds_float = false,
       .holds_icc = true,
       .holds_exif = false,
       .holds_orientation = false,
       .recognises = is_bmp,
       .open = open_bmp,
       .create = create_bmp},
#ifdef PISR_HAS_TIFF
      {.name = "TIFF",
       .extensions = {"tif", "tiff"},
       .holds_grey_alpha = true,
       .holds_rgb_alpha = true,
       .holds_16_bit = true,
       .holds_float = true,
       .holds_icc = true,
       .holds_exif = false,
       .holds_orientation = true,
       .recognises = is_tiff,
       .open = open_tiff,
       .create = create_tiff},
#endif
#ifdef PISR_HAS_WEBP
      {.name = "WebP",
       .extensions = {"webp"},
       .holds_grey_alpha = true,
       .holds_rgb_alpha = true,
       .holds_16_bit = false,
       .holds_float = false,
       .holds_icc = true,
       .holds_exif = true,
       .holds_orientation = false,
       .recognises = is_webp,
       .open = open_webp,
       .create = create_webp},
#endif
      {.name = "PNM",
       .extensions = {"ppm", "pgm", "pbm", "pnm"},
       .holds_grey_alpha = false,
       .holds_rgb_alpha = false,
       .holds_16_bit = true,
       .holds_float = false,
       .holds_icc = false,
       .holds_exif = false,
       .holds_orientation = false,
       .recognises = is_pnm,
       .open = open_pnm,
       .create = create_pnm},
      {.name = "PAM",
       .extensions = {"pam"},
       .holds_grey_alpha = true,
       .holds_rgb_alpha = true,
       .holds_16_bit = true,
       .holds_float = false,
       .holds_icc = false,
       .holds_exif = false,
       .holds_orientation = false,
       .recognises = is_pam,
       .open = open_pnm,
       .create = create_pam},
      {.name = "PFM",
       .extensions = {"pfm"},
       .holds_grey_alpha = false,
       .holds_rgb_alpha = false,
       .holds_16_bit = true,
       .holds_float = true,
       .holds_icc = false,
       .holds_exif = false,
       .holds_orientation = false,
       .recognises = is_pfm,
       .open = open_pnm,
       .create = create_pfm},
      {.name = "farbfeld",
       .extensions = {"ff"},
       .holds_grey_alpha = true,
       .holds_rgb_alpha = true,
       .holds_16_bit = true,
       .holds_float = false,
       .holds_icc = false,
       .holds_exif = false,
       .holds_orientation = false,
       .recognises = is_farbfeld,
       .open = open_farbfeld,
       .create = create_farbfeld},
  });
  return kCodecs;
}

const Codec* codec_of_content(Bytes start) {
  const auto row =
      std::ranges::find_if(codecs(), [&](const Codec& codec) { return codec.recognises(start); });
  return row == codecs().end() ? nullptr : &*row;
}

bool starts_with(Bytes start, std::string_view signature) {
  return start.size() >= signature.size() &&
         std::equal(signature.begin(), signature.end(), start.begin(),
                    [](char expected, std::byte found) {
                      return static_cast<std::byte>(expected) == found;
                    });
}

const Codec* codec_of_extension(std::string_view extension) {
  const auto same_letter = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  const auto row = std::ranges::find_if(codecs(), [&](const Codec& codec) {
    return std::ranges::any_of(codec.extensions, [&](std::string_view own) {
      return std::ranges::equal(own, extension, same_letter);
    });
  });
  return row == codecs().end() ? nullptr : &*row;
}

bool holds(const Codec& codec, int channels, SampleType samples) {
  return obstacle(codec, channels, samples) == nullptr;
}

void check_holds(const Codec& codec, int channels, SampleType samples) {
  const char* what = obstacle(codec, channels, samples);
  if (what == nullptr) {
    return;
  }
  std::string hint;
  for (const Codec& other : codecs()) {
    if (obstacle(other, channels, samples) == nullptr) {
      hint = message(other.name, " can: name the output *.", other.extensions.front());
      break;
    }
  }
  throw Error(ErrorKind::usage, message(codec.name, " cannot hold ", what), hint);
}

void fail_to_decode(const std::string& name, std::string reason) {
  for (char& letter : reason) {
    letter = letter >= ' ' && letter <= '~' ? letter : '?';
  }
  throw Error(ErrorKind::input, message("cannot decode '", name, "': ", reason));
}

void read_exactly(const ByteSource& source, std::int64_t offset, std::span<std::byte> to,
                  const std::string& name) {
  if (source.read(offset, to) < to.size()) {
    fail_to_decode(name, "truncated");
  }
}

void check_declared_size(std::int64_t width, std::int64_t height, const std::string& name,
                         const ReadOptions& limits) {
  if (width < 1 || height < 1) {
    fail_to_decode(name, message("declares a size of ", width, "x", height));
  }
  constexpr std::int64_t kLongest = std::numeric_limits<int>::max();
  if (width > kLongest || height > kLongest) {
    throw Error(ErrorKind::memory, message("cannot decode '", name, "': ", width, "x", height,
                                           " exceeds the limit of ", kLongest, " a side"));
  }
  // Divided, not multiplied: the product of two damaged sizes may overflow.
  const std::int64_t scale = limits.scale;
  if (width > limits.max_pixels / (scale * scale) / height) {
    const std::string enlarged =
        scale == 1 ? "" : message(" enlarged to ", scale * width, "x", scale * height);
    throw Error(ErrorKind::memory,
                message("cannot decode '", name, "': ", width, "x", height, enlarged,
                        " exceeds the limit of ", limits.max_pixels, " pixels"));
  }
}

}  // namespace pisr
