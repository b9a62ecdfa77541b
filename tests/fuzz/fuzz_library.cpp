// Any bytes as calls of the C interface: sizes, strides and types that are consistent with the
// memory or are not. Views that reach beyond the memory are never given, as a caller must not.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "pisr/library/pisr.h"

namespace {

/// Numbers out of the fuzzer's bytes; zeros at their end.
class Numbers {
 public:
  Numbers(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  int byte() {
    if (left_ == 0) {
      return 0;
    }
    --left_;
    return *data_++;
  }
  /// Mostly small.
  int number() {
    const int value = byte();
    return value < 250 ? value % 24 : (byte() | byte() << 8 | byte() << 16 | byte() << 24);
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

/// Whether all samples of the view lie within `bytes` bytes from `first` bytes on.
bool lies_within(const pisr_image& image, std::int64_t first, std::int64_t bytes) {
  if (image.width < 1 || image.height < 1 || image.channels < 1 || image.channels > 4) {
    return true;  // is refused before a sample is looked at
  }
  if (image.width > bytes || image.height > bytes) {
    return false;
  }
  const std::int64_t size = image.type == PISR_UINT8 ? 1 : image.type == PISR_UINT16 ? 2 : 4;
  std::int64_t strides[] = {image.row_stride, image.pixel_stride, image.channel_stride};
  if (strides[0] == 0 && strides[1] == 0 && strides[2] == 0) {
    strides[2] = size;
    strides[1] = size * image.channels;
    strides[0] = strides[1] * image.width;
  }
  const std::int64_t counts[] = {image.height, image.width, image.channels};
  std::int64_t lowest = first, highest = first;
  for (int i = 0; i < 3; ++i) {
    if (counts[i] == 1) {
      continue;
    }
    if (std::abs(strides[i]) > bytes) {
      return false;
    }
    const std::int64_t reach = strides[i] * (counts[i] - 1);
    (reach < 0 ? lowest : highest) += reach;
  }
  return lowest >= 0 && highest + size <= bytes;
}

pisr_image image_of(Numbers& numbers) {
  pisr_image image = {};
  image.struct_size =
      numbers.byte() < 250 ? sizeof(image) : static_cast<std::size_t>(numbers.byte());
  image.width = numbers.number();
  image.height = numbers.number();
  image.channels = numbers.number() % 6;
  image.type = numbers.byte() % 4;
  if (numbers.byte() % 2 == 0) {
    image.row_stride = std::int64_t{numbers.number()} * (numbers.byte() % 2 == 0 ? 1 : -1);
    image.pixel_stride = numbers.number();
    image.channel_stride = numbers.number();
  }
  return image;
}

/// A frame whose planes, where its sides are at most 32, lie within 1 << 14 bytes each.
pisr_frame frame_of(Numbers& numbers, std::vector<std::uint8_t>& memory) {
  constexpr int kPlane = 1 << 14, kRow = 128;
  pisr_frame frame = {};
  frame.struct_size = sizeof(frame);
  frame.width = numbers.number();
  frame.height = numbers.number();
  frame.chroma = numbers.byte() % 5;
  frame.siting = numbers.byte() % 4;
  frame.depth = numbers.byte() % 20;
  frame.full_range = numbers.byte() % 2;
  memory.resize(3 * kPlane);
  for (int p = 0; p < 3; ++p) {
    const bool upwards = numbers.byte() % 2 == 0;
    frame.planes[p] = numbers.byte() % 16 == 0
                          ? nullptr
                          : memory.data() + p * kPlane + (upwards ? 0 : kPlane - kRow);
    frame.row_strides[p] = upwards ? kRow : -kRow;
  }
  return frame;
}

int stop_after(void* user) {
  return --*static_cast<int*>(user) < 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Numbers numbers(data, size);
  pisr_weights* weights = nullptr;
  const pisr_status loaded = pisr_weights_builtin(nullptr, numbers.number() % 6, &weights);
  if ((loaded == PISR_OK) != (weights != nullptr)) {
    std::abort();
  }
  pisr_options options = {};
  options.struct_size =
      numbers.byte() < 250 ? sizeof(options) : static_cast<std::size_t>(numbers.byte());
  options.threads = numbers.number() % 4 - 1;
  options.tile = numbers.number() - 1;
  options.memory = numbers.number() - 1;
  options.self_ensemble = numbers.byte() % 2;
  pisr_upscaler* upscaler = nullptr;
  const pisr_status made =
      pisr_upscaler_create(weights, numbers.byte() % 4 == 0 ? nullptr : &options, &upscaler);
  if ((made == PISR_OK) != (upscaler != nullptr)) {
    std::abort();
  }
  pisr_weights_free(weights);

  std::vector<std::uint8_t> low(1 << 14), high(1 << 16);
  for (std::size_t i = 0; i < low.size(); ++i) {
    low[i] = static_cast<std::uint8_t>(i * 37);
  }
  for (int call = 0; call < 2; ++call) {
    pisr_image in = image_of(numbers), out = image_of(numbers);
    const int scale = pisr_upscaler_scale(upscaler);
    if (numbers.byte() % 4 != 0 && std::abs(in.width + 0LL) < 64 &&
        std::abs(in.height + 0LL) < 64) {
      out.struct_size = sizeof(out);
      out.width = in.width * scale;
      out.height = in.height * scale;
      out.channels = in.channels;
      out.type = in.type;
    }
    const std::int64_t in_first = std::int64_t{numbers.number()} * 16,
                       out_first = std::int64_t{numbers.number()} * 16;
    const auto bytes = [](const auto& memory) { return static_cast<std::int64_t>(memory.size()); };
    if (in_first < 0 || in_first >= bytes(low) || out_first < 0 || out_first >= bytes(high) ||
        !lies_within(in, in_first, bytes(low)) || !lies_within(out, out_first, bytes(high))) {
      continue;
    }
    in.samples = low.data() + in_first;
    out.samples = high.data() + out_first;
    int calls = numbers.byte() % 8;
    pisr_callbacks callbacks = {sizeof(callbacks), nullptr, stop_after, &calls};
    const pisr_status status =
        pisr_upscaler_run(upscaler, &in, &out, numbers.byte() % 2 == 0 ? nullptr : &callbacks);
    if (status == PISR_ERROR_INTERNAL) {
      std::abort();
    }
  }
  std::vector<std::uint8_t> low_planes, high_planes;
  const pisr_frame frame = frame_of(numbers, low_planes);
  pisr_frame large = frame_of(numbers, high_planes);
  if (std::abs(frame.width + 1LL) <= 16 && std::abs(frame.height + 1LL) <= 16) {
    if (numbers.byte() % 4 != 0) {
      large.width = frame.width * pisr_upscaler_scale(upscaler);
      large.height = frame.height * pisr_upscaler_scale(upscaler);
      large.chroma = frame.chroma;
      large.siting = frame.siting;
      large.depth = frame.depth;
      large.full_range = frame.full_range;
    }
    if (pisr_upscaler_run_frame(upscaler, &frame, &large) == PISR_ERROR_INTERNAL) {
      std::abort();
    }
  }
  pisr_upscaler_trim(upscaler);
  pisr_upscaler_free(upscaler);
  return 0;
}
