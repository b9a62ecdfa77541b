#include <string>

#include "core/number_text.h"
#include "tests/catch.h"

namespace pisr {

TEST_CASE("a number is read from a text, with from_chars and without", "[number_text]") {
  for (const auto& [text, wanted] :
       {std::pair{"1.5", 1.5}, {"-2e-3", -2e-3}, {"0", 0.0}, {".25", 0.25}, {"1e300", 1e300}}) {
    CAPTURE(text);
    CHECK(parse_number(text) == wanted);
    CHECK(parse_number_by_stream(text) == wanted);
  }
  for (const std::string text : {"", " ", " 1", "1 ", "+1", "1,5", "1.5x", "x", "-", "1e999"}) {
    CAPTURE(text);
    CHECK(!parse_number(text));
    CHECK(!parse_number_by_stream(text));
  }
}

}  // namespace pisr
