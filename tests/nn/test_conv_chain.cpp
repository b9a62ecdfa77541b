#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "core/philox.h"
#include "nn/conv_chain.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

void randomise(const Module& module) {
  Random random(3, RandomUse::test, 0);
  for (const NamedParameter& named : module.parameters()) {
    for (float& value : named.parameter->value.values<float>()) {
      value = static_cast<float>(random.uniform(-0.5, 0.5));
    }
  }
}

Tensor noise(const Shape& shape) {
  Tensor tensor = Tensor::empty(shape);
  Random random(4, RandomUse::test, 0);
  for (float& value : tensor.values<float>()) {
    value = static_cast<float>(random.uniform(-1, 1));
  }
  return tensor;
}

/// A layer that is no convolution.
class Doubling final : public Layer {
 public:
  Variable operator()(const Variable& x) const override { return x * 2.0; }
};

void check_bits_of_layers(const Sequential& network, const Shape& input) {
  const Tensor x = noise(input);
  Context context;
  Tape tape(context, Tape::Mode::inference);
  const Tensor wanted = network(tape.constant(x)).value();

  ConvChain chain;
  chain.append(network);
  CHECK(chain.output_shape(input) == wanted.shape());
  Tensor y = Tensor::empty(wanted.shape());
  for (float& value : y.values<float>()) {
    value = std::numeric_limits<float>::quiet_NaN();
  }
  Context own;
  chain.run(own, x, y);
  CHECK(std::memcmp(y.data<float>(), wanted.data<float>(),
                    static_cast<std::size_t>(y.count()) * sizeof(float)) == 0);

  // Some rows alone.
  const std::int64_t height = wanted.shape()[2];
  const std::int64_t width = wanted.shape()[3];
  for (const auto& [first, past] : {std::pair<std::int64_t, std::int64_t>{0, 1},
                                    {height - 1, height},
                                    {height / 3, height / 2 + 1},
                                    {0, height}}) {
    CAPTURE(first, past, height);
    for (float& value : y.values<float>()) {
      value = std::numeric_limits<float>::quiet_NaN();
    }
    own.arena().reset();
    chain.run_rows(own, x, y, first, past);
    for (std::int64_t plane = 0; plane < wanted.shape()[0] * wanted.shape()[1]; ++plane) {
      const std::int64_t begin = (plane * height + first) * width;
      CHECK(std::memcmp(y.data<float>() + begin, wanted.data<float>() + begin,
                        static_cast<std::size_t>((past - first) * width) * sizeof(float)) == 0);
    }
  }
  for (const auto& [first, past] :
       {std::pair<std::int64_t, std::int64_t>{-1, 1}, {0, height + 1}, {1, 1}, {2, 1}}) {
    CHECK_THROWS_AS(chain.run_rows(own, x, y, first, past), ShapeError);
  }
}

TEST_CASE("conv_chain: any sequence of convolutions and PReLUs") {
  Sequential inner;
  Sequential network;
  network.add<Conv2d>(2, 6, 3, Conv2dOptions{.stride = 2, .padding = 1});
  network.add<Prelu>(6);
  Sequential& middle = network.add<Sequential>();
  middle.add<Conv2dPrelu>(6, 4, 3, Conv2dOptions{.padding = 1, .groups = 2});
  middle.add<Conv2d>(4, 4, 1, Conv2dOptions{}, false);
  network.add<ConvTranspose2d>(
      4, 3, 5, ConvTranspose2dOptions{.stride = 2, .padding = 2, .output_padding = 1}, false);
  network.add<Prelu>();
  network.add<Conv2d>(3, 2, 3, Conv2dOptions{.padding = 1, .padding_mode = PaddingMode::replicate});
  randomise(network);
  check_bits_of_layers(network, {2, 2, 21, 34});
  check_bits_of_layers(network, {1, 2, 1, 1});
}

