#include <cmath>
#include <limits>

#include "nn/clip.h"
#include "nn/ema.h"
#include "nn/layers.h"
#include "nn/schedule.h"
#include "tests/catch.h"

namespace pisr {

TEST_CASE("the cosine schedule steps once an epoch") {
  const CosineSchedule schedule{
      .initial = 1e-3, .final = 1e-5, .total_iterations = 8000, .epoch_iterations = 1000};
  CHECK(schedule.rate(0) == 1e-3);
  CHECK(schedule.rate(999) == 1e-3);
  CHECK(schedule.rate(1000) == Approx(1e-5 + 9.9e-4 * (1 + std::cos(3.14159265358979 / 8)) / 2));
  CHECK(schedule.rate(1999) == schedule.rate(1000));
  CHECK(schedule.rate(4000) == Approx((1e-3 + 1e-5) / 2));
  CHECK(schedule.rate(7999) == Approx(4.7680e-5).epsilon(1e-4));
  CHECK(schedule.rate(8000) == 1e-5);
  CHECK(schedule.rate(9000) == 1e-5);
}

TEST_CASE("the gradient's norm is over all numbers and not finite where one is not") {
  Context context;
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor gradient = Tensor::full({10000}, 3.0, dtype);
    CHECK(gradient_norm(context, gradient) == Approx(300.0).epsilon(1e-14));
  }
  const Tensor gradient = Tensor::full({10000}, 1e30);
  CHECK(gradient_norm(context, gradient) == Approx(1e32).epsilon(1e-6));
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    gradient.data<float>()[9999] = bad;
    CHECK_FALSE(std::isfinite(gradient_norm(context, gradient)));
  }
}

TEST_CASE("clipping shrinks long gradients only") {
  CHECK(clip_scale(5.0, 0.0) == 1.0);
  CHECK(clip_scale(0.5, 1.0) == 1.0);
  CHECK(clip_scale(0.0, 1.0) == 1.0);
  CHECK(clip_scale(4.0, 1.0) == Approx(0.25).epsilon(1e-6));
}

TEST_CASE("a number that is not finite is found by its parameter") {
  Sequential layers;
  layers.add<Conv2d>(1, 2, 3);
  layers.add<Conv2d>(2, 1, 1);
  const FlatParameters flat({{"student", &layers}});
  const Tensor gradient = flat.make_gradient();
  CHECK(first_non_finite(flat, gradient).empty());
  gradient.data<float>()[flat.count() - 1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(first_non_finite(flat, gradient) == "student.1.bias");
  gradient.data<float>()[18] = std::numeric_limits<float>::infinity();
  CHECK(first_non_finite(flat, gradient) == "student.0.bias");
}

TEST_CASE("the moving average follows the values and can take their place") {
  Conv2d layer(1, 1, 1, {}, false);
  layer.convert(DType::f64);
  const FlatParameters flat({{"", &layer}});
  Context context;
  flat.values().data<double>()[0] = 1.0;
  ExponentialMovingAverage average(flat, 0.9);
  CHECK(average.average().item() == 1.0);
  flat.values().data<double>()[0] = 2.0;
  average.update(context);
  CHECK(average.average().item() == Approx(1.1).epsilon(1e-14));
  average.update(context);
  CHECK(average.average().item() == Approx(1.19).epsilon(1e-14));
  {
    const AverageInPlace in_place(&average);
    CHECK(layer.weight.value.item() == Approx(1.19).epsilon(1e-14));
    CHECK(average.average().item() == 2.0);
  }
  CHECK(layer.weight.value.item() == 2.0);
  CHECK(average.average().item() == Approx(1.19).epsilon(1e-14));
  try {
    const AverageInPlace in_place(&average);
    throw Error(ErrorKind::memory, "a validation that fails");
  } catch (const Error&) {
    CHECK(layer.weight.value.item() == 2.0);
  }
  const AverageInPlace none(nullptr);
  CHECK_THROWS_WITH(ExponentialMovingAverage(flat, 1.0),
                    "ExponentialMovingAverage: decay must be in [0, 1), got 1");
}

}  // namespace pisr
