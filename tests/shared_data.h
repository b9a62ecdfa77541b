#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/skipped.h"

namespace pisr {

/// The folder of test data that is not part of the repository (images, published weights):
/// $PISR_SHARED, or ../shared beside the checkout. Empty where `what` is not in it; the reason is
/// then said by skipped(): `const auto path = shared_data("data/..."); if
/// (!path) return;`
inline std::optional<std::filesystem::path> shared_data(const std::string& what) {
  const char* variable = std::getenv("PISR_SHARED");
  const std::filesystem::path root =
      variable != nullptr ? std::filesystem::path(variable)
                          : std::filesystem::path(PISR_SOURCE_DIR).parent_path() / "shared";
  if (!std::filesystem::exists(root / what)) {
    skipped("'" + what + "' is not in '" + root.string() + "' (set PISR_SHARED)");
    return std::nullopt;
  }
  return root / what;
}

}  // namespace pisr
