#include "pisr/model/multi_distillation.h"

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr int kParts = 4;
constexpr int kReduction = 16;

int part_of(int channels) {
  return channels / kParts;
}

int squeezed_channels(int channels) {
  return std::max(1, MultiDistillation::gathered_channels(channels) / kReduction);
}

struct Widths {
  int in, out;
};

Widths widths(int channels, int layer) {
  const int handed_on = channels - part_of(channels);
  return {layer == 0 ? channels : handed_on,
          layer == MultiDistillation::kConvolutions - 1 ? part_of(channels) : channels};
}

}  // namespace

int MultiDistillation::gathered_channels(int channels) {
  return kParts * part_of(channels);
}

std::int64_t MultiDistillation::pixel_multiply_adds(int channels) {
  std::int64_t count = std::int64_t{gathered_channels(channels)} * channels;
  for (int layer = 0; layer < kConvolutions; ++layer) {
    const Widths width = widths(channels, layer);
    count += std::int64_t{kKernel} * kKernel * width.in * width.out;
  }
  return count;
}

std::int64_t MultiDistillation::attention_multiply_adds(int channels) {
  return std::int64_t{2} * gathered_channels(channels) * squeezed_channels(channels);
}

MultiDistillation::MultiDistillation(int channels, bool attention)
    : split_off_(part_of(channels)), compress_(gathered_channels(channels), channels, 1) {
  for (int layer = 0; layer < kConvolutions; ++layer) {
    const Widths width = widths(channels, layer);
    auto& convolution = distil_[static_cast<std::size_t>(layer)];
    convolution = std::make_unique<Conv2d>(width.in, width.out, kKernel,
                                           Conv2dOptions{.padding = kKernel / 2});
    add_child(message("distil.", layer), *convolution);
  }
  if (attention) {
    const int gathered = gathered_channels(channels);
    squeeze_ = std::make_unique<Conv2d>(gathered, squeezed_channels(channels), 1);
    excite_ = std::make_unique<Conv2d>(squeezed_channels(channels), gathered, 1);
    add_child("attention.0", *squeeze_);
    add_child("attention.1", *excite_);
  }
  add_child("compress", compress_);
}

Variable MultiDistillation::operator()(const Variable& input) const {
  std::vector<Variable> gathered;
  Variable x = input;
  for (std::size_t layer = 0; layer + 1 < distil_.size(); ++layer) {
    x = distil_[layer]->leaky_relu(x, kSlope);
    gathered.push_back(slice_channels(x, 0, split_off_));
    x = slice_channels(x, split_off_, x.shape()[1] - split_off_);
  }
  gathered.push_back((*distil_.back())(x));
  const Variable joined = concat_channels(gathered);
  return compress_(squeeze_ ? attended(joined) : joined) + input;
}

Variable MultiDistillation::attended(const Variable& x) const {
  const Variable contrast = global_standard_deviation(x) + global_mean(x);
  return x * sigmoid((*excite_)(squeeze_->relu(contrast)));
}

}  // namespace pisr
