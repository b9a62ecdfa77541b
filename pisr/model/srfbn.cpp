#include "pisr/model/srfbn.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};
constexpr int kProjectionPadding = 2;
/// Of the first layer, over those of the others.
constexpr int kEntryFactor = 4;
constexpr double kRange = 255;
constexpr int kMostGroups = 16;
constexpr int kMostSteps = 16;
constexpr std::int64_t kArea = std::int64_t{kKernel} * kKernel;

std::vector<NetworkOption> srfbn_options() {
  return {{"feature_channels", "c", 64, 1, 512, "channels between the layers"},
          {"groups", "g", 6, 1, kMostGroups, "projections up and down in the feedback block"},
          {.name = "steps",
           .symbol = "t",
           .default_value = 4,
           .lowest = 1,
           .highest = kMostSteps,
           .help = "passes through the feedback block",
           .told_by_shapes = false}};
}

std::vector<int> srfbn_channels() {
  return {3, 1};
}

SrfbnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .groups = number_option(spec, "groups"),
          .steps = number_option(spec, "steps"),
          .scale = spec.scale,
          .channels = spec.channels};
}

int projection_kernel(int scale) {
  return scale + 2 * kProjectionPadding;
}

/// Published weights call the layers conv_in, feat_in, block.compress_in, block.upBlocks.n,
/// block.downBlocks.n, block.uptranBlocks.n, block.downtranBlocks.n, block.compress_out, out and
/// conv_out, with .0 for the convolution and .1 for the slope, and sub_mean and add_mean.
std::optional<ForeignWeights> recognise_srfbn(const SafeTensors& file, const std::string&, int) {
  const Tensors& tensors = file.tensors;
  const int c = extent_of(tensors, "feat_in.0.weight", 0);
  const int channels = extent_of(tensors, "conv_in.0.weight", 1);
  const int kernel = extent_of(tensors, "out.0.weight", 2);
  const int scale = kernel - 2 * kProjectionPadding;
  int groups = 0;
  while (tensors.contains(message("block.upBlocks.", groups, ".0.weight"))) {
    ++groups;
  }
  if (c < 1 || (channels != 1 && channels != 3) || scale < 2 || scale > 4 || groups < 1 ||
      groups > kMostGroups ||
      !has_shape(tensors, "conv_in.0.weight", {kEntryFactor * c, channels, kKernel, kKernel}) ||
      !has_shape(tensors, "out.0.weight", {c, c, kernel, kernel}) ||
      !has_shape(tensors, "block.compress_in.0.weight", {c, 2 * c, 1, 1})) {
    return std::nullopt;
  }
  ForeignWeights weights{
      srfbn_spec({.feature_channels = c, .groups = groups, .channels = channels}), {}, scale};
  const auto add = [&](const std::string& own, const std::string& theirs) {
    weights.key_of[own + ".weight"] = theirs + ".0.weight";
    weights.key_of[own + ".bias"] = theirs + ".0.bias";
    weights.key_of[own + ".slope"] = theirs + ".1.weight";
  };
  add("entry", "conv_in");
  add("narrow", "feat_in");
  add("compress_in", "block.compress_in");
  for (int group = 0; group < groups; ++group) {
    add(message("up.", group), message("block.upBlocks.", group));
    add(message("down.", group), message("block.downBlocks.", group));
    add(message("compress_up.", group), message("block.uptranBlocks.", group));
    add(message("compress_down.", group), message("block.downtranBlocks.", group));
  }
  add("compress_out", "block.compress_out");
  add("enlarge", "out");
  add("exit", "conv_out");
  for (const std::string shift : {"sub_mean", "add_mean"}) {
    for (const char* const part : {".weight", ".bias"}) {
      weights.key_of[shift + part] = shift + part;
    }
  }
  return weights;
}

std::string title_of(const NetworkSpec& spec) {
  const SrfbnOptions options = options_of(spec);
  SrfbnOptions standard{.scale = options.scale, .channels = options.channels};
  if (options == standard) {
    return "SRFBN";
  }
  standard.feature_channels = 32;
  standard.groups = 3;
  return options == standard ? "SRFBN-S"
                             : message("SRFBN(", options.feature_channels, ", ", options.groups,
                                       ", ", options.steps, ')');
}

}  // namespace

/// A transposed convolution that enlarges by the scale, and its PReLU.
struct Srfbn::Enlargement {
  Enlargement(int channels, int scale)
      : convolution(channels, channels, projection_kernel(scale),
                    {.stride = scale, .padding = kProjectionPadding}) {}
  Variable operator()(const Variable& x) const { return activation(convolution(x)); }

  ConvTranspose2d convolution;
  Prelu activation;
};

NetworkSpec srfbn_spec(const SrfbnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "srfbn";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"groups", options.groups},
                  {"steps", options.steps}};
  return spec;
}

Architecture srfbn_architecture() {
  return {.name = "srfbn",
          .options = srfbn_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Srfbn>(options_of(spec));
          },
          .title = title_of,
          .recognise = recognise_srfbn,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                return srfbn_spec(
                           {.feature_channels = std::max(1, first_extent(tensors, "narrow.weight")),
                            .groups = std::max(1, layers_of(tensors, "up"))})
                    .options;
              },
          .channels = srfbn_channels()};
}

