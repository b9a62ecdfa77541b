#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pisr/model/network.h"

namespace pisr {

/// What is to be known of a network before one takes it, with the default of each option.
struct NetworkFacts {
  std::string name;   ///< that of the table of architectures, or "bicubic"
  std::string title;  ///< "FSRCNN(56, 12, 4)"
  int channels;       ///< 1: luminance, 3: RGB
  NetworkInput input;
  int scale;
  std::optional<std::int64_t> parameters;     ///< nothing for bicubic interpolation
  std::optional<MultiplyAdds> multiply_adds;  ///< for the output that network_list() was asked for
  std::optional<int> halo;                    ///< pixels; nothing where it needs the whole image
};

/// Every network of the table for images of each kind that it takes and each scale, after bicubic
/// interpolation. Multiply-adds are for an output of width x height.
std::vector<NetworkFacts> network_list(std::int64_t width, std::int64_t height);

/// [{"name", "title", "colour", "input", "scale", "parameters", "multiply_adds",
/// "multiply_adds_paper", "halo"}]: what is absent is null.
std::string to_json(const std::vector<NetworkFacts>& networks);

}  // namespace pisr
