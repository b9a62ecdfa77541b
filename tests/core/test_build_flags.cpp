#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// Whether a text builds for the processor it is built on: such a program may not run on another,
/// and two machines would give different bits.
bool builds_for_one_processor(const std::string& text) {
  for (const char* const flag : {"march=native", "mtune=native", "mcpu=native", "-xHost"}) {
    if (text.find(flag) != std::string::npos) return true;
  }
  return false;
}

bool is_of_the_build(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "CMakeLists.txt" || name == "CMakePresets.json" || path.extension() == ".cmake" ||
         path.extension() == ".sh" || path.extension() == ".py";
}

}  // namespace

TEST_CASE("no build is for one processor", "[build_flags]") {
  CHECK(builds_for_one_processor("-O3 -march=native"));
  CHECK(!builds_for_one_processor("-O3 -mavx2"));
  const fs::path top = PISR_SOURCE_DIR;
  std::vector<fs::path> files;
  for (const auto& item : fs::directory_iterator(top)) {
    if (is_of_the_build(item.path())) files.push_back(item.path());
  }
  for (const char* const folder :
       {"cmake", "kernels", "core", "nn", "pisr", "tools", "benchmarks", "tests", "packaging"}) {
    for (const auto& item : fs::recursive_directory_iterator(top / folder)) {
      if (is_of_the_build(item.path())) files.push_back(item.path());
    }
  }
  CHECK(files.size() > 20);
  for (const fs::path& path : files) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    CAPTURE(path.string());
    CHECK(!builds_for_one_processor(text));
  }
}

}  // namespace pisr
