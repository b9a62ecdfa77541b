#include "pisr/model/imdn_rtc.h"

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

std::vector<NetworkOption> imdn_rtc_options() {
  return {{"feature_channels", "c", 12, MultiDistillation::kLeastChannels, 512,
           "channels between the blocks"},
          {"blocks", "b", 5, 1, kMostBlocks, "information multi-distillation blocks"}};
}

std::vector<int> imdn_rtc_channels() {
  return {3, 1};
}

ImdnRtcOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .blocks = number_option(spec, "blocks"),
          .scale = spec.scale,
          .channels = spec.channels};
}

/// Published weights call the first layer model.0, those of block n model.1.sub.n.c1 to .c5, the
/// layer behind the blocks as if it were one more of them, and the last model.2.
std::optional<ForeignWeights> recognise_imdn_rtc(const SafeTensors& file, const std::string&, int) {
  const Tensors& tensors = file.tensors;
  const int c = extent_of(tensors, "model.0.weight", 0);
  const int channels = extent_of(tensors, "model.0.weight", 1);
  const int scale = shuffle_scale(tensors, "model.2.weight", channels);
  int blocks = 0;
  while (tensors.contains(message("model.1.sub.", blocks, ".c1.weight"))) {
    ++blocks;
  }
  if (c < MultiDistillation::kLeastChannels || (channels != 1 && channels != 3) || scale == 0 ||
      blocks < 1 || blocks > kMostBlocks ||
      !has_shape(tensors, "model.0.weight", {c, channels, kKernel, kKernel}) ||
      !has_shape(tensors, message("model.1.sub.", blocks, ".weight"), {c, c, 1, 1})) {
    return std::nullopt;
  }
  ForeignWeights weights{
      imdn_rtc_spec({.feature_channels = c, .blocks = blocks, .channels = channels}), {}, scale};
  const auto add = [&](const std::string& own, const std::string& theirs) {
    for (const char* const part : {".weight", ".bias"}) {
      weights.key_of[own + part] = theirs + part;
    }
  };
  add("first", "model.0");
  for (int block = 0; block < blocks; ++block) {
    const std::string own = message("blocks.", block);
    const std::string theirs = message("model.1.sub.", block);
    for (int layer = 0; layer < MultiDistillation::kConvolutions; ++layer) {
      add(message(own, ".distil.", layer), message(theirs, ".c", layer + 1));
    }
    add(own + ".compress", theirs + ".c5");
  }
  add("last", message("model.1.sub.", blocks));
  add("upsampling", "model.2");
  return weights;
}

}  // namespace

NetworkSpec imdn_rtc_spec(const ImdnRtcOptions& options) {
  NetworkSpec spec;
  spec.architecture = "imdn_rtc";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels}, {"blocks", options.blocks}};
  return spec;
}

Architecture imdn_rtc_architecture() {
  return {.name = "imdn_rtc",
          .options = imdn_rtc_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<ImdnRtc>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                const ImdnRtcOptions options = options_of(spec);
                const ImdnRtcOptions standard{.scale = options.scale, .channels = options.channels};
                return options == standard ? std::string("IMDN-RTC")
                                           : message("IMDN-RTC(", options.feature_channels, ", ",
                                                     options.blocks, ')');
              },
          .recognise = recognise_imdn_rtc,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                int blocks = 0;
                while (tensors.contains(message("blocks.", blocks, ".compress.weight"))) {
                  ++blocks;
                }
                return imdn_rtc_spec(
                           {.feature_channels = std::max(MultiDistillation::kLeastChannels,
                                                         first_extent(tensors, "first.weight")),
                            .blocks = std::max(1, blocks)})
                    .options;
              },
          .channels = imdn_rtc_channels()};
}

ImdnRtc::ImdnRtc(const ImdnRtcOptions& options)
    : SrNetwork(completed(imdn_rtc_spec(options), imdn_rtc_options(), imdn_rtc_channels())),
      options_(options),
      first_(options.channels, options.feature_channels, kKernel, kSameSize),
      last_(options.feature_channels, options.feature_channels, 1),
      upsampling_(options.feature_channels, options.channels * options.scale * options.scale,
                  kKernel, kSameSize) {
  add_child("first", first_);
  for (int block = 0; block < options.blocks; ++block) {
    blocks_.push_back(std::make_unique<MultiDistillation>(options.feature_channels, false));
    add_child(message("blocks.", block), *blocks_.back());
  }
  add_child("last", last_);
  add_child("upsampling", upsampling_);
}

Variable ImdnRtc::feature(const Variable& low) const {
  const Variable first = first_(low);
  Variable x = first;
  for (const auto& block : blocks_) {
    x = (*block)(x);
  }
  return last_(x) + first;
}

Variable ImdnRtc::reconstruction(const Variable& feature, const Variable&) const {
  return pixel_shuffle(upsampling_(feature), options_.scale);
}

std::optional<int> ImdnRtc::halo() const {
  return (2 + options_.blocks * MultiDistillation::kConvolutions) * (kKernel / 2);
}

MultiplyAdds ImdnRtc::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t scale_area = std::int64_t{options_.scale} * options_.scale;
  const std::int64_t outputs = end == NetworkEnd::image ? options_.channels * scale_area : 0;
  const std::int64_t products =
      std::int64_t{kKernel} * kKernel * c * (options_.channels + outputs) + c * c +
      options_.blocks * MultiDistillation::pixel_multiply_adds(options_.feature_channels);
  const std::int64_t count = width * height * products / scale_area;
  return {count, count};
}

}  // namespace pisr
