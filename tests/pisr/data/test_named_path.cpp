#include <filesystem>

#include "pisr/data/named_path.h"
#include "tests/catch.h"

namespace pisr {
namespace {

TEST_CASE("a named path ends with the name of its file or folder", "[data]") {
  const auto name = [](const char* path) { return named_path(path).filename().string(); };
  CHECK(name("runs/a") == "a");
  CHECK(name("runs/a/") == "a");
  CHECK(name("runs/a/.") == "a");
  CHECK(name("runs/x/../a//") == "a");
  CHECK(name("image.png") == "image.png");
  CHECK(named_path("runs/a/").parent_path() == "runs");
  const std::filesystem::path here = std::filesystem::current_path();
  CHECK(named_path(".") == here);
  CHECK(named_path("./") == here);
  CHECK(named_path("a/..") == here);
  CHECK(named_path("..") == here.parent_path());
  CHECK(named_path("../") == here.parent_path());
  CHECK(named_path("../..") == here.parent_path().parent_path());
}

}  // namespace
}  // namespace pisr
