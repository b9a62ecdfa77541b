// Modules, Adam and inference on a device, by the emulated one.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/philox.h"
#include "kernels/emulator/emulated_device.h"
#include "nn/adam.h"
#include "nn/clip.h"
#include "nn/conv_chain.h"
#include "nn/ema.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/worse.h"

namespace pisr {
namespace {

using kernels::emulator::EmulatedDevice;

/// Two convolutions, a PReLU and a transposed convolution.
class Network final : public Layer {
 public:
  Network() {
    layers.add<Conv2dPrelu>(1, 3, 3, Conv2dOptions{.padding = 1}, 3);
    layers.add<Conv2d>(3, 2, 1);
    layers.add<ConvTranspose2d>(
        2, 1, 5, ConvTranspose2dOptions{.stride = 2, .padding = 2, .output_padding = 1});
    add_child("layers", layers);
    initialise(*this, 3);
  }
  Variable operator()(const Variable& x) const override { return layers(x); }
  void append_to(ConvChain& chain) const override { chain.append(layers); }

  Sequential layers;
};

Tensor noise(const Shape& shape, std::uint64_t index) {
  Tensor tensor = Tensor::empty(shape);
  Random random(4, RandomUse::test, index);
  for (float& value : tensor.values<float>()) {
    value = static_cast<float>(random.uniform(0, 1));
  }
  return tensor;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const Tensor first = a.to(nullptr), second = b.to(nullptr);
  REQUIRE(first.shape() == second.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < first.count(); ++i) {
    const double error = std::abs(first.data<float>()[i] - second.data<float>()[i]);
    worst = worse(worst, error);
  }
  return worst;
}

struct Trained {
  std::vector<double> losses, norms;
  Tensor values, average;
};

Trained train(Context& context) {
  Network network;
  network.move_to(context.device());
  const FlatParameters parameters({{"", &network}});
  CHECK(parameters.values().device() == context.device());
  const Tensor gradient = parameters.make_gradient();
  Adam adam(parameters);
  ExponentialMovingAverage average(parameters, 0.5);
  const Tensor x = noise({2, 1, 6, 7}, 0).to(context.device());
  const Tensor target = noise({2, 1, 12, 14}, 1).to(context.device());
  Trained trained;
  Tape tape(context);
  for (int i = 0; i < 3; ++i) {
    tape.reset();
    gradient.set_zero();
    const Variable loss = l1_loss(network(tape.constant(x)), tape.constant(target));
    tape.backward(loss, gradient);
    trained.losses.push_back(loss.value().item());
    trained.norms.push_back(gradient_norm(context, gradient));
    adam.step(context, gradient, 1e-2, clip_scale(trained.norms.back(), 0.5));
    average.update(context);
  }
  const AverageInPlace in_place(&average);
  trained.values = parameters.values().to(nullptr).clone();
  trained.average = average.average().to(nullptr).clone();
  return trained;
}

}  // namespace

TEST_CASE("device: three steps of training as on the CPU", "[device]") {
  Context cpu;
  const Trained expected = train(cpu);
  CHECK(expected.losses[2] < expected.losses[0]);
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    const Trained got = train(context);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(got.losses[i] == Approx(expected.losses[i]).epsilon(1e-6));
      CHECK(got.norms[i] == Approx(expected.norms[i]).epsilon(1e-5));
    }
    CHECK(largest_difference(got.values, expected.values) <= 1e-6);
    CHECK(largest_difference(got.average, expected.average) <= 1e-6);
  });
}

TEST_CASE("device: a chain of convolutions has the bits of its layers", "[device]") {
  Context cpu;
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    Network network;
    ConvChain chain;
    chain.append(network);
    const Tensor x = noise({1, 1, 9, 8}, 2);
    const Tensor on_cpu = Tensor::empty(chain.output_shape(x.shape()));
    chain.run(cpu, x, on_cpu);

    const Tensor far_x = x.to(&device);
    const Tensor y = Tensor::empty(on_cpu.shape(), DType::f32, &device);
    CHECK_THROWS_WITH(chain.run(context, far_x, y),
                      "conv_chain: input, output and parameters must be on " + device.name() +
                          ", got f32[3,1,3,3] on cpu");
    CHECK_THROWS_AS(chain.run(cpu, far_x, on_cpu), ShapeError);
    network.move_to(&device);
    ConvChain far;
    far.append(network);
    CHECK_THROWS_AS(far.run(context, x, y), ShapeError);
    far.run(context, far_x, y);
    Tape tape(context, Tape::Mode::inference);
    CHECK(largest_difference(network(tape.constant(far_x)).value(), y) == 0);
    CHECK(largest_difference(on_cpu, y) <= 1e-6);
  });
}

