#include "pisr/model/carn.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr int kMobileGroups = 4;
constexpr int kMostBlocks = 8;
constexpr std::int64_t kArea = std::int64_t{kKernel} * kKernel;

std::vector<NetworkOption> carn_options() {
  return {{"feature_channels", "c", 64, 1, 512, "channels between the blocks"},
          {"blocks", "b", 3, 1, kMostBlocks, "cascading blocks, and residual blocks in each"},
          {"mobile", "", false, 0, 1, "CARN-M: blocks that share weights, with groups"}};
}

std::vector<int> carn_channels() {
  return {3, 1};
}

CarnOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .blocks = number_option(spec, "blocks"),
          .mobile = flag_option(spec, "mobile"),
          .scale = spec.scale,
          .channels = spec.channels};
}

/// Four, or as many of them as divide the channels.
int groups_of(const CarnOptions& options) {
  return options.mobile ? std::gcd(kMobileGroups, options.feature_channels) : 1;
}

Conv2dOptions same_size(int groups) {
  return {.padding = kKernel / 2, .groups = groups};
}

/// By how much each layer enlarges.
std::vector<int> factors(int scale) {
  return scale == 4 ? std::vector<int>{2, 2} : std::vector<int>{scale};
}

/// [n, c, h, w] and what each step makes of the result of the one before.
template <class Step>
Variable cascade(const Variable& x, const std::vector<std::unique_ptr<Conv2d>>& compress,
                 Step step) {
  Variable joined = x;
  Variable result = x;
  for (std::size_t i = 0; i < compress.size(); ++i) {
    joined = concat_channels({joined, step(i, result)});
    result = compress[i]->relu(joined);
  }
  return result;
}

/// The 1x1 convolutions of a cascade.
std::vector<std::unique_ptr<Conv2d>> make_compress(int channels, int blocks) {
  std::vector<std::unique_ptr<Conv2d>> layers;
  for (int block = 0; block < blocks; ++block) {
    layers.push_back(std::make_unique<Conv2d>((block + 2) * channels, channels, 1));
  }
  return layers;
}

/// What the layers of a scale are called in the file: "up2", or "up" where it is of one scale.
struct Head {
  std::string name;
  int scale;
};

std::vector<Head> heads_of(const Tensors& tensors, int channels) {
  std::vector<Head> heads;
  for (const int scale : {2, 3, 4}) {
    if (tensors.contains(message("upsample.up", scale, ".body.0.weight"))) {
      heads.push_back({message("up", scale), scale});
    }
  }
  const int outputs = extent_of(tensors, "upsample.up.body.0.weight", 0);
  if (outputs > 0) {
    const int scale = outputs == 9 * channels                         ? 3
                      : tensors.contains("upsample.up.body.3.weight") ? 4
                                                                      : 2;
    heads.push_back({"up", scale});
  }
  return heads;
}

/// The head to take: that of the wanted scale, or the only one. Throws where the file has others.
Head head_to_take(const std::vector<Head>& heads, const std::string& name, int scale) {
  std::string scales;
  for (const Head& head : heads) {
    if (head.scale == scale || heads.size() == 1) {
      return head;
    }
    scales += (scales.empty() ? "" : ", ") + std::to_string(head.scale);
  }
  if (scale == 0) {
    return {heads.front().name, 0};
  }
  throw Error(ErrorKind::weights,
              message('\'', name, "': has layers for the scales ", scales, ", wanted ", scale));
}

