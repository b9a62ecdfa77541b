#pragma once

#include <cstddef>
#include <vector>

namespace pisr {

/// Whether the bytes are an ICC profile, as far as its header tells. Padding behind it is cut off.
bool trim_to_icc_profile(std::vector<std::byte>& bytes);

}  // namespace pisr
