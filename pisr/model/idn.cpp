#include "pisr/model/idn.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kChannels = 64;
constexpr int kSplitOff = 16;
constexpr int kKernel = 3;
constexpr int kDeconvolutionKernel = 17;
constexpr int kMostBlocks = 16;
constexpr double kSlope = 0.05;

/// The six convolutions of a block that enhance.
struct Widths {
  int in, out, groups;
};
constexpr std::array<Widths, 6> kEnhance{{{kChannels, 48, 1},
                                          {48, 32, 4},
                                          {32, kChannels, 1},
                                          {kChannels - kSplitOff, kChannels, 1},
                                          {kChannels, 48, 4},
                                          {48, kChannels + kSplitOff, 1}}};

Variable activated(const Conv2d& layer, const Variable& x) {
  return layer.leaky_relu(x, kSlope);
}

std::vector<NetworkOption> idn_options() {
  return {{"blocks", "", 4, 1, kMostBlocks, "information distillation blocks"}};
}

IdnOptions options_of(const NetworkSpec& spec) {
  return {.blocks = number_option(spec, "blocks"), .scale = spec.scale};
}

/// Published weights call the layers conv1, conv2, conv3_1 to conv3_6 and down1 of the first block,
/// conv4_1 and so on of the next, and upsample.
std::optional<ForeignWeights> recognise_idn(const SafeTensors& file, const std::string&, int) {
  const int blocks = layers_of(file.tensors, "down", 1);
  if (blocks < 1 || blocks > kMostBlocks ||
      !has_shape(file.tensors, "upsample.weight",
                 {kChannels, 1, kDeconvolutionKernel, kDeconvolutionKernel}) ||
      !has_shape(file.tensors, "conv1.weight", {kChannels, 1, kKernel, kKernel})) {
    return std::nullopt;
  }
  ForeignWeights weights{idn_spec({.blocks = blocks}), {}};
  const auto add = [&](const std::string& own, const std::string& theirs) {
    for (const char* const part : {".weight", ".bias"}) {
      weights.key_of[own + part] = theirs + part;
    }
  };
  add("first", "conv1");
  add("second", "conv2");
  for (int block = 0; block < blocks; ++block) {
    for (std::size_t layer = 0; layer < kEnhance.size(); ++layer) {
      add(message("blocks.", block, ".enhance.", layer),
          message("conv", block + 3, '_', layer + 1));
    }
    add(message("blocks.", block, ".compress"), message("down", block + 1));
  }
  add("deconvolution", "upsample");
  return weights;
}

/// In the memory of the step, so that a device can record the step and replay it.
Variable zeros(const Variable& like, const Shape& shape) {
  const Tensor result = like.tape().result(shape, like.dtype());
  result.set_zero();
  return like.tape().constant(result);
}

/// x [n, 1, h, w] -> [n, 1, h + border, w + border]: zeros above and at the left.
Variable bordered(const Variable& x, int border) {
  const std::int64_t images = x.shape()[0];
  const std::int64_t width = x.shape()[3];
  const std::int64_t rows = x.shape()[2] + border;
  // The rows of an image as its channels, then the pixels of a row.
  const Variable longer = concat_channels(
      {zeros(x, {images, border, 1, width}), reshape(x, {images, rows - border, 1, width})});
  const Variable wider = concat_channels(
      {zeros(x, {images * rows, border, 1, 1}), reshape(longer, {images * rows, width, 1, 1})});
  return reshape(wider, {images, 1, rows, width + border});
}

}  // namespace

class Idn::Block final : public Module {
 public:
  Block() : compress_(kChannels + kSplitOff, kChannels, 1) {
    for (std::size_t i = 0; i < kEnhance.size(); ++i) {
      const Widths& layer = kEnhance[i];
      enhance_.push_back(
          std::make_unique<Conv2d>(layer.in, layer.out, kKernel,
                                   Conv2dOptions{.padding = kKernel / 2, .groups = layer.groups}));
      add_child(message("enhance.", i), *enhance_.back());
    }
    add_child("compress", compress_);
  }

