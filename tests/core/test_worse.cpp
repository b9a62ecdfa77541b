#include <cmath>

#include "core/tensor.h"
#include "tests/catch.h"
#include "tests/tensors.h"
#include "tests/worse.h"

namespace pisr {

TEST_CASE("a difference that is NaN is not hidden by those after it") {
  CHECK(worse(worse(1, 2), 0.5) == 2);
  CHECK(std::isinf(worse(worse(0, NAN), 1)));
  const float one[] = {0, NAN, 1, 0};
  const float other[] = {0, 0, 0, 0};
  CHECK(std::isinf(furthest(Tensor::from(one, {4}), Tensor::from(other, {4}))));
  CHECK(std::isinf(furthest(Tensor::from(other, {4}), Tensor::from(other, {2, 2}))));
  CHECK(furthest(Tensor::from(other, {4}), Tensor::from(other, {4})) == 0);
}

}  // namespace pisr
