#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/json_names.h"
#include "tests/catch.h"

namespace pisr {
namespace {

/// The names given twice in the objects of a document, in their order.
template <class Json>
std::vector<std::string> repeated_in(const char* text) {
  std::vector<std::string> found;
  RepeatedNames<Json> repeated;
  const auto callback = [&](int, typename Json::parse_event_t event, Json& parsed) {
    if (const std::string* name = repeated.find(event, parsed)) found.push_back(*name);
    return true;
  };
  REQUIRE(Json::parse(text, callback).is_structured());
  return found;
}

TEST_CASE("names given twice in one object of a JSON document", "[json]") {
  using Names = std::vector<std::string>;
  const auto check = [](const char* text, const Names& names) {
    CAPTURE(text);
    CHECK(repeated_in<nlohmann::json>(text) == names);
    CHECK(repeated_in<nlohmann::ordered_json>(text) == names);
  };
  check("{}", {});
  check(R"(["a", "a"])", {});
  check(R"({"a": 1, "b": "a", "c": {"a": 1, "b": {"a": 2}}, "d": [{"a": 1}, {"a": 1}]})", {});
  check(R"({"a": 1, "a": 1})", {"a"});
  check(R"({"a": {"b": 1}, "c": 0, "a": 2})", {"a"});
  check(R"({"x": [{"b": 1, "b": 2}], "b": 0, "x": 0, "x": 0})", {"b", "x", "x"});
}

}  // namespace
}  // namespace pisr
