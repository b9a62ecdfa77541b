#include "pisr/library/view_stream.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/error.h"
#include "pisr/video/samples.h"

namespace pisr {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ErrorKind::usage, "upscale: " + text);
}

template <class View>
std::string description(const View& view) {
  constexpr const char* kTypes[] = {"uint8", "uint16", "float"};
  return message(view.width, "x", view.height, "x", view.channels, " of ",
                 kTypes[static_cast<int>(view.type)]);
}

std::string description(const VideoFormat& format) {
  return message(format.width, "x", format.height, ", ", format.planes(), " planes of ",
                 format.depth, " bits");
}

void check_enlarged_sides(int width, int height, int scale) {
  if (width > std::numeric_limits<int>::max() / scale ||
      height > std::numeric_limits<int>::max() / scale) {
    refuse(message(width, "x", height, " times ", scale, " exceeds 2^31 - 1 samples a side"));
  }
}

/// Bytes from a pixel to the next, and from a channel to the next.
struct Strides {
  std::ptrdiff_t pixel, channel;

  friend bool operator==(const Strides&, const Strides&) = default;
};

template <class View>
Strides strides_of(const View& view) {
  return {view.pixel_stride, view.channel_stride};
}

/// Of a row without gaps.
template <class View>
Strides packed_strides(const View& view) {
  const auto bytes = static_cast<std::ptrdiff_t>(size_of(view.type));
  return {bytes * view.channels, bytes};
}

/// Copies pixels of samples of N bytes, which need not be aligned.
template <std::size_t N>
void copy_samples(int width, int channels, const std::byte* from, const Strides& from_strides,
                  std::byte* to, const Strides& to_strides) {
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < channels; ++c) {
      std::memcpy(to + x * to_strides.pixel + c * to_strides.channel,
                  from + x * from_strides.pixel + c * from_strides.channel, N);
    }
  }
}

/// Copies a row of an image like `view`.
template <class View>
void copy_row(const View& view, const std::byte* from, const Strides& from_strides, std::byte* to,
              const Strides& to_strides) {
  const std::size_t bytes = size_of(view.type);
  if (from_strides == packed_strides(view) && to_strides == from_strides) {
    std::memcpy(to, from, bytes * static_cast<std::size_t>(view.width) * view.channels);
    return;
  }
  const auto copy = bytes == 1 ? copy_samples<1> : bytes == 2 ? copy_samples<2> : copy_samples<4>;
  copy(view.width, view.channels, from, from_strides, to, to_strides);
}

/// Row y of plane p.
template <class View>
auto row_of(const View& view, int p, int y) {
  const auto plane = static_cast<std::size_t>(p);
  using Byte = std::conditional_t<std::is_same_v<View, FrameView>, std::byte, const std::byte>;
  return static_cast<Byte*>(view.planes[plane]) + y * view.row_strides[plane];
}

}  // namespace

void check_views(const ConstImageView& in, const ImageView& out, int scale) {
  if (in.width < 1 || in.height < 1 || in.channels < 1 || in.channels > 4) {
    refuse("the input must have 1x1 pixels or more and 1 to 4 channels, got " + description(in));
  }
  check_enlarged_sides(in.width, in.height, scale);
  ConstImageView wanted = in;
  wanted.width *= scale;
  wanted.height *= scale;
  if (out.width != wanted.width || out.height != wanted.height || out.channels != in.channels ||
      out.type != in.type) {
    refuse("the output must be " + description(wanted) + ", got " + description(out));
  }
  if (in.samples == nullptr || out.samples == nullptr) {
    refuse(message("the ", in.samples == nullptr ? "input" : "output", " is a null pointer"));
  }
}

void check_views(const ConstFrameView& in, const FrameView& out, int scale) {
  const VideoFormat& format = in.format;
  if (format.width < 1 || format.height < 1 || format.depth < 8 || format.depth > 16) {
    refuse("a frame must have 1x1 pixels or more of 8 to 16 bits, got " + description(format));
  }
  check_enlarged_sides(format.width, format.height, scale);
  const VideoFormat wanted = enlarged(format, scale);
  if (out.format != wanted) {
    refuse("the output must be " + description(wanted) +
           ", the chroma and range of the input, got " + description(out.format));
  }
  for (int p = 0; p < format.planes(); ++p) {
    const auto plane = static_cast<std::size_t>(p);
    if (in.planes[plane] == nullptr || out.planes[plane] == nullptr) {
      refuse(message("plane ", p, " of the ", in.planes[plane] == nullptr ? "input" : "output",
                     " is a null pointer"));
    }
  }
}

ViewReader::ViewReader(const ConstImageView& view) : view_(view) {
  info_.width = view.width;
  info_.height = view.height;
  info_.channels = view.channels;
  info_.samples = view.type;
}

void ViewReader::read_rows(std::span<std::byte> rows) {
  const std::size_t row_bytes = info_.row_bytes();
  for (; !rows.empty(); rows = rows.subspan(row_bytes), ++row_) {
    copy_row(view_, static_cast<const std::byte*>(view_.samples) + row_ * view_.row_stride,
             strides_of(view_), rows.data(), packed_strides(view_));
  }
}

void ViewWriter::write_rows(std::span<const std::byte> rows) {
  const std::size_t row_bytes =
      static_cast<std::size_t>(view_.width) * view_.channels * size_of(view_.type);
  for (; !rows.empty(); rows = rows.subspan(row_bytes), ++row_) {
    copy_row(view_, rows.data(), packed_strides(view_),
             static_cast<std::byte*>(view_.samples) + row_ * view_.row_stride, strides_of(view_));
  }
}

void read_frame(const ConstFrameView& view, Frame& frame) {
  const VideoFormat& format = view.format;
  frame.samples.resize(format.frame_bytes());
  std::byte* to = frame.samples.data();
  for (int p = 0; p < format.planes(); ++p) {
    const int width = format.plane_width(p);
    for (int y = 0; y < format.plane_height(p); ++y, to += width * format.sample_bytes()) {
      const std::byte* const from = row_of(view, p, y);
      if (format.depth == 8) {
        std::memcpy(to, from, static_cast<std::size_t>(width));
        continue;
      }
      for (int x = 0; x < width; ++x) {
        std::uint16_t sample;
        std::memcpy(&sample, from + 2 * std::ptrdiff_t{x}, 2);
        if (sample > format.largest()) {
          throw Error(ErrorKind::input, message("upscale: sample ", sample, " of plane ", p,
                                                " is larger than ", format.largest()));
        }
        store_sample(to, static_cast<std::size_t>(x), 2, sample, format.largest());
      }
    }
  }
}

void write_frame(const Frame& frame, const FrameView& view) {
  const VideoFormat& format = view.format;
  const std::byte* from = frame.samples.data();
  for (int p = 0; p < format.planes(); ++p) {
    const int width = format.plane_width(p);
    for (int y = 0; y < format.plane_height(p); ++y, from += width * format.sample_bytes()) {
      std::byte* const to = row_of(view, p, y);
      if (format.depth == 8) {
        std::memcpy(to, from, static_cast<std::size_t>(width));
        continue;
      }
      for (int x = 0; x < width; ++x) {
        const auto sample =
            static_cast<std::uint16_t>(load_sample(from, static_cast<std::size_t>(x), 2));
        std::memcpy(to + 2 * std::ptrdiff_t{x}, &sample, 2);
      }
    }
  }
}

}  // namespace pisr
