#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pisr {

/// Whether the bytes are an ICC profile, as far as its header tells. Padding behind it is cut off.
bool trim_to_icc_profile(std::vector<std::byte>& bytes);

/// Whether the profile is one of inks, which says nothing of grey or RGB samples.
bool is_cmyk_profile(std::span<const std::byte> profile);

}  // namespace pisr