  Variable operator()(const Variable& input) const {
    Variable x = input;
    for (std::size_t i = 0; i < 3; ++i) {
      x = activated(*enhance_[i], x);
    }
    const Variable split_off = slice_channels(x, 0, kSplitOff);
    x = slice_channels(x, kSplitOff, kChannels - kSplitOff);
    for (std::size_t i = 3; i < kEnhance.size(); ++i) {
      x = activated(*enhance_[i], x);
    }
    return activated(compress_, concat_channels({input, split_off}) + x);
  }

 private:
  std::vector<std::unique_ptr<Conv2d>> enhance_;
  Conv2d compress_;
};

NetworkSpec idn_spec(const IdnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "idn";
  spec.scale = options.scale;
  spec.options = {{"blocks", options.blocks}};
  return spec;
}

Architecture idn_architecture() {
  return {.name = "idn",
          .options = idn_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Idn>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                const int blocks = number_option(spec, "blocks");
                return blocks == IdnOptions().blocks ? std::string("IDN")
                                                     : message("IDN(", blocks, ")");
              },
          .recognise = recognise_idn,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                int blocks = 0;
                while (tensors.contains(message("blocks.", blocks, ".compress.weight"))) {
                  ++blocks;
                }
                return idn_spec({.blocks = std::max(1, blocks)}).options;
              }};
}

Idn::Idn(const IdnOptions& options)
    : SrNetwork(completed(idn_spec(options), idn_options())),
      options_(options),
      first_(1, kChannels, kKernel, {.padding = kKernel / 2}),
      second_(kChannels, kChannels, kKernel, {.padding = kKernel / 2}),
      deconvolution_(kChannels, 1, kDeconvolutionKernel,
                     {.stride = options.scale, .padding = kDeconvolutionKernel / 2}) {
  add_child("first", first_);
  add_child("second", second_);
  for (int block = 0; block < options.blocks; ++block) {
    blocks_.push_back(std::make_unique<Block>());
    add_child(message("blocks.", block), *blocks_.back());
  }
  add_child("deconvolution", deconvolution_);
}

Idn::~Idn() = default;

int Idn::feature_channels() const noexcept {
  return kChannels;
}

Variable Idn::feature(const Variable& low) const {
  Variable x = activated(second_, activated(first_, low));
  for (const auto& block : blocks_) {
    x = (*block)(x);
  }
  return x;
}

Variable Idn::reconstruction(const Variable& feature, const Variable& low) const {
  return bordered(deconvolution_(feature), options_.scale - 1) +
         upscale_bicubic(low, options_.scale);
}

std::optional<int> Idn::halo() const {
  // Output pixel scale i + r, r < scale, is pixel scale i + r - scale + 1 of the deconvolution,
  // which reads features from i - (7 + scale - r) / scale to i + (9 + r - scale) / scale.
  constexpr int kHalf = kDeconvolutionKernel / 2;
  const int deconvolution =
      std::max(kHalf / options_.scale, (kHalf + options_.scale - 1) / options_.scale);
  const int convolutions = 2 + options_.blocks * static_cast<int>(kEnhance.size());
  return convolutions * (kKernel / 2) + deconvolution;
}

MultiplyAdds Idn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  constexpr std::int64_t kArea = kKernel * kKernel;
  std::int64_t block = std::int64_t{kChannels + kSplitOff} * kChannels;
  for (const Widths& layer : kEnhance) {
    block += kArea * layer.in * layer.out / layer.groups;
  }
  const std::int64_t convolutions =
      kArea * (kChannels + kChannels * kChannels) + options_.blocks * block;
  const std::int64_t deconvolution = end == NetworkEnd::image ? std::int64_t{kDeconvolutionKernel} *
                                                                    kDeconvolutionKernel * kChannels
                                                              : 0;
  const std::int64_t low_pixels = width * height / (options_.scale * options_.scale);
  return {low_pixels * (convolutions + deconvolution),
          low_pixels * convolutions + width * height * deconvolution};
}

}  // namespace pisr
