#include "pisr/data/sampler.h"

#include <algorithm>

#include "core/error.h"
#include "core/philox.h"

namespace pisr {
namespace {

/// Writes the `size` x `size` patch whose top left corner is (left, top), [channels, size, size],
/// with the symmetry of the choice applied.
void write_patch(const Image8& image, int left, int top, int size, int channels,
                 const BatchSampler::Choice& choice, float* output) {
  // The step in the output for one step along a row, or down a column, of the source.
  std::ptrdiff_t step_x = choice.transpose ? size : 1;
  std::ptrdiff_t step_y = choice.transpose ? 1 : size;
  if (choice.flip_horizontal) {
    output += (size - 1) * step_x;
    step_x = -step_x;
  }
  if (choice.flip_vertical) {
    output += (size - 1) * step_y;
    step_y = -step_y;
  }
  for (int c = 0; c < channels; ++c, output += std::ptrdiff_t{size} * size) {
    for (int y = 0; y < size; ++y) {
      const std::uint8_t* source = &image.at(left, top + y);
      float* target = output + y * step_y;
      for (int x = 0; x < size; ++x, source += image.channels) {
        target[x * step_x] = kernels::patch_value(source, image.channels, channels, c);
      }
    }
  }
}

}  // namespace

BatchSampler::BatchSampler(const Dataset& data, std::uint64_t seed, int gt_size, int channels)
    : data_(&data), seed_(seed), gt_size_(gt_size), channels_(channels) {
  if (channels != 1 && channels != 3) {
    throw Error(ErrorKind::usage,
                message("patches must have 1 channel or 3 channels, got ", channels));
  }
  if (gt_size < 1 || gt_size % data.scale != 0) {
    throw Error(ErrorKind::usage, message("gt_size must be a positive multiple of the scale ",
                                          data.scale, ", got ", gt_size));
  }
  if (data.images.empty()) throw Error(ErrorKind::input, "no training images");
  const auto too_small = [gt_size](const ImagePair& pair) {
    return pair.high.width < gt_size || pair.high.height < gt_size;
  };
  const auto first = std::find_if(data.images.begin(), data.images.end(), too_small);
  if (first == data.images.end()) return;
  const auto all = std::count_if(first, data.images.end(), too_small);
  throw Error(ErrorKind::input,
              message("image '", first->file.string(), "' is ", size_in_file(*first),
                      ", smaller than the HR patch of ", gt_size, " x ", gt_size, " (", all, " of ",
                      data.images.size(), " images are)"),
              message("lower gt_size, or exclude '", first->name, "'"));
}

BatchSampler::Choice BatchSampler::choice(std::int64_t index) const {
  return kernels::choose_patch(
      random_key(seed_, RandomUse::batch), static_cast<std::uint64_t>(index),
      static_cast<std::uint32_t>(data_->images.size()), low_size(),
      [this](std::uint32_t image) -> const Image8& { return data_->images[image].low; });
}

void BatchSampler::sample(std::int64_t index, float* high, float* low) const {
  const Choice chosen = choice(index);
  const ImagePair& pair = data_->images[chosen.image];
  const int scale = data_->scale;
  write_patch(pair.high, scale * chosen.low_x, scale * chosen.low_y, gt_size_, channels_, chosen,
              high);
  write_patch(pair.low, chosen.low_x, chosen.low_y, low_size(), channels_, chosen, low);
}

}  // namespace pisr
