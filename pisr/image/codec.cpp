#include "pisr/image/codec.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace pisr {
namespace {

bool starts_with(Bytes file, std::string_view signature) {
  return file.size() >= signature.size() &&
         std::equal(signature.begin(), signature.end(), file.begin(),
                    [](char expected, std::byte found) {
                      return static_cast<std::byte>(expected) == found;
                    });
}

/// What of such an image the format cannot hold; null where it can hold all of it.
const char* obstacle(const Codec& codec, int channels, int bits) {
  if (bits == 16 && codec.encode_16_bit == nullptr) {
    return "16 bits a sample";
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
  static const std::array<Codec, 3> kCodecs = {{
      {.name = "PNG",
       .signature = "\x89PNG\r\n\x1a\n",
       .extensions = {"png"},
       .holds_grey_alpha = true,
       .holds_rgb_alpha = true,
       .decode = decode_png,
       .encode = encode_png,
       .encode_16_bit = encode_png_16_bit},
      {.name = "JPEG",
       .signature = "\xff\xd8\xff",
       .extensions = {"jpg", "jpeg"},
       .holds_grey_alpha = false,
       .holds_rgb_alpha = false,
       .decode = decode_jpeg,
       .encode = encode_jpeg,
       .encode_16_bit = nullptr},
      {.name = "BMP",
       .signature = "BM",
       .extensions = {"bmp"},
       .holds_grey_alpha = false,
       .holds_rgb_alpha = true,
       .decode = decode_bmp,
       .encode = encode_bmp,
       .encode_16_bit = nullptr},
  }};
  return kCodecs;
}

const Codec* codec_of_content(Bytes file) {
  const auto row = std::ranges::find_if(
      codecs(), [&](const Codec& codec) { return starts_with(file, codec.signature); });
  return row == codecs().end() ? nullptr : &*row;
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

void check_holds(const Codec& codec, int channels, int bits) {
  const char* what = obstacle(codec, channels, bits);
  if (what == nullptr) {
    return;
  }
  std::string hint;
  for (const Codec& other : codecs()) {
    if (obstacle(other, channels, bits) == nullptr) {
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

void check_declared_size(std::int64_t width, std::int64_t height, const std::string& name,
                         const ReadLimits& limits) {
  if (width < 1 || height < 1) {
    fail_to_decode(name, message("declares a size of ", width, "x", height));
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
