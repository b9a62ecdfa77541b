#include "pisr/model/imdn.h"

#include <algorithm>
#include <map>
#include <string>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};
constexpr int kMostBlocks = 16;
constexpr std::int64_t kArea = std::int64_t{kKernel} * kKernel;

std::vector<NetworkOption> imdn_options() {
  return {{"feature_channels", "c", 64, MultiDistillation::kLeastChannels, 512,
           "channels between the blocks"},
          {"blocks", "b", 6, 1, kMostBlocks, "information multi-distillation blocks"}};
}

std::vector<int> imdn_channels() {
  return {3, 1};
}

ImdnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .blocks = number_option(spec, "blocks"),
          .scale = spec.scale,
          .channels = spec.channels};
}

/// Published weights call the layers fea_conv, IMDBn.c1 to IMDBn.c5, IMDBn.cca.conv_du.0 and .2,
/// c.0, LR_conv and upsampler.0.
std::optional<ForeignWeights> recognise_imdn(const SafeTensors& file, const std::string&, int) {
  const Tensors& tensors = file.tensors;
  const int c = extent_of(tensors, "fea_conv.weight", 0);
  const int channels = extent_of(tensors, "fea_conv.weight", 1);
  const int scale = shuffle_scale(tensors, "upsampler.0.weight", channels);
  int blocks = 0;
  while (tensors.contains(message("IMDB", blocks + 1, ".c1.weight"))) {
    ++blocks;
  }
  if (c < MultiDistillation::kLeastChannels || (channels != 1 && channels != 3) || scale == 0 ||
      blocks < 1 || blocks > kMostBlocks ||
      !has_shape(tensors, "fea_conv.weight", {c, channels, kKernel, kKernel}) ||
      !has_shape(tensors, "c.0.weight", {c, blocks * c, 1, 1}) ||
      !tensors.contains("IMDB1.cca.conv_du.0.weight")) {
    return std::nullopt;
  }
  ForeignWeights weights{
      imdn_spec({.feature_channels = c, .blocks = blocks, .channels = channels}), {}, scale};
  const auto add = [&](const std::string& own, const std::string& theirs) {
    for (const char* const part : {".weight", ".bias"}) {
      weights.key_of[own + part] = theirs + part;
    }
  };
  add("first", "fea_conv");
  for (int block = 0; block < blocks; ++block) {
    const std::string own = message("blocks.", block);
    const std::string theirs = message("IMDB", block + 1);
    for (int layer = 0; layer < MultiDistillation::kConvolutions; ++layer) {
      add(message(own, ".distil.", layer), message(theirs, ".c", layer + 1));
    }
    add(own + ".attention.0", theirs + ".cca.conv_du.0");
    add(own + ".attention.1", theirs + ".cca.conv_du.2");
    add(own + ".compress", theirs + ".c5");
  }
  add("join", "c.0");
  add("last", "LR_conv");
  add("upsampling", "upsampler.0");
  return weights;
}

}  // namespace

NetworkSpec imdn_spec(const ImdnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "imdn";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels}, {"blocks", options.blocks}};
  return spec;
}

Architecture imdn_architecture() {
  return {
      .name = "imdn",
      .options = imdn_options(),
      .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
        return std::make_unique<Imdn>(options_of(spec));
      },
      .title =
          [](const NetworkSpec& spec) {
            const ImdnOptions options = options_of(spec);
            const ImdnOptions standard{.scale = options.scale, .channels = options.channels};
            return options == standard
                       ? std::string("IMDN")
                       : message("IMDN(", options.feature_channels, ", ", options.blocks, ')');
          },
      .recognise = recognise_imdn,
      .options_of_shapes =
          [](const std::map<std::string, Tensor>& tensors) {
            int blocks = 0;
            while (tensors.contains(message("blocks.", blocks, ".compress.weight"))) {
              ++blocks;
            }
            return imdn_spec({.feature_channels = std::max(MultiDistillation::kLeastChannels,
                                                           first_extent(tensors, "first.weight")),
                              .blocks = std::max(1, blocks)})
                .options;
          },
      .channels = imdn_channels()};
}

Imdn::Imdn(const ImdnOptions& options)
    : SrNetwork(completed(imdn_spec(options), imdn_options(), imdn_channels())),
      options_(options),
      first_(options.channels, options.feature_channels, kKernel, kSameSize),
      join_(options.blocks * options.feature_channels, options.feature_channels, 1),
      last_(options.feature_channels, options.feature_channels, kKernel, kSameSize),
      upsampling_(options.feature_channels, options.channels * options.scale * options.scale,
                  kKernel, kSameSize) {
  add_child("first", first_);
  for (int block = 0; block < options.blocks; ++block) {
    blocks_.push_back(std::make_unique<MultiDistillation>(options.feature_channels, true));
    add_child(message("blocks.", block), *blocks_.back());
  }
  add_child("join", join_);
  add_child("last", last_);
  add_child("upsampling", upsampling_);
}

Variable Imdn::feature(const Variable& low) const {
  const Variable first = first_(low);
  std::vector<Variable> results;
  for (const auto& block : blocks_) {
    results.push_back((*block)(results.empty() ? first : results.back()));
  }
  const Variable joined = join_.leaky_relu(concat_channels(results), MultiDistillation::kSlope);
  return last_(joined) + first;
}

Variable Imdn::reconstruction(const Variable& feature, const Variable&) const {
  return pixel_shuffle(upsampling_(feature), options_.scale);
}

MultiplyAdds Imdn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t blocks = options_.blocks;
  const std::int64_t scale = options_.scale;
  const std::int64_t outputs = end == NetworkEnd::image ? options_.channels * scale * scale : 0;
  const std::int64_t gathered = MultiDistillation::gathered_channels(options_.feature_channels);
  const std::int64_t products =
      kArea * c * (options_.channels + c + outputs) + blocks * c * c +
      blocks * MultiDistillation::pixel_multiply_adds(options_.feature_channels);
  constexpr std::int64_t kActivated = MultiDistillation::kConvolutions - 1;  // in a block
  const std::int64_t block_biases =
      kActivated * c + gathered / MultiDistillation::kConvolutions + c;
  const std::int64_t biases = 3 * c + blocks * block_biases + outputs;
  const std::int64_t activated = blocks * kActivated * c + c;
  const std::int64_t averaged = blocks * gathered;
  const std::int64_t image =
      blocks * MultiDistillation::attention_multiply_adds(options_.feature_channels);
  return {width * height * products / (scale * scale) + image,
          (width / scale) * (height / scale) * (products + biases + activated + averaged) + image};
}

}  // namespace pisr
