#include <fstream>
#include <iterator>
#include <string>

#include "tests/catch.h"

namespace pisr {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(std::string(PISR_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("docs/adding-an-op.md shows the file that is compiled", "[docs]") {
  const std::string code = content("tests/core/test_adding_an_op.cpp");
  REQUIRE_FALSE(code.empty());
  CHECK(content("docs/adding-an-op.md").find("```cpp\n" + code + "```\n") != std::string::npos);
}

}  // namespace pisr
