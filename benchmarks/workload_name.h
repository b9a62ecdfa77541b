#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pisr/model/network.h"

namespace pisr::bench {

/// All of `text` as a number in [lowest, highest]; otherwise throws Error(usage), which quotes the
/// `whole` that it is a part of.
int whole_number(std::string_view text, int lowest, int highest, const std::string& whole);

/// A network and the size of the small image that it enlarges.
struct InferenceName {
  NetworkSpec spec;
  int width = 640;
  int height = 360;
};

/// What W1, W1@320x180, W5/NAME, W5/NAME@320x180 and W5/NAME:option=value,option=value@320x180 say,
/// NAME being an architecture; nothing for a name that begins otherwise. W1 is the default network.
/// Throws Error(usage) for the rest.
std::optional<InferenceName> parse_inference_name(const std::string& name);

}  // namespace pisr::bench