TEST_CASE("conv_chain: LeakyReLU and ReLU, for any number of threads") {
  Sequential network;
  network.add<Conv2d>(2, 5, 3, Conv2dOptions{.padding = 1});
  network.add<LeakyRelu>(0.2);
  network.add<Conv2d>(5, 4, 1);
  network.add<Relu>();
  network.add<ConvTranspose2d>(
      4, 3, 5, ConvTranspose2dOptions{.stride = 2, .padding = 2, .output_padding = 1});
  network.add<LeakyRelu>(-0.1);
  network.add<Conv2d>(3, 2, 3, Conv2dOptions{.padding = 1}, false);
  network.add<Relu>();
  randomise(network);
  check_bits_of_layers(network, {2, 2, 21, 34});
  check_bits_of_layers(network, {1, 2, 1, 1});

  const Tensor x = noise({1, 2, 40, 33}).to(DType::f64);
  network.convert(DType::f64);
  ConvChain chain;
  chain.append(network);
  const auto result = [&](int threads) {
    ThreadPool pool(threads);
    Context context(pool);
    const Tensor y = Tensor::empty(chain.output_shape(x.shape()), DType::f64);
    chain.run(context, x, y);
    return y;
  };
  const Tensor serial = result(1);
  for (const int threads : {2, 3, 8}) {
    CHECK(std::ranges::equal(result(threads).values<double>(), serial.values<double>()));
  }
  Context context;
  Tape tape(context, Tape::Mode::inference);
  CHECK(std::ranges::equal(network(tape.constant(x)).value().values<double>(),
                           serial.values<double>()));
}

TEST_CASE("conv_chain: has the parameters that the layers had") {
  Sequential network;
  network.add<Conv2dPrelu>(1, 3, 3);
  network.add<Conv2d>(3, 2, 1);
  randomise(network);
  Context context;
  const Tensor x = noise({1, 1, 6, 5});
  const auto result = [&](const ConvChain& chain) {
    const Tensor y = Tensor::empty(chain.output_shape(x.shape()));
    chain.run(context, x, y);
    return y;
  };
  ConvChain chain;
  chain.append(network);
  const Tensor before = result(chain);
  for (const NamedParameter& named : network.parameters()) {
    CAPTURE(named.name);
    for (float& value : named.parameter->value.values<float>()) {
      value += 0.5F;
    }
    CHECK(std::ranges::equal(result(chain).values<float>(), before.values<float>()));
    ConvChain later;
    later.append(network);
    CHECK(!std::ranges::equal(result(later).values<float>(), before.values<float>()));
  }
}

TEST_CASE("conv_chain: what it refuses") {
  const auto appended = [](const Layer& layer) -> std::string {
    return thrown([&] { ConvChain().append(layer); }).what();
  };
  CHECK(contains(appended(Doubling()), "takes convolutions"));
  CHECK(contains(appended(Prelu()), "must follow a convolution"));
  CHECK(contains(appended(LeakyRelu(0.1)), "a LeakyReLU must follow a convolution"));
  CHECK(contains(appended(Relu()), "a ReLU must follow a convolution"));
  Sequential rectified_twice;
  rectified_twice.add<Conv2d>(1, 2, 3);
  rectified_twice.add<Relu>();
  rectified_twice.add<LeakyRelu>(0.1);
  CHECK(contains(appended(rectified_twice), "must follow a convolution"));
  Sequential twice;
  twice.add<Conv2dPrelu>(1, 2, 3);
  twice.add<Prelu>();
  CHECK(contains(appended(twice), "a PReLU must follow a convolution"));
  Sequential slopes;
  slopes.add<Conv2d>(1, 2, 3);
  slopes.add<Prelu>(3);
  CHECK(contains(appended(slopes), "1 slope or one for each of the 2 channels, got 3"));

  const auto run = [](const Sequential& network, const Shape& input, const Shape& output) {
    return thrown([&] {
      Context context;
      ConvChain chain;
      chain.append(network);
      chain.run(context, noise(input), Tensor::empty(output));
    });
  };
  Sequential network;
  network.add<Conv2d>(1, 4, 3);
  network.add<Conv2d>(3, 2, 3);
  CHECK(contains(run(network, {1, 1, 9, 9}, {1, 2, 5, 5}).what(),
                 "convolution 1 takes an input [n, 3, h, w] (input [1,4,7,7], weight [2,3,3,3])"));
  Sequential large;
  large.add<Conv2d>(1, 1, 5);
  CHECK(contains(run(large, {1, 1, 4, 9}, {1, 1, 1, 5}).what(), "kernel larger"));
  CHECK(contains(run(large, {1, 1, 6, 6}, {1, 1, 6, 6}).what(), "the output must be [1,1,2,2]"));
  Sequential empty;
  CHECK(run(empty, {1, 1, 6, 6}, {1, 1, 6, 6}).kind() == ErrorKind::usage);
  Sequential cut;
  cut.add<ConvTranspose2d>(1, 1, 1, ConvTranspose2dOptions{.padding = 1});
  CHECK(contains(run(cut, {1, 1, 2, 2}, {1, 1, 1, 1}).what(), "leaves nothing"));
}

}  // namespace
}  // namespace pisr