/// Published weights call the layers entry, bI.bJ.body.L, bI.cJ.body.0, cI.body.0,
/// upsample.upS.body.0 and .3 (without S where there is one scale), exit, and
/// sub_mean.shifter and add_mean.shifter for the mean colour.
std::optional<ForeignWeights> recognise_carn(const SafeTensors& file, const std::string& name,
                                             int scale) {
  const Tensors& tensors = file.tensors;
  const int c = extent_of(tensors, "entry.weight", 0);
  const int channels = extent_of(tensors, "entry.weight", 1);
  int blocks = 0;
  while (tensors.contains(message("c", blocks + 1, ".body.0.weight"))) {
    ++blocks;
  }
  const std::vector<Head> heads = heads_of(tensors, c);
  if (c < 1 || (channels != 1 && channels != 3) || blocks < 1 || blocks > kMostBlocks ||
      heads.empty() || !has_shape(tensors, "entry.weight", {c, channels, kKernel, kKernel}) ||
      !has_shape(tensors, "exit.weight", {channels, c, kKernel, kKernel}) ||
      !has_shape(tensors, "c1.body.0.weight", {c, 2 * c, 1, 1}) ||
      !tensors.contains("b1.b1.body.0.weight")) {
    return std::nullopt;
  }
  const Head head = head_to_take(heads, name, scale);
  const bool mobile = tensors.contains("b1.b1.body.4.weight");
  NetworkSpec spec =
      carn_spec({.feature_channels = c, .blocks = blocks, .mobile = mobile, .channels = channels});
  ForeignWeights weights{std::move(spec), {}, head.scale};
  const auto add = [&](const std::string& own, const std::string& theirs) {
    for (const char* const part : {".weight", ".bias"}) {
      weights.key_of[own + part] = theirs + part;
    }
  };
  add("sub_mean", "sub_mean.shifter");
  add("entry", "entry");
  for (int block = 0; block < blocks; ++block) {
    const std::string own = message("blocks.", block);
    for (int i = 0; i < blocks; ++i) {
      for (int layer = 0; layer < 3; ++layer) {
        add(message(own, ".residual.", i, '.', layer),
            message('b', block + 1, ".b", i + 1, ".body.", 2 * layer));
      }
      add(message(own, ".compress.", i), message('b', block + 1, ".c", i + 1, ".body.0"));
    }
    add(message("compress.", block), message('c', block + 1, ".body.0"));
  }
  add("upsampling.0", message("upsample.", head.name, ".body.0"));
  add("upsampling.1", message("upsample.", head.name, ".body.3"));
  add("exit", "exit");
  add("add_mean", "add_mean.shifter");
  for (const Head& other : heads) {
    if (other.name != head.name) {
      weights.unused.push_back(message("upsample.", other.name, '.'));
    }
  }
  return weights;
}

std::string title_of(const NetworkSpec& spec) {
  const CarnOptions options = options_of(spec);
  const std::string name = options.mobile ? "CARN-M" : "CARN";
  const CarnOptions standard;
  return options.feature_channels == standard.feature_channels && options.blocks == standard.blocks
             ? name
             : message(name, '(', options.feature_channels, ", ", options.blocks, ')');
}

}  // namespace

class Carn::Residual final : public Module {
 public:
  explicit Residual(const CarnOptions& options) {
    const int c = options.feature_channels;
    for (int layer = 0; layer < 2; ++layer) {
      layers_.push_back(std::make_unique<Conv2d>(c, c, kKernel, same_size(groups_of(options))));
    }
    if (options.mobile) {
      layers_.push_back(std::make_unique<Conv2d>(c, c, 1));
    }
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      add_child(std::to_string(layer), *layers_[layer]);
    }
  }

  Variable operator()(const Variable& input) const {
    Variable x = input;
    for (std::size_t layer = 0; layer + 1 < layers_.size(); ++layer) {
      x = layers_[layer]->relu(x);
    }
    return relu((*layers_.back())(x) + input);
  }

 private:
  std::vector<std::unique_ptr<Conv2d>> layers_;
};

class Carn::Block final : public Module {
 public:
  explicit Block(const CarnOptions& options)
      : compress_(make_compress(options.feature_channels, options.blocks)) {
    for (int i = 0; i < (options.mobile ? 1 : options.blocks); ++i) {
      residual_.push_back(std::make_unique<Residual>(options));
      add_child(message("residual.", i), *residual_.back());
    }
    for (std::size_t i = 0; i < compress_.size(); ++i) {
      add_child(message("compress.", i), *compress_[i]);
    }
  }

  Variable operator()(const Variable& x) const {
    return cascade(x, compress_, [&](std::size_t i, const Variable& input) {
      return (*residual_[std::min(i, residual_.size() - 1)])(input);
    });
  }

 private:
  std::vector<std::unique_ptr<Residual>> residual_;  ///< one, or as many as there are steps
  std::vector<std::unique_ptr<Conv2d>> compress_;
};

