#include <limits>

#include "nn/layers.h"
#include "tests/catch.h"

namespace pisr {
namespace {

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const NamedParameter& named : module.parameters()) {
    result.push_back(named.name);
  }
  return result;
}

/// Fills parameters and inputs with different, small numbers.
void number(const Tensor& tensor, double first) {
  double value = first;
  for (float& x : tensor.values<float>()) {
    x = static_cast<float>(value);
    value = value > 0.4 ? -0.5 : value + 0.07;
  }
}

void check_equal(const Variable& a, const Variable& b) {
  REQUIRE(a.shape() == b.shape());
  for (std::int64_t i = 0; i < a.value().count(); ++i) {
    CHECK(a.value().data<float>()[i] == b.value().data<float>()[i]);
  }
}

}  // namespace

TEST_CASE("Conv2d names its parameters and computes conv2d") {
  const Conv2dOptions options{.stride = 2, .padding = 1, .groups = 2};
  Conv2d layer(4, 6, 3, options);
  CHECK(names(layer) == std::vector<std::string>{"weight", "bias"});
  CHECK(layer.weight.value.shape() == Shape{6, 2, 3, 3});
  CHECK(layer.bias->value.shape() == Shape{6});
  CHECK(layer.parameter_count() == 6 * 2 * 9 + 6);
  number(layer.weight.value, -0.3);
  number(layer.bias->value, 0.1);

  Context context(Backend::naive);
  Tape tape(context, Tape::Mode::inference);
  const Tensor x = Tensor::zeros({2, 4, 5, 7});
  number(x, 0.2);
  const Variable input = tape.constant(x);
  const Variable y = layer(input);
  CHECK(y.shape() == Shape{2, 6, 3, 4});
  check_equal(y, conv2d(input, tape.constant(layer.weight.value), tape.constant(layer.bias->value),
                        options));
}

TEST_CASE("layers without bias have only a weight") {
  Conv2d conv(3, 2, 1, {}, false);
  ConvTranspose2d transposed(3, 2, 1, {}, false);
  CHECK(conv.bias == nullptr);
  CHECK(transposed.bias == nullptr);
  CHECK(names(conv) == std::vector<std::string>{"weight"});
  Context context(Backend::naive);
  Tape tape(context, Tape::Mode::inference);
  CHECK(conv(tape.constant(Tensor::zeros({1, 3, 2, 2}))).shape() == Shape{1, 2, 2, 2});
  CHECK(transposed(tape.constant(Tensor::zeros({1, 3, 2, 2}))).shape() == Shape{1, 2, 2, 2});
}

TEST_CASE("ConvTranspose2d names its parameters and computes conv_transpose2d") {
  const ConvTranspose2dOptions options{.stride = 2, .padding = 2, .output_padding = 1, .groups = 2};
  ConvTranspose2d layer(4, 6, 5, options);
  CHECK(layer.weight.value.shape() == Shape{4, 3, 5, 5});
  CHECK(layer.bias->value.shape() == Shape{6});
  number(layer.weight.value, -0.3);
  number(layer.bias->value, 0.1);

  Context context(Backend::naive);
  Tape tape(context, Tape::Mode::inference);
  const Tensor x = Tensor::zeros({1, 4, 3, 2});
  number(x, 0.2);
  const Variable input = tape.constant(x);
  const Variable y = layer(input);
  CHECK(y.shape() == Shape{1, 6, 6, 4});
  check_equal(y, conv_transpose2d(input, tape.constant(layer.weight.value),
                                  tape.constant(layer.bias->value), options));
}

TEST_CASE("Conv2dPrelu is a convolution and a PReLU") {
  for (const int slopes : {1, 5}) {
    Conv2dPrelu layer(2, 5, 3, {.padding = 1}, slopes);
    CHECK(names(layer) == std::vector<std::string>{"weight", "bias", "slope"});
    CHECK(layer.slope.value.shape() == Shape{slopes});
    Conv2d conv(2, 5, 3, {.padding = 1});
    Prelu activation(slopes);
    number(layer.weight.value, -0.3);
    number(layer.bias.value, 0.1);
    number(layer.slope.value, 0.2);
    conv.weight.value.copy_from(layer.weight.value);
    conv.bias->value.copy_from(layer.bias.value);
    activation.slope.value.copy_from(layer.slope.value);

    Context context(Backend::naive);
    Tape tape(context, Tape::Mode::inference);
    const Tensor x = Tensor::zeros({1, 2, 4, 3});
    number(x, 0.2);
    const Variable input = tape.constant(x);
    check_equal(layer(input), activation(conv(input)));
  }
}

