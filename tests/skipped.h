#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/catch.h"

namespace pisr {

/// Says that a test, or a part of it, is left out because the machine lacks something. The
/// environment variable PISR_REQUIRE_SHARED, set where nothing is meant to be lacking, makes that a
/// failure.
inline void skipped(const std::string& why) {
  std::cout << "SKIPPED: " << why << std::endl;
  INFO("SKIPPED: " << why);
  CHECK(std::getenv("PISR_REQUIRE_SHARED") == nullptr);
}

}  // namespace pisr
