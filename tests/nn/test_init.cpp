#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"

namespace pisr {
namespace {

struct Moments {
  double mean, deviation, largest;
};

Moments moments(const Tensor& tensor) {
  double sum = 0.0;
  double squares = 0.0;
  double largest = 0.0;
  for (const float value : tensor.values<float>()) {
    sum += value;
    squares += static_cast<double>(value) * value;
    largest = std::max(largest, static_cast<double>(std::abs(value)));
  }
  const double count = static_cast<double>(tensor.count());
  const double mean = sum / count;
  return {mean, std::sqrt(squares / count - mean * mean), largest};
}

/// Statistics of n samples differ from the truth by a few deviations / sqrt(n).
double tolerance(double deviation, const Tensor& tensor) {
  return 4.0 * deviation / std::sqrt(static_cast<double>(tensor.count()));
}

bool equal(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(a.values<float>(), b.values<float>());
}

}  // namespace

TEST_CASE("the default initialisation is PyTorch's") {
  Conv2d conv(16, 32, 5, {.padding = 2, .groups = 2});
  initialise(conv, 1);
  const double bound = 1.0 / std::sqrt(16 / 2 * 25.0);
  const Moments weight = moments(conv.weight.value);
  CHECK(weight.largest <= bound);
  CHECK(weight.largest > 0.99 * bound);
  CHECK(std::abs(weight.mean) < tolerance(bound, conv.weight.value));
  CHECK(weight.deviation == Approx(bound / std::sqrt(3.0)).epsilon(0.03));
  const Moments bias = moments(conv.bias->value);
  CHECK(bias.largest <= bound);
  CHECK(bias.largest > 0.7 * bound);
}

TEST_CASE("a transposed convolution's fan-in counts its output channels") {
  ConvTranspose2d layer(56, 2, 9);
  initialise(layer, 1);
  const double bound = 1.0 / std::sqrt(2 * 81.0);
  const Moments weight = moments(layer.weight.value);
  CHECK(weight.largest <= bound);
  CHECK(weight.largest > 0.99 * bound);
  CHECK(weight.deviation == Approx(bound / std::sqrt(3.0)).epsilon(0.03));
}

TEST_CASE("slopes start at 0.25") {
  Prelu layer(7);
  for (const Initialisation initialisation : {Initialisation::uniform, Initialisation::he}) {
    initialise(layer, 1, initialisation);
    CHECK(std::ranges::count(layer.slope.value.values<float>(), 0.25F) == 7);
  }
}

TEST_CASE("shares of a mean start equal, their sum 1") {
  class Mean final : public Module {
   public:
    Mean() : shares(add_parameter("shares", {8}, ParameterRole::share)) {}
    const Parameter& shares;
  };
  Mean mean;
  for (const Initialisation initialisation : {Initialisation::uniform, Initialisation::he}) {
    initialise(mean, 1, initialisation);
    CHECK(std::ranges::count(mean.shares.value.values<float>(), 0.125F) == 8);
  }
}

TEST_CASE("He's initialisation is normal with the gain of a PReLU") {
  Sequential layers;
  Conv2d& conv = layers.add<Conv2d>(16, 32, 5);
  ConvTranspose2d& transposed = layers.add<ConvTranspose2d>(56, 2, 9);
  initialise(layers, 1, Initialisation::he);
  const double deviation = std::sqrt(2.0 / (1.0625 * 16 * 25));
  const Moments weight = moments(conv.weight.value);
  CHECK(std::abs(weight.mean) < tolerance(deviation, conv.weight.value));
  CHECK(weight.deviation == Approx(deviation).epsilon(0.03));
  CHECK(weight.largest > 3.0 * deviation);
  CHECK(moments(transposed.weight.value).deviation == Approx(0.001).epsilon(0.03));
  CHECK(moments(conv.bias->value).largest == 0.0);
  CHECK(moments(transposed.bias->value).largest == 0.0);
}

TEST_CASE("initial values are a function of the seed and the parameter's number") {
  const auto made = [](std::uint64_t seed) {
    auto layers = std::make_unique<Sequential>();
    layers->add<Conv2d>(3, 4, 3);
    layers->add<Conv2d>(3, 4, 3);
    initialise(*layers, seed);
    return layers;
  };
  const auto first = made(1);
  const auto again = made(1);
  const auto other = made(2);
  const auto a = first->parameters();
  const auto b = again->parameters();
  const auto c = other->parameters();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(equal(a[i].parameter->value, b[i].parameter->value));
    CHECK_FALSE(equal(a[i].parameter->value, c[i].parameter->value));
  }
  CHECK_FALSE(equal(a[0].parameter->value, a[2].parameter->value));
}

