#include <algorithm>

#include "nn/flat_parameters.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"

namespace pisr {

TEST_CASE("FlatParameters moves the values of several modules into one buffer") {
  Conv2dPrelu first(1, 2, 3);
  Conv2d second(2, 1, 1);
  initialise(first, 1);
  initialise(second, 2);
  const Tensor weight = first.weight.value.clone();
  const Tensor bias = second.bias->value.clone();

  const FlatParameters flat({{"student", &first}, {"", &second}});
  CHECK(flat.count() == 18 + 2 + 1 + 2 + 1);
  REQUIRE(flat.entries().size() == 5);
  CHECK(flat.entries()[0].name == "student.weight");
  CHECK(flat.entries()[0].shape == Shape{2, 1, 3, 3});
  CHECK(flat.entries()[0].offset == 0);
  CHECK(flat.entries()[4].name == "bias");
  CHECK(flat.entries()[4].offset == 23);
  CHECK(first.weight.offset == 0);
  CHECK(second.bias->offset == 23);
  CHECK(std::ranges::equal(first.weight.value.values<float>(), weight.values<float>()));
  CHECK(std::ranges::equal(second.bias->value.values<float>(), bias.values<float>()));

  flat.values().data<float>()[23] = 7.0F;
  CHECK(second.bias->value.item() == 7.0);
  CHECK(second.bias->value.shape() == Shape{1});
  CHECK(FlatParameters::part(flat.values(), flat.entries()[4]).item() == 7.0);
}

TEST_CASE("the tape puts gradients at the places FlatParameters gives") {
  Conv2d layer(1, 1, 1);
  layer.weight.value.data<float>()[0] = 3.0F;
  const FlatParameters flat({{"", &layer}});
  const Tensor gradient = flat.make_gradient();
  Context context(Backend::naive);
  Tape tape(context);
  tape.backward(sum(layer(tape.constant(Tensor::full({1, 1, 2, 2}, 5.0)))), gradient);
  CHECK(gradient.data<float>()[0] == 20.0F);
  CHECK(gradient.data<float>()[1] == 4.0F);
  gradient.set_zero();
  CHECK(gradient.data<float>()[0] == 0.0F);
  CHECK(gradient.data<float>()[1] == 0.0F);
}

TEST_CASE("frozen parameters stay outside") {
  Conv2d frozen(1, 2, 3);
  Conv2d trained(1, 1, 1);
  frozen.set_trainable(false);
  const FlatParameters flat({{"teacher", &frozen}, {"student", &trained}});
  CHECK(flat.count() == 2);
  CHECK(frozen.weight.offset == -1);
}

TEST_CASE("FlatParameters refuses what it cannot hold") {
  Conv2d layer(1, 2, 3);
  Conv2d other(1, 2, 3);
  CHECK_THROWS_WITH(FlatParameters({{"a", &layer}, {"a", &other}}),
                    "FlatParameters: parameter 'a.weight' is there twice");
  CHECK_THROWS_WITH(FlatParameters({}), "FlatParameters: no module has a parameter to train");
  other.convert(DType::f64);
  CHECK_THROWS_WITH(FlatParameters({{"a", &layer}, {"b", &other}}),
                    "FlatParameters: parameter 'b.weight' is f64, 'a.weight' is f32");
  CHECK(layer.weight.offset == -1);

  const FlatParameters flat({{"a", &layer}});
  CHECK_THROWS_WITH(
      FlatParameters({{"b", &layer}}),
      "FlatParameters: parameter 'b.weight' is already part of another FlatParameters");
  CHECK_THROWS_WITH(layer.convert(DType::f64),
                    "convert: parameter 'weight' is already part of FlatParameters");
}

}  // namespace pisr
