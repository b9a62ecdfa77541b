#include "kernels/table.h"
#include "tests/catch.h"
using namespace pisr::kernels;
TEST_CASE("links") {
  CHECK(naive_kernels<float>().adam != nullptr);
  CHECK(cpu_kernels<float>().adam != nullptr);
}
