#include "pisr/inference/upscaler.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/atomic_file.h"
#include "core/error.h"
#include "pisr/image/alpha_bleed.h"
#include "pisr/image/imresize.h"
#include "pisr/image/luma.h"
#include "pisr/inference/inference.h"
#include "pisr/model/architectures.h"
#include "pisr/model/network.h"

namespace pisr {
namespace {

/// Rows turned from planes to samples at once: the planes of the whole result are needed only once.
constexpr int kRowsAtOnce = 64;

template <class Image>
Image to_depth(const Plane& plane) {
  if constexpr (std::is_same_v<Image, Image8>) {
    return to_image8(plane);
  } else {
    return to_image16(plane);
  }
}

/// Enlarged planes, of which those are empty that the image has not.
struct EnlargedPlanes {
  Plane grey;
  YCbCr colour;  ///< by a network on luminance
  Plane rgb;     ///< by a network on RGB
  Plane alpha;

  int width() const { return std::max({grey.width, colour.y.width, rgb.width}); }
  int height() const { return std::max({grey.height, colour.y.height, rgb.height}); }
};

/// All channels but alpha by the network.
template <class Image>
EnlargedPlanes enlarge_rgb(Context& context, const SrNetwork& network, const Image& image) {
  EnlargedPlanes enlarged;
  Plane rgb = to_rgb(image);
  if (image.has_alpha()) {
    const Plane alpha = channel(image, image.channels - 1);
    bleed_under_alpha(alpha, {&rgb});
    enlarged.alpha = upscale(alpha, network.spec().scale);
  }
  enlarged.rgb = infer(context, network, rgb);
  if (image.is_grey()) {
    enlarged.grey = to_grey(enlarged.rgb);
    enlarged.rgb = {};
  }
  return enlarged;
}

/// Luminance by the network, chroma and alpha by bicubic interpolation.
template <class Image>
EnlargedPlanes enlarge_luminance(Context& context, const SrNetwork& network, const Image& image) {
  const int scale = network.spec().scale;
  YCbCr colour;
  if (image.is_grey()) {
    colour.y = luma(image);
  } else {
    colour = to_ycbcr(image);
  }
  EnlargedPlanes enlarged;
  if (image.has_alpha()) {
    const Plane alpha = channel(image, image.channels - 1);
    if (image.is_grey()) {
      bleed_under_alpha(alpha, {&colour.y});
    } else {
      bleed_under_alpha(alpha, {&colour.y, &colour.cb, &colour.cr});
    }
    enlarged.alpha = upscale(alpha, scale);
  }
  Plane& y = image.is_grey() ? enlarged.grey : enlarged.colour.y;
  y = infer(context, network, colour.y);
  if (!image.is_grey()) {
    enlarged.colour.cb = upscale(colour.cb, scale);
    enlarged.colour.cr = upscale(colour.cr, scale);
  }
  return enlarged;
}

template <class Image>
Image enlarge(Context& context, const SrNetwork& network, const Image& image) {
  const EnlargedPlanes planes = network.spec().channels == 3
                                    ? enlarge_rgb(context, network, image)
                                    : enlarge_luminance(context, network, image);
  const int width = planes.width();
  const int height = planes.height();
  Image result(width, height, image.channels);
  for (int top = 0; top < height; top += kRowsAtOnce) {
    const int rows = std::min(kRowsAtOnce, height - top);
    const auto part = [&](const Plane& plane) { return crop(plane, 0, top, width, rows); };
    Plane block;
    if (image.is_grey()) {
      block = part(planes.grey);
    } else if (!planes.rgb.samples.empty()) {
      block = part(planes.rgb);
    } else {
      block = to_rgb({part(planes.colour.y), part(planes.colour.cb), part(planes.colour.cr)});
    }
    if (image.has_alpha()) {
      block = append_channel(block, part(planes.alpha));
    }
    const Image samples = to_depth<Image>(block);
    std::copy(samples.samples.begin(), samples.samples.end(), result.row(top));
  }
  return result;
}

}  // namespace

AnyImage upscale_image(Context& context, const SrNetwork& network, const AnyImage& image) {
  return std::visit([&](const auto& pixels) { return AnyImage{enlarge(context, network, pixels)}; },
                    image.pixels);
}

void check_output(const std::filesystem::path& path, const UpscaleOptions& options) {
  check_format(path);
  std::error_code failure;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, failure)) {
    throw Error(ErrorKind::output,
                message("cannot write '", path.string(), "': no folder '", folder.string(), "'"));
  }
  if (std::filesystem::is_directory(path, failure)) {
    throw Error(ErrorKind::output, message("cannot write '", path.string(), "': it is a folder"));
  }
  if (!options.overwrite && std::filesystem::exists(path, failure)) {
    throw Error(ErrorKind::output, message("'", path.string(), "' exists"),
                "--overwrite replaces it");
  }
  check_writable(path);
}

void upscale_file(Context& context, const SrNetwork& network, const std::filesystem::path& input,
                  const std::filesystem::path& output, const UpscaleOptions& options) {
  check_output(output, options);
  const ReadOptions limits{options.max_pixels, network.spec().scale};
  const AnyImage image = read_image(input, limits);
  check_format(output, image);
  if (options.note && !network.halo()) {
    const auto bytes = Inference(context, network).memory_of_whole(image.width(), image.height());
    if (bytes) {
      constexpr std::int64_t kMebibyte = 1 << 20;
      options.note(message(title(network.spec()), " looks at the whole image at once, which takes ",
                           *bytes / kMebibyte, " MiB of memory for '", input.string(), '\''));
    }
  }
  const AnyImage enlarged = upscale_image(context, network, image);
  WriteOptions write;
  write.jpeg_quality = options.jpeg_quality;
  write_image(output, enlarged, write);
}

}  // namespace pisr
