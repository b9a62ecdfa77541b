#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include "pisr/model/architectures.h"

/// Small networks of a row of the table, for tests of all of them.
namespace pisr {

/// As small as its options let it be, but for two channels between its layers; of images with
/// `channels`, those that it takes by default where that is 0.
inline NetworkSpec small_spec(const Architecture& row, int scale, int channels = 0) {
  NetworkSpec spec;
  spec.architecture = row.name;
  spec.scale = scale;
  spec.channels = channels;
  for (const NetworkOption& option : row.options) {
    if (std::holds_alternative<int>(option.default_value) && option.highest - option.lowest > 1 &&
        !option.of_training) {
      const int value = std::clamp(2, option.lowest, option.highest);
      spec.options[option.name] = value - (value - option.lowest) % option.step;
    }
  }
  return completed(spec);
}

/// That, and for each option with two values one more with the value that is not its default, and
/// for each of training alone one with a small one.
inline std::vector<NetworkSpec> small_specs(const Architecture& row, int scale, int channels = 0) {
  std::vector<NetworkSpec> specs = {small_spec(row, scale, channels)};
  for (const NetworkOption& option : row.options) {
    NetworkSpec spec = specs.front();
    OptionValue& value = spec.options.at(option.name);
    if (bool* const flag = std::get_if<bool>(&value)) {
      *flag = !*flag;
    } else if (option.highest - option.lowest == 1) {
      value = option.lowest + option.highest - std::get<int>(value);
    } else if (option.of_training) {
      value = std::clamp(3, option.lowest, option.highest);
    }
    if (spec != specs.front()) {
      specs.push_back(spec);
    }
  }
  return specs;
}

}  // namespace pisr
