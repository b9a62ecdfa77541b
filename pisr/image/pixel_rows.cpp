#include "pisr/image/pixel_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "pisr/image/bt601.h"

namespace pisr {
namespace {

/// bt601.h in single precision: R, G and B of Y, Cb and Cr without their offsets, all on 0..1.
constexpr std::array<std::array<float, 3>, 3> to_rgb() {
  std::array<std::array<float, 3>, 3> result{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      result[i][j] = static_cast<float>(kRgbOfYCbCr[i][j]);
    }
  }
  return result;
}
constexpr std::array<std::array<float, 3>, 3> kToRgb = to_rgb();
constexpr std::array<double, 3> kOffset = {16.0 / 255, 128.0 / 255, 128.0 / 255};

template <class Sample>
constexpr double kLargest = std::is_floating_point_v<Sample>
                                ? 1.0
                                : static_cast<double>(std::numeric_limits<Sample>::max());

template <class Sample>
double value_of(Sample sample) {
  return sample / kLargest<Sample>;
}

template <class Sample>
void split(const ImageInfo& info, PlaneKind kind, const Sample* row, float* const* planes) {
  const int channels = info.channels;
  const int colours = planes_of(kind);
  for (int x = 0; x < info.width; ++x) {
    const Sample* const pixel = row + static_cast<std::ptrdiff_t>(x) * channels;
    if (kind == PlaneKind::ycbcr) {
      const double r = value_of(pixel[0]);
      const double g = value_of(pixel[1]);
      const double b = value_of(pixel[2]);
      for (int c = 0; c < 3; ++c) {
        planes[c][x] =
            static_cast<float>(kOffset[c] + kYCbCrOfRgb[c][0] / 255 * r +
                               kYCbCrOfRgb[c][1] / 255 * g + kYCbCrOfRgb[c][2] / 255 * b);
      }
    } else {
      for (int c = 0; c < colours; ++c) {
        planes[c][x] = static_cast<float>(value_of(pixel[info.is_grey() ? 0 : c]));
      }
    }
    if (info.has_alpha()) {
      planes[colours][x] = static_cast<float>(value_of(pixel[channels - 1]));
    }
  }
}

template <class Sample>
Sample rounded(float value) {
  if constexpr (std::is_floating_point_v<Sample>) {
    return value;
  } else {
    // As in imresize: a sum of exactly k + 0.5 may come out a few ulp low.
    constexpr float kHalf = sizeof(Sample) == 1 ? 0.5001F : 0.5F;
    constexpr auto kMost = static_cast<float>(kLargest<Sample>);
    return static_cast<Sample>(
        static_cast<std::int32_t>(std::min(std::max(value * kMost + kHalf, 0.0F), kMost)));
  }
}

template <class Sample>
void join(const ImageInfo& info, PlaneKind kind, const float* const* planes, Sample* row) {
  const int width = info.width;
  const int channels = info.channels;
  if (kind == PlaneKind::ycbcr) {
    const float* const y = planes[0];
    const float* const cb = planes[1];
    const float* const cr = planes[2];
    for (int x = 0; x < width; ++x) {
      const float luminance = y[x] - static_cast<float>(kOffset[0]);
      const float blue = cb[x] - static_cast<float>(kOffset[1]);
      const float red = cr[x] - static_cast<float>(kOffset[2]);
      Sample* const pixel = row + static_cast<std::ptrdiff_t>(x) * channels;
      for (int c = 0; c < 3; ++c) {
        pixel[c] =
            rounded<Sample>(kToRgb[c][0] * luminance + kToRgb[c][1] * blue + kToRgb[c][2] * red);
      }
    }
  } else if (kind == PlaneKind::rgb && info.is_grey()) {
    // The luminance of R, G and B without its offset, over that of white.
    constexpr double kWhite = kYCbCrOfRgb[0][0] + kYCbCrOfRgb[0][1] + kYCbCrOfRgb[0][2];
    for (int x = 0; x < width; ++x) {
      row[static_cast<std::ptrdiff_t>(x) * channels] = rounded<Sample>(
          static_cast<float>((kYCbCrOfRgb[0][0] * planes[0][x] + kYCbCrOfRgb[0][1] * planes[1][x] +
                              kYCbCrOfRgb[0][2] * planes[2][x]) /
                             kWhite));
    }
  } else {
    for (int c = 0; c < planes_of(kind); ++c) {
      for (int x = 0; x < width; ++x) {
        row[static_cast<std::ptrdiff_t>(x) * channels + c] = rounded<Sample>(planes[c][x]);
      }
    }
  }
  if (info.has_alpha()) {
    const float* const alpha = planes[planes_of(kind)];
    for (int x = 0; x < width; ++x) {
      row[static_cast<std::ptrdiff_t>(x) * channels + channels - 1] = rounded<Sample>(alpha[x]);
    }
  }
}

/// The place of a value that is not finite; -1 where there is none.
int find_not_finite(const float* values, int count) {
  float zero = 0;
  for (int i = 0; i < count; ++i) {
    zero += values[i] * 0.0F;  // vectorised; NaN where a value is NaN or infinite
  }
  if (zero == 0.0F) {
    return -1;
  }
  const float* const found =
      std::find_if(values, values + count, [](float value) { return !std::isfinite(value); });
  return static_cast<int>(found - values);
}

}  // namespace

int planes_of(PlaneKind kind) {
  return kind == PlaneKind::grey ? 1 : 3;
}

void split_row(const ImageInfo& info, PlaneKind kind, const std::byte* row, float* const* planes) {
  if (info.samples == SampleType::u8) {
    split(info, kind, reinterpret_cast<const std::uint8_t*>(row), planes);
  } else if (info.samples == SampleType::u16) {
    split(info, kind, reinterpret_cast<const std::uint16_t*>(row), planes);
  } else {
    split(info, kind, reinterpret_cast<const float*>(row), planes);
  }
}

bool join_row(const ImageInfo& info, PlaneKind kind, const float* const* planes, std::byte* row,
              int& wrong) {
  for (int c = 0; c < planes_of(kind) + (info.has_alpha() ? 1 : 0); ++c) {
    wrong = find_not_finite(planes[c], info.width);
    if (wrong >= 0) {
      return false;
    }
  }
  if (info.samples == SampleType::u8) {
    join(info, kind, planes, reinterpret_cast<std::uint8_t*>(row));
  } else if (info.samples == SampleType::u16) {
    join(info, kind, planes, reinterpret_cast<std::uint16_t*>(row));
  } else {
    join(info, kind, planes, reinterpret_cast<float*>(row));
  }
  return true;
}

}  // namespace pisr
