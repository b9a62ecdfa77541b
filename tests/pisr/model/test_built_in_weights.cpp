#include <set>
#include <string>

#include "core/error.h"
#include "pisr/model/built_in_weights.h"
#include "pisr/model/network.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

TEST_CASE("built-in weights: every one loads, and its name tells its scale", "[weights]") {
  std::set<std::string_view> names;
  for (const BuiltInWeights& row : built_in_weights()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    const auto network = load_built_in(row, {});
    const int scale = network->spec().scale;
    const std::string name(row.name);
    const std::string end = message("_x", scale);
    REQUIRE(name.size() > end.size());
    REQUIRE(name.substr(name.size() - end.size()) == end);
    CHECK(find_built_in_weights(name.substr(0, name.size() - end.size()), scale) == &row);
    CHECK(find_built_in_weights(name, scale) == nullptr);
    WeightsOptions other;
    other.scale = scale == 2 ? 3 : 2;
    CHECK(thrown([&] { load_built_in(row, other); }).kind() == ErrorKind::weights);
  }
}

TEST_CASE("built-in weights: the model that is used without a name is there at every scale",
          "[weights]") {
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    CHECK(find_built_in_weights(kDefaultModel, scale) != nullptr);
  }
}

}  // namespace
}  // namespace pisr
