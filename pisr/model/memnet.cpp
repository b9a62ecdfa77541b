#include "pisr/model/memnet.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

constexpr int kKernel = 3;
constexpr Conv2dOptions kSameSize{.padding = kKernel / 2};
constexpr int kMostBlocks = 16;
constexpr int kMostUnits = 16;

std::vector<NetworkOption> memnet_options() {
  return {{"feature_channels", "c", 64, 1, 512, "channels between the convolutions"},
          {"memory_blocks", "m", 6, 1, kMostBlocks, "memory blocks"},
          {"units", "r", 6, 1, kMostUnits, "residual units of a block, which share their weights"}};
}

MemnetOptions options_of(const NetworkSpec& spec) {
  return {.feature_channels = number_option(spec, "feature_channels"),
          .memory_blocks = number_option(spec, "memory_blocks"),
          .units = number_option(spec, "units"),
          .scale = spec.scale};
}

/// How many maps the gate of a block reads, the blocks counted from 0.
int memories(const MemnetOptions& options, int block) {
  return block + 1 + options.units;
}

}  // namespace

class Memnet::Block final : public Module {
 public:
  Block(const MemnetOptions& options, int block)
      : units_(options.units),
        inner_(options.feature_channels, options.feature_channels, kKernel, kSameSize, false),
        outer_(options.feature_channels, options.feature_channels, kKernel, kSameSize, false),
        gate_(memories(options, block) * options.feature_channels, options.feature_channels, 1, {},
              false) {
    add_child("unit.0", inner_);
    add_child("unit.1", outer_);
    add_child("gate", gate_);
  }

  /// maps: of the first convolution and of all blocks before this one.
  Variable operator()(const std::vector<Variable>& maps) const {
    std::vector<Variable> read = maps;
    Variable x = maps.back();
    for (int unit = 0; unit < units_; ++unit) {
      x = outer_(inner_.relu(relu(x))) + x;
      read.push_back(x);
    }
    return gate_(relu(concat_channels(read)));
  }

 private:
  int units_;
  Conv2d inner_;
  Conv2d outer_;
  Conv2d gate_;
};

NetworkSpec memnet_spec(const MemnetOptions& options) {
  NetworkSpec spec;
  spec.architecture = "memnet";
  spec.scale = options.scale;
  spec.options = {{"feature_channels", options.feature_channels},
                  {"memory_blocks", options.memory_blocks},
                  {"units", options.units}};
  return spec;
}

Architecture memnet_architecture() {
  return {.name = "memnet",
          .options = memnet_options(),
          .make = [](const NetworkSpec& spec) -> std::unique_ptr<SrNetwork> {
            return std::make_unique<Memnet>(options_of(spec));
          },
          .title =
              [](const NetworkSpec& spec) {
                const MemnetOptions options = options_of(spec);
                const std::string name =
                    message("MemNet M", options.memory_blocks, "R", options.units);
                return options.feature_channels == MemnetOptions().feature_channels
                           ? name
                           : message(name, "(", options.feature_channels, ")");
              },
          .recognise = nullptr,
          .options_of_shapes =
              [](const std::map<std::string, Tensor>& tensors) {
                MemnetOptions options;
                options.feature_channels = std::max(1, first_extent(tensors, "first.weight"));
                int blocks = 0;
                while (tensors.contains(message("blocks.", blocks, ".gate.weight"))) {
                  ++blocks;
                }
                options.memory_blocks = std::max(1, blocks);
                const int read = extent_of(tensors, "blocks.0.gate.weight", 1);
                options.units = std::max(1, read / options.feature_channels - 1);
                return memnet_spec(options).options;
              },
          .keeps_size = true};
}

Memnet::Memnet(const MemnetOptions& options)
    : SrNetwork(completed(memnet_spec(options), memnet_options())),
      options_(options),
      first_(1, options.feature_channels, kKernel, kSameSize, false),
      last_(options.feature_channels, 1, kKernel, kSameSize, false) {
  add_child("first", first_);
  for (int block = 0; block < options.memory_blocks; ++block) {
    blocks_.push_back(std::make_unique<Block>(options, block));
    add_child(message("blocks.", block), *blocks_.back());
  }
  add_child("last", last_);
}

Memnet::~Memnet() = default;

Variable Memnet::feature(const Variable& enlarged) const {
  std::vector<Variable> maps = {first_(relu(enlarged))};
  for (const auto& block : blocks_) {
    maps.push_back((*block)(maps));
  }
  return relu(maps.back());
}

Variable Memnet::reconstruction(const Variable& feature, const Variable& enlarged) const {
  return last_(feature) + enlarged;
}

std::optional<int> Memnet::halo() const {
  const int convolutions = 2 * options_.memory_blocks * options_.units + 2;
  return enlarged_halo(convolutions * (kKernel / 2), options_.scale);
}

MultiplyAdds Memnet::multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd end) const {
  constexpr std::int64_t kArea = std::int64_t{kKernel} * kKernel;
  const std::int64_t c = options_.feature_channels;
  std::int64_t weights = kArea * c + (end == NetworkEnd::image ? kArea * c : 0);
  for (int block = 0; block < options_.memory_blocks; ++block) {
    weights += 2 * options_.units * kArea * c * c + memories(options_, block) * c * c;
  }
  return {width * height * weights, width * height * weights};
}

}  // namespace pisr
