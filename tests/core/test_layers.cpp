#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
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

// The includes in quotes that `folder` may not have: of a later folder, or of none.
std::vector<std::string> backward_includes(const std::string& folder, const std::string& text) {
  static const std::regex include(R"rx(#[ \t]*include[ \t]*[<"]([^/<>"]+)(/?)[^<>"]*([>"]))rx");
  std::vector<std::string> wrong;
  for (std::sregex_iterator match(text.begin(), text.end(), include), end; match != end; ++match) {
    const std::string target = (*match)[1];
    const bool names_layer = layer_of(target) < std::ssize(kLayers) && (*match)[2] == "/";
    const bool in_quotes = (*match)[3] == "\"";
    if (names_layer ? layer_of(target) > layer_of(folder) : in_quotes) {
      wrong.push_back(match->str());
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("a backward include is found", "[layers]") {
  CHECK(backward_includes("core", "#include \"kernels/args.h\"\n#include <vector>\n").empty());
  CHECK(backward_includes("core", "#include \"core/tensor.h\"\n").empty());
  CHECK(backward_includes("core", "#include <oneapi/tbb/blocked_range.h>\n").empty());
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
      CHECK(backward_includes(folder, text) == std::vector<std::string>{});
      ++files;
    }
  }
  CHECK(files > 50);
}

}  // namespace pisr