Srfbn::Srfbn(const SrfbnOptions& options)
    : SrNetwork(completed(srfbn_spec(options), srfbn_options(), srfbn_channels())),
      options_(options),
      sub_mean_(options.channels == 3 ? std::make_unique<MeanShift>(-kRange) : nullptr),
      entry_(options.channels, kEntryFactor * options.feature_channels, kKernel, kSameSize),
      narrow_(kEntryFactor * options.feature_channels, options.feature_channels, 1),
      compress_in_(2 * options.feature_channels, options.feature_channels, 1),
      compress_out_(options.groups * options.feature_channels, options.feature_channels, 1),
      enlarge_(std::make_unique<Enlargement>(options.feature_channels, options.scale)),
      exit_(options.feature_channels, options.channels, kKernel, kSameSize),
      add_mean_(options.channels == 3 ? std::make_unique<MeanShift>(kRange) : nullptr) {
  if (sub_mean_) {
    add_child("sub_mean", *sub_mean_);
  }
  add_child("entry", entry_);
  add_child("narrow", narrow_);
  add_child("compress_in", compress_in_);
  const int c = options.feature_channels;
  for (int group = 0; group < options.groups; ++group) {
    up_.push_back(std::make_unique<Enlargement>(c, options.scale));
    down_.push_back(std::make_unique<Conv2dPrelu>(
        c, c, projection_kernel(options.scale),
        Conv2dOptions{.stride = options.scale, .padding = kProjectionPadding}));
    add(message("up.", group), *up_.back());
    add_child(message("down.", group), *down_.back());
  }
  for (int group = 1; group < options.groups; ++group) {
    compress_up_.push_back(std::make_unique<Conv2dPrelu>((group + 1) * c, c, 1));
    compress_down_.push_back(std::make_unique<Conv2dPrelu>((group + 1) * c, c, 1));
    add_child(message("compress_up.", group - 1), *compress_up_.back());
    add_child(message("compress_down.", group - 1), *compress_down_.back());
  }
  add_child("compress_out", compress_out_);
  add("enlarge", *enlarge_);
  add_child("exit", exit_);
  if (add_mean_) {
    add_child("add_mean", *add_mean_);
  }
}

Srfbn::~Srfbn() = default;

void Srfbn::add(const std::string& name, Enlargement& enlargement) {
  add_child(name, enlargement.convolution);
  add_child(name, enlargement.activation);
}

Variable Srfbn::entering(const Variable& low) const {
  const Variable x = low * kRange;
  return sub_mean_ ? (*sub_mean_)(x) : x;
}

Variable Srfbn::feedback(const Variable& input, const Variable& previous) const {
  std::vector<Variable> low{compress_in_(concat_channels({input, previous}))};
  std::vector<Variable> high;
  for (std::size_t group = 0; group < up_.size(); ++group) {
    high.push_back(
        (*up_[group])(group == 0 ? low[0] : (*compress_up_[group - 1])(concat_channels(low))));
    low.push_back((*down_[group])(
        group == 0 ? high[0] : (*compress_down_[group - 1])(concat_channels(high))));
  }
  low.erase(low.begin());
  return compress_out_(concat_channels(low));
}

Variable Srfbn::feature(const Variable& low) const {
  const Variable input = narrow_(entry_(entering(low)));
  Variable result = input;
  for (int step = 0; step < options_.steps; ++step) {
    result = feedback(input, result);
  }
  return result;
}

Variable Srfbn::reconstruction(const Variable& feature, const Variable& low) const {
  const Variable x = exit_((*enlarge_)(feature)) + upscale_bilinear(entering(low), options_.scale);
  return (add_mean_ ? (*add_mean_)(x) : x) / kRange;
}

std::optional<int> Srfbn::halo() const {
  const int scale = options_.scale;
  // Pixel i of the strided convolution reads pixels scale i - 2 to scale i + scale + 1, and pixel j
  // of the transposed one (j - scale - 1) / scale to (j + 2) / scale, rounded inwards.
  const int projection = 1 + (kProjectionPadding + 1) / scale;
  // The last layer reads pixels scale i - 1 to scale i + scale.
  const int enlargement = 1 + kProjectionPadding / scale;
  return 1 + options_.steps * options_.groups * projection + enlargement;
}

MultiplyAdds Srfbn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t channels = options_.channels;
  const std::int64_t groups = options_.groups;
  const std::int64_t steps = options_.steps;
  const std::int64_t scale = options_.scale;
  const std::int64_t kernel = projection_kernel(options_.scale);
  const std::int64_t projection = kernel * kernel * c * c;
  // 2 + 3 + ... times the channels in, for all groups but the first.
  const std::int64_t compress = c * c * (groups - 1) * (groups + 2) / 2;
  const std::int64_t shift = channels == 3 ? MeanShift::kMultiplyAdds : 0;
  const std::int64_t shift_bias = channels == 3 ? channels : 0;
  const bool image = end == NetworkEnd::image;

  struct Count {
    std::int64_t low, high;  ///< for each pixel of the image, and of the enlarged one
  };
  const Count before{shift + kEntryFactor * c * (kArea * channels + c), 0};
  const Count step{2 * c * c + 2 * groups * projection + compress + groups * c * c, compress};
  const Count after{image ? projection : 0, image ? kArea * c * channels + shift : 0};
  const std::int64_t low_pixels = width * height / (scale * scale);
  const std::int64_t exact = low_pixels * (before.low + steps * step.low + after.low) +
                             width * height * (steps * step.high + after.high) +
                             (image ? low_pixels * shift : 0);

  // What has a bias has a PReLU, but for the shifts and the last layer.
  const std::int64_t entry_activations = kEntryFactor * c + c;
  const Count activations{c * (2 * groups + 1), c * (2 * groups - 1)};
  const std::int64_t images = image ? steps : 0;
  const std::int64_t paper =
      low_pixels * (before.low + shift_bias + 2 * entry_activations +
                    steps * (step.low + 2 * activations.low) + images * after.low) +
      width * height *
          (steps * (step.high + activations.high + c * (groups - 1)) +
           images * (after.high + c + channels + shift_bias)) +
      height * height * c * (steps * groups + images);
  return {exact, paper};
}

}  // namespace pisr
