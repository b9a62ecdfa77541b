#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

// Each folder may include itself and those before it.
constexpr std::array<const char*, 5> kLayers = {"kernels", "core", "nn", "pisr", "tools"};

std::ptrdiff_t layer_of(const std::string& folder) {
  return std::find(kLayers.begin(), kLayers.end(), folder) - kLayers.begin();
}

// `text` without the spaces at its front.
std::string_view trimmed(std::string_view text) {
  return text.substr(std::min(text.size(), text.find_first_not_of(" \t")));
}

// What an #include line names, with the delimiter in front: "core/tensor.h or <vector. Empty for
// another line.
std::string_view include_of(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return {};
  line = trimmed(line.substr(1));
  if (!line.starts_with("include")) return {};
  line = trimmed(line.substr(7));
  return line.substr(0, line.find_first_of("\">", 1));
}

// Whether the first folder of an included path stands in our source tree, or the path is relative.
bool is_ours(const std::string& folder) {
  return folder.starts_with('.') || fs::is_directory(fs::path(PISR_SOURCE_DIR) / folder);
}

// The includes that `folder` may not have: of a later folder of ours, or not written from the top.
std::vector<std::string> backward_includes(const std::string& folder, const std::string& text) {
  std::vector<std::string> wrong;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view include = include_of(line);
    if (include.empty()) continue;
    const std::string_view path = include.substr(1);
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) {
      if (include[0] == '"') wrong.push_back(line);
      continue;
    }
    const std::string target(path.substr(0, slash));
    if (is_ours(target) && layer_of(target) > layer_of(folder)) {
      wrong.push_back(line);
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("a backward include is found", "[layers]") {
  CHECK(backward_includes("core", "#include \"kernels/args.h\"\n#include <vector>\n").empty());
  CHECK(backward_includes("core", "#include \"core/tensor.h\"\n").empty());
  CHECK(backward_includes("core", "#include <oneapi/tbb/blocked_range.h>\n").empty());
  CHECK(backward_includes("kernels", "#include \"hwy/highway.h\"\n").empty());
  CHECK(backward_includes("tools", "#include \"tests/catch.h\"\n").size() == 1);
  CHECK(backward_includes("tools", "#include \"pisr/image.h\"\n").empty());
  CHECK(backward_includes("core", "#include \"nn/module.h\"\n").size() == 1);
  CHECK(backward_includes("kernels", "x\n  #  include <core/tensor.h>\n").size() == 1);
  CHECK(
      backward_includes("pisr", "#include \"tools/main.h\"\n#include \"tests/catch.h\"\n").size() ==
      2);
  CHECK(backward_includes("core", "#include \"tensor.h\"\n").size() == 1);
  CHECK(backward_includes("nn", "#include \"../pisr/image.h\"\n").size() == 1);
}

TEST_CASE("no include points back: tools -> pisr -> nn -> core -> kernels", "[layers]") {
  int files = 0;
  for (const std::string folder : kLayers) {
    for (const auto& item : fs::recursive_directory_iterator(fs::path(PISR_SOURCE_DIR) / folder)) {
      const fs::path extension = item.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh" &&
          extension != ".def") {
        continue;
      }
      std::ifstream file(item.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      CAPTURE(item.path().string());
      for (const std::string& include : backward_includes(folder, text)) FAIL_CHECK(include);
      ++files;
    }
  }
  CHECK(files > 50);
}

}  // namespace pisr
