#include <memory>
#include <utility>

#include "core/inline_function.h"
#include "tests/catch.h"

namespace pisr {

TEST_CASE("inline function holds, moves and drops its closure", "[inline_function]") {
  const auto shared = std::make_shared<int>(5);
  using Function = InlineFunction<int(int)>;
  Function empty;
  CHECK_FALSE(static_cast<bool>(empty));
  {
    Function function;
    function = [shared](int x) { return *shared + x; };
    CHECK(function(2) == 7);
    CHECK(shared.use_count() == 2);
    Function moved(std::move(function));
    CHECK(moved(3) == 8);
    CHECK(shared.use_count() == 2);
    Function target;
    target = [](int x) { return x; };
    target = std::move(moved);
    CHECK(target(4) == 9);
    target = [](int x) { return 2 * x; };
    CHECK(shared.use_count() == 1);
    CHECK(target(4) == 8);
    target.reset();
    CHECK_FALSE(static_cast<bool>(target));
  }
  CHECK(shared.use_count() == 1);
}

}  // namespace pisr
