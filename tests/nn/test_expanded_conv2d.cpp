#include <string>
#include <vector>

#include "nn/expanded_conv2d.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/gradcheck.h"
#include "tests/worse.h"

namespace pisr {
namespace {

constexpr ExpandedConv2dOptions kExpanded{
    .expanded_channels = 7, .with_identity = true, .slopes = 4, .convolution = {.padding = 1}};

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const NamedParameter& named : module.parameters()) {
    result.push_back(named.name);
  }
  return result;
}

const Tensor& value_of(const Module& module, const std::string& name) {
  for (const NamedParameter& named : module.parameters()) {
    if (named.name == name) {
      return named.parameter->value;
    }
  }
  throw std::out_of_range(name);
}

Tensor random_tensor(const Shape& shape, DType dtype) {
  const Tensor tensor = Tensor::empty(shape, dtype);
  Random random(1, RandomUse::test, 0);
  with_type(dtype, [&]<class T>() {
    for (T& value : tensor.values<T>()) {
      value = static_cast<T>(random.uniform(-1, 1));
    }
  });
  return tensor;
}

/// The two convolutions that the layer stands for, one after the other.
Variable two_convolutions(const ExpandedConv2d& layer, const Variable& x, bool with_identity) {
  Tape& tape = x.tape();
  const Variable wide =
      conv2d(x, tape.constant(value_of(layer, "expansion")), Variable(), {.padding = 1});
  const Variable y = conv2d(wide, tape.constant(value_of(layer, "projection")),
                            tape.constant(value_of(layer, "bias")));
  return with_identity ? y + x : y;
}

double furthest(const Variable& a, const Variable& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.value().count(); ++i) {
    worst = worse(worst, std::abs(a.value().data<double>()[i] - b.value().data<double>()[i]));
  }
  return worst;
}

}  // namespace

TEST_CASE("an expanded convolution is two convolutions, with and without the identity") {
  for (const bool with_identity : {false, true}) {
    for (const int slopes : {0, 1, 4}) {
      CAPTURE(with_identity, slopes);
      ExpandedConv2dOptions options = kExpanded;
      options.with_identity = with_identity;
      options.slopes = slopes;
      ExpandedConv2d layer(4, 4, 3, options);
      initialise(layer, 5);
      layer.convert(DType::f64);
      Context context(Backend::naive);
      Tape tape(context, Tape::Mode::inference);
      const Variable x = tape.constant(random_tensor({2, 4, 5, 6}, DType::f64));
      Variable wanted = two_convolutions(layer, x, with_identity);
      if (slopes > 0) {
        wanted = prelu(wanted, tape.constant(value_of(layer, "slope")));
      }
      CHECK(furthest(layer(x), wanted) < 1e-12);
    }
  }
}

TEST_CASE("an expanded convolution's parameters, and what may be trained of them") {
  ExpandedConv2d layer(4, 4, 3, kExpanded);
  CHECK(names(layer) ==
        std::vector<std::string>{"expansion", "projection", "bias", "slope", "identity"});
  CHECK(value_of(layer, "expansion").shape() == Shape{7, 4, 3, 3});
  CHECK(value_of(layer, "projection").shape() == Shape{4, 7, 1, 1});
  for (const NamedParameter& named : layer.parameters()) {
    CHECK(named.parameter->trainable == (named.name != "identity"));
  }
  ExpandedConv2d bare(4, 2, 3, {.expanded_channels = 7, .convolution = {}});
  CHECK(names(bare) == std::vector<std::string>{"expansion", "projection", "bias"});
}

TEST_CASE("He's product of two kernels varies as He's one kernel does") {
  constexpr int kChannels = 32;
  ExpandedConv2d layer(kChannels, kChannels, 3,
                       {.expanded_channels = 512, .convolution = {.padding = 1}});
  initialise(layer, 1, Initialisation::he);
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Tensor weight = layer.merged_weight(tape).value();
  double squares = 0;
  for (const float value : weight.values<float>()) {
    squares += static_cast<double>(value) * value;
  }
  CHECK(squares / static_cast<double>(weight.count()) ==
        Approx(2.0 / ((1 + 0.25 * 0.25) * 9 * kChannels)).epsilon(0.05));
}

TEST_CASE("gradients flow through both kernels of an expanded convolution") {
  ExpandedConv2d layer(4, 4, 3, kExpanded);
  initialise(layer, 2);
  layer.convert(DType::f64);
  std::vector<Parameter*> parameters;
  for (const NamedParameter& named : layer.parameters()) {
    if (named.parameter->trainable) {
      parameters.push_back(named.parameter);
    }
  }
  Context context;
  const GradientReport report = check_gradient(
      context, [&](Tape&, const std::vector<Variable>& inputs) { return layer(inputs[0]); },
      {random_tensor({1, 4, 3, 4}, DType::f64)}, parameters);
  CAPTURE(report.where);
  CHECK(report.passed());
}

TEST_CASE("an expanded convolution merges into one with the same bits") {
  ExpandedConv2d with_prelu(4, 4, 3, kExpanded);
  ExpandedConv2d without(4, 5, 3, {.expanded_channels = 9, .convolution = {.padding = 1}});
  Conv2dPrelu one_with_prelu(4, 4, 3, {.padding = 1}, 4);
  Conv2d one_without(4, 5, 3, {.padding = 1});
  initialise(with_prelu, 3);
  initialise(without, 4);
  with_prelu.merge_into(one_with_prelu);
  without.merge_into(one_without);
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Variable x = tape.constant(random_tensor({1, 4, 9, 11}, DType::f32));
  const auto same = [](const Variable& a, const Variable& b) {
    return std::ranges::equal(a.value().values<float>(), b.value().values<float>());
  };
  CHECK(same(with_prelu(x), one_with_prelu(x)));
  CHECK(same(without(x), one_without(x)));

  Conv2d other(4, 4, 3, {.padding = 1});
  CHECK_THROWS_AS(with_prelu.merge_into(other), ShapeError);
  Conv2dPrelu one_slope(4, 4, 3, {.padding = 1}, 1);
  CHECK_THROWS_AS(with_prelu.merge_into(one_slope), ShapeError);
  Conv2d larger(4, 5, 5, {.padding = 2});
  CHECK_THROWS_AS(without.merge_into(larger), ShapeError);
}

TEST_CASE("an expanded convolution that cannot be is refused") {
  CHECK_THROWS_WITH(ExpandedConv2d(4, 4, 3, {.expanded_channels = 0, .convolution = {}}),
                    "ExpandedConv2d: channels and kernel must be at least 1, got channels 4, 0 "
                    "and 4, kernel 3");
  CHECK_THROWS_WITH(
      ExpandedConv2d(4, 5, 3, {.with_identity = true, .convolution = {}}),
      "ExpandedConv2d: the identity wants as many channels in as out and an odd kernel, got "
      "channels 4 and 5, kernel 3");
  CHECK_THROWS_WITH(ExpandedConv2d(4, 4, 2, {.with_identity = true, .convolution = {}}),
                    Catch::Contains("kernel 2"));
  CHECK_THROWS_WITH(ExpandedConv2d(4, 4, 3, {.slopes = 3, .convolution = {}}),
                    Catch::Contains("got 3"));
  CHECK_THROWS_WITH(ExpandedConv2d(4, 4, 3, {.convolution = {.groups = 2}}),
                    "ExpandedConv2d: groups must be 1, got 2");
}

}  // namespace pisr
