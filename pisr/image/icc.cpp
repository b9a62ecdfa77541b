#include "pisr/image/icc.h"

#include <algorithm>
#include <string_view>

namespace pisr {
namespace {

constexpr std::size_t kHeader = 132;  ///< with the count of tags
constexpr std::size_t kSignature = 36;

bool has_signature(const std::vector<std::byte>& bytes) {
  constexpr std::string_view kText = "acsp";
  return std::equal(kText.begin(), kText.end(), bytes.begin() + kSignature,
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

}  // namespace

bool trim_to_icc_profile(std::vector<std::byte>& bytes) {
  if (bytes.size() < kHeader || !has_signature(bytes)) {
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

}  // namespace pisr