TEST_CASE("device: a chain with LeakyReLU and ReLU has the bits of its layers", "[device]") {
  for_each_device([&](kernels::Device& device, CaseSize) {
    Sequential network;
    network.add<Conv2d>(1, 5, 3, Conv2dOptions{.padding = 1});
    network.add<LeakyRelu>(0.1);
    network.add<Conv2d>(5, 4, 1);
    network.add<Relu>();
    network.add<ConvTranspose2d>(
        4, 2, 5, ConvTranspose2dOptions{.stride = 2, .padding = 2, .output_padding = 1});
    network.add<LeakyRelu>(0.3);
    initialise(network, 3);
    network.move_to(&device);
    ConvChain chain;
    chain.append(network);
    Context context(device);
    const Tensor x = noise({1, 1, 9, 8}, 2).to(&device);
    const Tensor y = Tensor::empty({1, 2, 18, 16}, DType::f32, &device);
    chain.run(context, x, y);
    Tape tape(context, Tape::Mode::inference);
    CHECK(largest_difference(network(tape.constant(x)).value(), y) == 0);
  });
}

TEST_CASE("device: a chain puts its weights in order once, and never has other ones", "[device]") {
  for_each_device(
      [](kernels::Device& device, CaseSize) {
        const auto* const emulated = dynamic_cast<EmulatedDevice*>(&device);
        const auto launches = [&](auto&& work) {
          const long before = emulated == nullptr ? 0 : emulated->launches();
          work();
          return emulated == nullptr ? -1 : emulated->launches() - before;
        };
        Sequential network;  // all by tiles of the image
        network.add<Conv2dPrelu>(8, 9, 3, Conv2dOptions{.padding = 1});
        network.add<ConvTranspose2d>(
            9, 8, 5, ConvTranspose2dOptions{.stride = 2, .padding = 2, .output_padding = 1});
        initialise(network, 3);
        network.move_to(&device);
        Context context(device);
        const auto layers = [&](const Tensor& x) {
          Tape tape(context, Tape::Mode::inference);
          tape.reset();
          return network(tape.constant(x)).value().to(nullptr);
        };
        const Tensor x = noise({1, 8, 9, 8}, 2).to(&device);
        const Tensor y = Tensor::empty({1, 8, 18, 16}, DType::f32, &device);
        const Tensor first = layers(x);

        ConvChain chain;
        chain.append(network);
        CHECK_THROWS_AS(context.capture([&] { chain.run(context, x, y); }), Error);
        const long of_first = launches([&] { chain.run(context, x, y); });
        CHECK(largest_difference(y, first) == 0);
        y.set_zero();
        const long of_next = launches([&] { chain.run(context, x, y); });
        CHECK(largest_difference(y, first) == 0);
        if (emulated != nullptr) {
          CHECK(of_first == 4);
          CHECK(of_next == 2);
        }

        CapturedStep captured = context.capture([&] { chain.run(context, x, y); });
        for (const NamedParameter& named : network.parameters()) {
          named.parameter->value.copy_from(noise(named.parameter->value.shape(), 5).to(&device));
        }
        y.set_zero();
        const long of_replay = launches([&] { captured.replay(); });
        CHECK(largest_difference(y, first) == 0);
        CHECK(of_replay == of_next);

        ConvChain later;
        later.append(network);
        later.run(context, x, y);
        CHECK(largest_difference(y, layers(x)) == 0);
        CHECK(largest_difference(y, first) > 0.01);
        // What is in order is of no size of an image.
        const Tensor larger = noise({2, 8, 21, 37}, 6).to(&device);
        const Tensor of_larger = Tensor::empty({2, 8, 42, 74}, DType::f32, &device);
        later.run(context, larger, of_larger);
        CHECK(largest_difference(of_larger, layers(larger)) == 0);
      },
      kernels::Precision::tf32);
}

TEST_CASE("device: modules move there and back", "[device]") {
  EmulatedDevice device;
  Network network;
  const Tensor weight = network.parameters().front().parameter->value;
  network.move_to(&device);
  CHECK(network.parameters().back().parameter->value.device() == &device);
  CHECK(device.used() > 0);
  network.move_to(nullptr);
  CHECK(device.used() == 0);
  CHECK(largest_difference(network.parameters().front().parameter->value, weight) == 0);

  Network other;
  other.move_to(&device);
  CHECK_THROWS_WITH(FlatParameters({{"a", &network}, {"b", &other}}),
                    "FlatParameters: parameter 'b.layers.0.weight' is on emulated CUDA device, "
                    "'a.layers.0.weight' is on cpu");
  const FlatParameters parameters({{"a", &other}});
  CHECK_THROWS_WITH(other.move_to(nullptr),
                    "move_to: parameter 'layers.0.weight' is already part of FlatParameters");
  const Tensor gradient = parameters.make_gradient();
  const Tensor bad = Tensor::full({1}, std::numeric_limits<double>::infinity());
  gradient.slice_flat(27, {1}).copy_from(bad);
  Context context(device);
  CHECK(!std::isfinite(gradient_norm(context, gradient)));
  CHECK(first_non_finite(parameters, gradient) == "a.layers.0.bias");
}

}  // namespace pisr