TEST_CASE("f64 parameters start at the numbers that f32 ones are rounded from") {
  Conv2d single(3, 4, 3);
  Conv2d twice(3, 4, 3);
  twice.convert(DType::f64);
  initialise(single, 5);
  initialise(twice, 5);
  CHECK(equal(single.weight.value, twice.weight.value.to(DType::f32)));
}

TEST_CASE("channels are passed on by every convolution, and nothing else is changed") {
  Sequential layers;
  layers.add<Conv2dPrelu>(2, 5, 5, Conv2dOptions{.padding = 2});
  layers.add<Conv2d>(5, 3, 1);
  layers.add<ConvTranspose2d>(3, 2, 3);
  const auto values = [&] {
    std::vector<std::vector<float>> result;
    for (const NamedParameter& named : layers.parameters()) {
      const auto numbers = named.parameter->value.values<float>();
      result.emplace_back(numbers.begin(), numbers.end());
    }
    return result;
  };
  initialise(layers, 1);
  const auto drawn = values();
  pass_channels_on(layers, 2);
  const auto passed = values();
  for (const std::size_t weight : {std::size_t{0}, std::size_t{3}}) {
    CAPTURE(weight);
    const std::size_t count = drawn[weight].size() / drawn[weight + 1].size();
    const std::size_t taps = weight == 0 ? 25 : 1;
    for (std::size_t i = 0; i < drawn[weight].size(); ++i) {
      const std::size_t channel = i / count;
      const float wanted = i % count == channel * taps + taps / 2 ? 1.0F : 0.0F;
      REQUIRE(passed[weight][i] == (channel < 2 ? wanted : drawn[weight][i]));
    }
    for (std::size_t i = 0; i < drawn[weight + 1].size(); ++i) {
      CHECK(passed[weight + 1][i] == (i < 2 ? 0.0F : drawn[weight + 1][i]));
    }
  }
  CHECK(passed[2] == drawn[2]);  // slopes
  CHECK(passed[5] == drawn[5]);  // the weight of the transposed convolution
  CHECK(passed[6] == std::vector<float>{0, 0});
}

TEST_CASE("an interpolating kernel is Keys's cubic, or linear where that does not fit") {
  const auto row_of = [](int kernel, int stride, int padding) {
    const Tensor weight = Tensor::full({3, 1, kernel, kernel}, 7.0F);
    set_interpolation(weight, stride, padding);
    const float* const values = weight.data<float>();
    double sum = 0;
    std::vector<double> row(static_cast<std::size_t>(kernel));
    for (std::int64_t i = 0; i < std::int64_t{kernel} * kernel; ++i) {
      row[static_cast<std::size_t>(i % kernel)] += values[i] / stride;
      sum += values[i];
    }
    CHECK(sum == Approx(stride * stride));
    CHECK(std::all_of(values + kernel * kernel, values + 3 * kernel * kernel,
                      [](float value) { return value == 0; }));
    return row;
  };
  const auto check = [](const std::vector<double>& got, const std::vector<double>& wanted) {
    REQUIRE(got.size() == wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(got[i] == Approx(wanted[i]).margin(1e-7));
    }
  };
  check(row_of(9, 2, 4), {0, -3 / 128.0, -9 / 128.0, 29 / 128.0, 111 / 128.0, 111 / 128.0,
                          29 / 128.0, -9 / 128.0, -3 / 128.0});
  check(row_of(9, 3, 4), {0, 0, 0, 1 / 3.0, 2 / 3.0, 1, 2 / 3.0, 1 / 3.0, 0});
  // The second tap of the first output lies outside the kernel: its first one has the whole weight.
  check(row_of(9, 4, 4), {0, 0, 1 / 8.0, 3 / 8.0, 5 / 8.0, 1, 7 / 8.0, 5 / 8.0, 3 / 8.0});
  check(row_of(2, 2, 0), {1, 1});
  check(row_of(9, 1, 4), {0, 0, 0, 0, 1, 0, 0, 0, 0});
}

}  // namespace pisr
