#include "pisr/model/network.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/ops.h"

namespace pisr {
namespace {

constexpr const char* kCannotInterpolate =
    "cannot start as an interpolation (network.start_as_interpolation): ";

[[noreturn]] void fail(const NetworkSpec& spec, const std::string& what) {
  throw Error(ErrorKind::usage, message(spec.architecture, ": ", what));
}

void check_range(const NetworkSpec& spec, const char* name, int lowest, int highest, int value) {
  if (value < lowest || value > highest) {
    fail(spec, message(name, " must be in ", lowest, "..", highest, ", got ", value));
  }
}

std::string names_of(const std::vector<NetworkOption>& options) {
  std::string names;
  for (const NetworkOption& option : options) {
    names += (names.empty() ? "" : ", ") + std::string(option.name);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

NetworkSpec completed(const NetworkSpec& spec, const std::vector<NetworkOption>& options,
                      const std::vector<int>& channels) {
  NetworkSpec result = spec;
  if (spec.scale != 1) {
    check_range(spec, "scale", 2, 4, spec.scale);
  }
  if (spec.channels == 0) {
    result.channels = channels.front();
  } else if (std::ranges::find(channels, spec.channels) == channels.end()) {
    std::string choices;
    for (const int choice : channels) {
      choices += (choices.empty() ? "" : " or ") + std::to_string(choice);
    }
    fail(spec, message("channels must be ", choices, ", got ", spec.channels));
  }
  for (const auto& named : spec.options) {
    const std::string& name = named.first;
    if (std::ranges::none_of(options, [&](const auto& option) { return name == option.name; })) {
      fail(spec, message("unknown option '", name, "', the options are: ", names_of(options)));
    }
  }
  for (const NetworkOption& option : options) {
    const OptionValue& value =
        result.options.emplace(option.name, option.default_value).first->second;
    if (value.index() != option.default_value.index()) {
      fail(spec, message(option.name, " must be a ",
                         std::holds_alternative<bool>(option.default_value) ? "flag" : "number"));
    }
    if (const int* const number = std::get_if<int>(&value)) {
      check_range(spec, option.name, option.lowest, option.highest, *number);
      if ((*number - option.lowest) % option.step != 0) {
        fail(spec, message(option.name, " must be ", option.lowest, " plus a multiple of ",
                           option.step, ", got ", *number));
      }
    }
  }
  return result;
}

const char* colour_name(int channels) {
  return channels == 3 ? "rgb" : "y";
}

int number_option(const NetworkSpec& spec, const std::string& name) {
  return std::get<int>(spec.options.at(name));
}

bool flag_option(const NetworkSpec& spec, const std::string& name) {
  return std::get<bool>(spec.options.at(name));
}

std::unique_ptr<SrNetwork> merged(std::unique_ptr<SrNetwork> network) {
  std::unique_ptr<SrNetwork> smaller = network->merged();
  return smaller == nullptr ? std::move(network) : std::move(smaller);
}

int enlarged_halo(int radius, int scale) {
  // Pixel x of the enlarged image lies at u = (x + 0.5) / scale - 0.5 of the low-resolution one.
  // Keys' kernel reads floor(u) - 1 to floor(u) + 2, of which those 1 and 2 away from u weigh 0.
  int furthest = 0;
  for (int x = -radius; x < scale + radius; ++x) {
    const int twice = 2 * x + 1 - scale;  // 2 scale u
    const int floor_u = (twice >= 0 ? twice : twice - 2 * scale + 1) / (2 * scale);
    const bool is_pixel = twice == 2 * scale * floor_u;
    furthest = std::max({furthest, floor_u + (is_pixel ? 0 : 2), (is_pixel ? 0 : 1) - floor_u});
  }
  return furthest;
}

void SrNetwork::start_as_interpolation() {
  fail(spec_, message(kCannotInterpolate, "it has a path from input to output"));
}

void SrNetwork::check_hands_image_on(int narrowest) const {
  if (narrowest < spec_.channels) {
    fail(spec_, message(kCannotInterpolate, "each layer must have at least ", spec_.channels,
                        " channels, got ", narrowest));
  }
}

SrNetwork::Result SrNetwork::forward(const Variable& low) const {
  return forward_input(input_of(low));
}

SrNetwork::Result SrNetwork::forward_input(const Variable& input) const {
  const Variable looked_at = feature(input);
  return {reconstruction(looked_at, input), looked_at};
}

Variable SrNetwork::feature_of(const Variable& low) const {
  return feature(input_of(low));
}

std::optional<ConvChain> SrNetwork::chain(NetworkEnd) const {
  return std::nullopt;
}

Variable SrNetwork::input_of(const Variable& low) const {
  return input() == NetworkInput::enlarged ? upscale_bicubic(low, spec_.scale) : low;
}

}  // namespace pisr
