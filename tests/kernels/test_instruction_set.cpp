#include <string>
#include <vector>

#include "kernels/instruction_set.h"
#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {

TEST_CASE("Every instruction set of the machine can be chosen by its name") {
  const std::vector<std::string> names = instruction_sets();
  REQUIRE(!names.empty());
#if defined(__aarch64__)
  CHECK(names.back() == "neon");
#else
  CHECK(names.back() == "portable");
#endif
  CHECK(instruction_set() == names.front());
  for (const std::string& name : names) {
    INFO(name);
    CHECK(is_instruction_set_name(name));
    CHECK(use_instruction_set(name));
    CHECK(instruction_set() == name);
    TestLauncher launcher;
    const std::vector<float> x(100, 2);
    std::vector<float> y(100);
    cpu_kernels<float>().affine(launcher, {100, 3, 1, x.data(), y.data(), Store::write});
    CHECK(y == std::vector<float>(100, 7));
  }
  CHECK(use_instruction_set(names.front()));
}

TEST_CASE("An instruction set that is not there changes nothing") {
  const std::string before = instruction_set();
  CHECK_FALSE(use_instruction_set("avx3"));
  CHECK_FALSE(use_instruction_set(""));
  CHECK_FALSE(is_instruction_set_name("AVX2"));
  CHECK(is_instruction_set_name("neon"));
#if defined(__x86_64__)
  CHECK_FALSE(use_instruction_set("neon"));
#endif
  CHECK(instruction_set() == before);
}

}  // namespace pisr::kernels