TEST_CASE("LeakyRelu and Relu have no parameters and compute leaky_relu and relu") {
  const LeakyRelu leaky(0.125);
  const Relu rectifier;
  CHECK(names(leaky).empty());
  CHECK(names(rectifier).empty());
  Context context(Backend::naive);
  Tape tape(context, Tape::Mode::inference);
  const Tensor x = Tensor::zeros({1, 2, 4, 3});
  number(x, -0.3);
  const Variable input = tape.constant(x);
  check_equal(leaky(input), leaky_relu(input, 0.125));
  check_equal(rectifier(input), relu(input));
  CHECK(leaky(input).value().data<float>()[0] == -0.3F * 0.125F);
  CHECK(rectifier(input).value().data<float>()[0] == 0);
}

TEST_CASE("Sequential names its layers by number and applies them in order") {
  Sequential layers;
  CHECK(layers.size() == 0);
  Conv2dPrelu& first = layers.add<Conv2dPrelu>(1, 2, 3, Conv2dOptions{.padding = 1});
  Conv2d& second = layers.add<Conv2d>(2, 3, 1);
  CHECK(layers.size() == 2);
  CHECK(names(layers) ==
        std::vector<std::string>{"0.weight", "0.bias", "0.slope", "1.weight", "1.bias"});
  number(first.weight.value, -0.3);
  number(second.weight.value, 0.3);

  Context context(Backend::naive);
  Tape tape(context, Tape::Mode::inference);
  const Tensor x = Tensor::zeros({1, 1, 4, 3});
  number(x, 0.2);
  const Variable input = tape.constant(x);
  check_equal(layers(input), second(first(input)));
}

TEST_CASE("set_trainable and convert reach every parameter below a module") {
  Sequential layers;
  Conv2d& conv = layers.add<Conv2d>(2, 3, 1);
  layers.set_trainable(false);
  CHECK_FALSE(conv.weight.trainable);
  CHECK_FALSE(conv.bias->trainable);
  layers.set_trainable(true);
  CHECK(conv.weight.trainable);
  number(conv.weight.value, 0.25);
  layers.convert(DType::f64);
  CHECK(conv.weight.value.dtype() == DType::f64);
  CHECK(conv.weight.value.data<double>()[0] == 0.25);
}

TEST_CASE("layers that cannot exist are refused") {
  CHECK_THROWS_WITH(Conv2d(4, 6, 3, {.groups = 4}),
                    "Conv2d: groups must divide the channels, got 4 groups, channels 6 and 4");
  CHECK_THROWS_WITH(Conv2d(4, 0, 3),
                    "Conv2d: channels, kernel and groups must be at least 1, got channels 0 and 4, "
                    "kernel 3, groups 1");
  CHECK_THROWS_WITH(ConvTranspose2d(4, 6, 0),
                    "ConvTranspose2d: channels, kernel and groups must be at least 1, got channels "
                    "4 and 6, kernel 0, groups 1");
  CHECK_THROWS_WITH(Conv2dPrelu(4, 6, 3, {}, 4),
                    "Conv2dPrelu: slopes must be 1 or one for each of the 6 channels, got 4");
  CHECK_THROWS_WITH(LeakyRelu(std::numeric_limits<double>::infinity()),
                    "LeakyRelu: slope must be finite, got inf");
}

TEST_CASE("layers refuse an input that is on no tape or has other channels") {
  Conv2d layer(4, 6, 3);
  CHECK_THROWS_AS(layer(Variable()), ShapeError);
  Context context(Backend::naive);
  Tape tape(context);
  CHECK_THROWS_AS(layer(tape.constant(Tensor::zeros({1, 3, 5, 5}))), ShapeError);
}

}  // namespace pisr
