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
  return {.blocks = number_option(spec, "blocks"), .scale = spec.scale, .channels = spec.channels};
}

std::vector<int> idn_channels() {
  return {1, 3};
}

std::vector<LayerNames> published_names() {
  return {{{"conv1", "first"},
           {"conv2", "second"},
           {"conv{n+3}_{k+1}", "blocks.{n}.enhance.{k}"},
           {"down{n+1}", "blocks.{n}.compress"},
           {"upsample", "deconvolution"}}};
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
  spec.channels = options.channels;
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
          .recognise = nullptr,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                return idn_spec({.blocks = std::max(1, layers_of(tensors, "blocks"))}).options;
              },
          .channels = idn_channels(),
          .published_names = published_names()};
}

Idn::Idn(const IdnOptions& options)
    : SrNetwork(completed(idn_spec(options), idn_options(), idn_channels())),
      options_(options),
      first_(options.channels, kChannels, kKernel, {.padding = kKernel / 2}),
      second_(kChannels, kChannels, kKernel, {.padding = kKernel / 2}),
      deconvolution_(kChannels, options.channels, kDeconvolutionKernel,
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
  const int border = options_.scale - 1;
  return pad(deconvolution_(feature), {.top = border, .left = border}) +
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
  std::int64_t block_outputs = kChannels;
  for (const Widths& layer : kEnhance) {
    block += kArea * layer.in * layer.out / layer.groups;
    block_outputs += layer.out;
  }
  const std::int64_t images = end == NetworkEnd::image ? options_.channels : 0;
  const std::int64_t products =
      kArea * (options_.channels * kChannels + kChannels * kChannels) + options_.blocks * block +
      std::int64_t{kDeconvolutionKernel} * kDeconvolutionKernel * kChannels * images;
  // PISR's table has one more for each bias and each LeakyReLU, and the deconvolution once for each
  // low-resolution pixel, of which it counts whole ones.
  const std::int64_t activated = 2 * kChannels + options_.blocks * block_outputs;
  const std::int64_t scale = options_.scale;
  return {width * height / (scale * scale) * products,
          (width / scale) * (height / scale) * (products + 2 * activated + images)};
}

}  // namespace pisr
