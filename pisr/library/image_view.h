#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "pisr/image/sample_type.h"

namespace pisr {

/// An image in memory of the caller, who keeps it. Sample c of the pixel in column x and row y lies
/// `y * row_stride + x * pixel_stride + c * channel_stride` bytes behind `samples`; strides may be
/// negative. `Pointer` is void* or const void*.
template <class Pointer>
struct BasicImageView {
  Pointer samples = nullptr;
  int width = 0;
  int height = 0;
  int channels = 0;  ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; alpha not premultiplied
  SampleType type = SampleType::u8;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t pixel_stride = 0;
  std::ptrdiff_t channel_stride = 0;

  /// What can be written can be read.
  operator BasicImageView<const void*>() const requires std::is_same_v<Pointer, void*> {
    return {samples, width, height, channels, type, row_stride, pixel_stride, channel_stride};
  }
};

/// What is read.
using ConstImageView = BasicImageView<const void*>;
/// What is written. No two samples may share memory.
using ImageView = BasicImageView<void*>;

/// The samples of uint8_t, uint16_t or float.
template <class Sample>
constexpr SampleType sample_type_of() {
  using Plain = std::remove_const_t<Sample>;
  static_assert(std::is_same_v<Plain, std::uint8_t> || std::is_same_v<Plain, std::uint16_t> ||
                    std::is_same_v<Plain, float>,
                "samples are uint8_t, uint16_t or float");
  return sizeof(Plain) == 1   ? SampleType::u8
         : sizeof(Plain) == 2 ? SampleType::u16
                              : SampleType::f32;
}

/// A view whose rows, pixels and channels are so many samples apart.
template <class Sample>
auto view_by_samples(Sample* samples, int width, int height, int channels, std::ptrdiff_t row,
                     std::ptrdiff_t pixel, std::ptrdiff_t channel) {
  constexpr std::ptrdiff_t kBytes = sizeof(Sample);
  using Pointer = std::conditional_t<std::is_const_v<Sample>, const void*, void*>;
  return BasicImageView<Pointer>{
      samples,      width,          height,          channels, sample_type_of<Sample>(),
      kBytes * row, kBytes * pixel, kBytes * channel};
}

/// Rows of pixels [height, width, channels] without gaps.
template <class Sample>
auto interleaved(Sample* samples, int width, int height, int channels) {
  const std::ptrdiff_t pixel = channels;
  return view_by_samples(samples, width, height, channels, pixel * width, pixel, 1);
}

/// One plane after another [channels, height, width] without gaps.
template <class Sample>
auto planar(Sample* samples, int width, int height, int channels) {
  const std::ptrdiff_t row = width;
  return view_by_samples(samples, width, height, channels, row, 1, row * height);
}

}  // namespace pisr
