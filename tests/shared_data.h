#pragma once

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace pisr {

/// The folder of test data that is not part of the repository (images, published weights):
/// $PISR_SHARED, or ../shared beside the checkout. Empty where `what` is not in it; the reason is
/// then printed, so that a skipped test is seen: `const auto path = shared_data("data/..."); if
/// (!path) return;`
inline std::optional<std::filesystem::path> shared_data(const std::string& what) {
  const char* variable = std::getenv("PISR_SHARED");
  const std::filesystem::path root =
      variable != nullptr ? std::filesystem::path(variable)
                          : std::filesystem::path(PISR_SOURCE_DIR).parent_path() / "shared";
  if (!std::filesystem::exists(root / what)) {
    std::cout << "SKIPPED: '" << what << "' is not in '" << root.string()
              << "' (set PISR_SHARED)\n";
    return std::nullopt;
  }
  return root / what;
}

}  // namespace pisr
