#include "pisr/image/icc.h"

#include <algorithm>
#include <string_view>

namespace pisr {
namespace {

constexpr std::size_t kHeader = 132;  ///< with the count of tags
constexpr std::size_t kColourSpace = 16;
constexpr std::size_t kSignature = 36;

bool has_text(std::span<const std::byte> bytes, std::size_t at, std::string_view text) {
  return std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

}  // namespace

bool trim_to_icc_profile(std::vector<std::byte>& bytes) {
  if (bytes.size() < kHeader || !has_text(bytes, kSignature, "acsp")) {
    return false;
  }
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    size = size << 8 | std::to_integer<std::size_t>(bytes[i]);
  }
  if (size < kHeader || size > bytes.size()) {
    return false;
  }
  bytes.resize(size);
  return true;
}

bool is_cmyk_profile(std::span<const std::byte> profile) {
  return profile.size() >= kHeader && has_text(profile, kColourSpace, "CMYK");
}

}  // namespace pisr