NetworkSpec carn_spec(const CarnOptions& options) {
  NetworkSpec spec;
  spec.architecture = "carn";
  spec.scale = options.scale;
  spec.channels = options.channels;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"blocks", options.blocks},
                  {"mobile", options.mobile}};
  return spec;
}

Architecture carn_architecture() {
  return {.name = "carn",
          .options = carn_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Carn>(options_of(spec));
          },
          .title = title_of,
          .recognise = recognise_carn,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                return carn_spec(
                           {.feature_channels = std::max(1, first_extent(tensors, "entry.weight")),
                            .blocks = std::max(1, layers_of(tensors, "compress")),
                            .mobile = tensors.contains("blocks.0.residual.0.2.weight")})
                    .options;
              },
          .channels = carn_channels()};
}

Carn::Carn(const CarnOptions& options)
    : SrNetwork(completed(carn_spec(options), carn_options(), carn_channels())),
      options_(options),
      sub_mean_(options.channels == 3 ? std::make_unique<MeanShift>(-1) : nullptr),
      entry_(options.channels, options.feature_channels, kKernel, same_size(1)),
      compress_(make_compress(options.feature_channels, options.blocks)),
      exit_(options.feature_channels, options.channels, kKernel, same_size(1)),
      add_mean_(options.channels == 3 ? std::make_unique<MeanShift>(1) : nullptr) {
  if (sub_mean_) {
    add_child("sub_mean", *sub_mean_);
  }
  add_child("entry", entry_);
  for (int block = 0; block < options.blocks; ++block) {
    blocks_.push_back(std::make_unique<Block>(options));
    add_child(message("blocks.", block), *blocks_.back());
  }
  for (std::size_t block = 0; block < compress_.size(); ++block) {
    add_child(message("compress.", block), *compress_[block]);
  }
  const int c = options.feature_channels;
  for (const int factor : factors(options.scale)) {
    upsampling_.push_back(
        std::make_unique<Conv2d>(c, c * factor * factor, kKernel, same_size(groups_of(options))));
    add_child(message("upsampling.", upsampling_.size() - 1), *upsampling_.back());
  }
  add_child("exit", exit_);
  if (add_mean_) {
    add_child("add_mean", *add_mean_);
  }
}

Carn::~Carn() = default;

Variable Carn::feature(const Variable& low) const {
  return cascade(entry_(sub_mean_ ? (*sub_mean_)(low) : low), compress_,
                 [&](std::size_t i, const Variable& x) { return (*blocks_[i])(x); });
}

Variable Carn::reconstruction(const Variable& feature, const Variable&) const {
  const std::vector<int> by = factors(options_.scale);
  Variable x = feature;
  for (std::size_t i = 0; i < by.size(); ++i) {
    x = pixel_shuffle(upsampling_[i]->relu(x), by[i]);
  }
  x = exit_(x);
  return add_mean_ ? (*add_mean_)(x) : x;
}

std::optional<int> Carn::halo() const {
  // One pixel each for the entry, the two convolutions of a residual block, the enlargement, and
  // all that comes after it.
  return 1 + 2 * options_.blocks * options_.blocks + 2;
}

MultiplyAdds Carn::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  const std::int64_t c = options_.feature_channels;
  const std::int64_t blocks = options_.blocks;
  const std::int64_t shift = options_.channels == 3 ? MeanShift::kMultiplyAdds : 0;
  const std::int64_t convolution = kArea * c * c / groups_of(options_);
  const std::int64_t residual = 2 * convolution + (options_.mobile ? c * c : 0);
  // 2 + 3 + ... times the channels in, for each cascade.
  const std::int64_t compress = c * c * blocks * (blocks + 3) / 2;
  const std::int64_t body =
      shift + kArea * options_.channels * c + blocks * blocks * residual + (blocks + 1) * compress;
  const std::int64_t scale_area = std::int64_t{options_.scale} * options_.scale;
  std::int64_t count = width * height * body / scale_area;
  if (end == NetworkEnd::image) {
    std::int64_t area = 1;  // of what the layer reads, in pixels of the image that is enlarged
    for (const int factor : factors(options_.scale)) {
      count += width * height * area * factor * factor * convolution / scale_area;
      area *= std::int64_t{factor} * factor;
    }
    count += width * height * (kArea * c * options_.channels + shift);
  }
  return {count, count};
}

}  // namespace pisr
