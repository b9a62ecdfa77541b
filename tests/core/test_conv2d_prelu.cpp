#include <cstring>
#include <vector>

#include "core/ops.h"
#include "core/philox.h"
#include "tests/catch.h"
#include "tests/devices.h"

namespace pisr {
namespace {

constexpr Conv2dOptions kOptions{1, 1};

Tensor random_tensor(Shape shape, std::size_t index) {
  Random random(7, RandomUse::test, index);
  Tensor tensor = Tensor::empty(shape);
  for (float& x : tensor.values<float>()) {
    x = static_cast<float>(random.uniform(-1, 1));
  }
  return tensor;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data<float>(), b.data<float>(),
                     static_cast<std::size_t>(a.count()) * sizeof(float)) == 0;
}

/// The result, and the gradients of all inputs.
std::vector<Tensor> results(bool in_one, Backend backend, std::int64_t slopes) {
  Context context(backend);
  Tape tape(context);
  std::vector<Variable> v;
  for (const Shape& shape : {Shape{2, 5, 9, 11}, Shape{6, 5, 3, 3}, Shape{6}, Shape{slopes}}) {
    v.push_back(tape.leaf(random_tensor(shape, v.size())));
  }
  const Variable y = in_one ? conv2d_prelu(v[0], v[1], v[2], v[3], kOptions)
                            : prelu(conv2d(v[0], v[1], v[2], kOptions), v[3]);
  tape.backward(sum(y * y));
  std::vector<Tensor> all{y.value().clone()};
  for (const Variable& input : v) {
    all.push_back(tape.gradient(input).clone());
  }
  return all;
}

}  // namespace

TEST_CASE("conv2d_prelu gives the bits of conv2d and prelu", "[ops]") {
  for (const Backend backend : {Backend::cpu, Backend::eigen, Backend::naive}) {
    for (const std::int64_t slopes : {1, 6}) {
      const std::vector<Tensor> one = results(true, backend, slopes);
      const std::vector<Tensor> two = results(false, backend, slopes);
      for (std::size_t i = 0; i < one.size(); ++i) {
        CAPTURE(static_cast<int>(backend), slopes, i);
        CHECK(same_bits(one[i], two[i]));
      }
    }
  }
}

TEST_CASE("conv2d_relu and conv2d_leaky_relu give the bits of two operations", "[ops]") {
  const auto outcome = [](Tape& tape, bool in_one, bool leaky) {
    std::vector<Variable> v;
    for (const Shape& shape : {Shape{2, 5, 9, 11}, Shape{6, 5, 3, 3}, Shape{6}}) {
      v.push_back(tape.leaf(random_tensor(shape, v.size())));
    }
    constexpr double kSlope = 0.05;
    if (!in_one) {
      const Variable y = conv2d(v[0], v[1], v[2], kOptions);
      v.push_back(leaky ? leaky_relu(y, kSlope) : relu(y));
    } else {
      v.push_back(leaky ? conv2d_leaky_relu(v[0], v[1], v[2], kSlope, kOptions)
                        : conv2d_relu(v[0], v[1], v[2], kOptions));
    }
    return v;
  };
  for (const Backend backend : {Backend::cpu, Backend::eigen, Backend::naive}) {
    for (const bool leaky : {false, true}) {
      CAPTURE(static_cast<int>(backend), leaky);
      Context context(backend);
      Tape inference(context, Tape::Mode::inference);
      const auto one = outcome(inference, true, leaky);
      const auto two = outcome(inference, false, leaky);
      CHECK(same_bits(one.back().value(), two.back().value()));
      Context other(backend);
      Tape tape(other);
      const auto recorded = outcome(tape, true, leaky);
      CHECK(same_bits(recorded.back().value(), two.back().value()));
      tape.backward(sum(recorded.back() * recorded.back()));
      std::vector<Tensor> gradients;
      for (std::size_t i = 0; i < 3; ++i) {
        gradients.push_back(tape.gradient(recorded[i]).clone());
      }
      tape.reset();
      const auto apart = outcome(tape, false, leaky);
      tape.backward(sum(apart.back() * apart.back()));
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(same_bits(gradients[i], tape.gradient(apart[i])));
      }
    }
  }
}

TEST_CASE("conv2d_prelu passes gradients to the wanted inputs only", "[ops]") {
  const std::vector<Shape> shapes = {{2, 5, 9, 11}, {6, 5, 3, 3}, {6}, {1}};
  const std::vector<Tensor> all = results(true, Backend::cpu, 1);
  for (std::size_t wanted = 0; wanted < shapes.size(); ++wanted) {
    Context context;
    Tape tape(context);
    std::vector<Variable> v;
    for (const Shape& shape : shapes) {
      const Tensor value = random_tensor(shape, v.size());
      v.push_back(v.size() == wanted ? tape.leaf(value) : tape.constant(value));
    }
    const Variable y = conv2d_prelu(v[0], v[1], v[2], v[3], kOptions);
    tape.backward(sum(y * y));
    CAPTURE(wanted);
    CHECK(same_bits(tape.gradient(v[wanted]), all[wanted + 1]));
  }
}

TEST_CASE("conv2d_prelu leaves a gradient that is to be kept as it is", "[ops]") {
  for (const Backend backend : {Backend::cpu, Backend::eigen, Backend::naive}) {
    Context context(backend);
    Tape tape(context);
    std::vector<Variable> v;
    for (const Shape& shape : {Shape{2, 5, 9, 11}, Shape{6, 5, 3, 3}, Shape{6}, Shape{6}}) {
      v.push_back(tape.leaf(random_tensor(shape, v.size())));
    }
    const Variable y = conv2d_prelu(v[0], v[1], v[2], v[3], kOptions);
    tape.keep_gradient(y);
    tape.backward(sum(2.0 * y));
    for (const float value : tape.gradient(y).values<float>()) {
      REQUIRE(value == 2);
    }
  }
}

TEST_CASE("device: a gradient computed with a loss is there for every backward", "[device]") {
  for_each_device([&](kernels::Device& device, CaseSize) {
    Context context(device);
    Tape tape(context);
    const auto leaf = [&](const Shape& shape, std::size_t index) {
      return tape.leaf(random_tensor(shape, index).to(&device));
    };
    const Variable x = leaf({1, 2, 5, 6}, 0), weight = leaf({3, 2, 3, 3}, 1);
    const Variable bias = leaf({3}, 2), slope = leaf({3}, 3);
    const Variable y = conv2d_prelu(x, weight, bias, slope, {.padding = 1});
    const Variable target = detach(leaf({1, 3, 5, 6}, 4));
    const Variable loss = weighted_loss(l1_term(y, target), l1_term(target, detach(y)), 0.5).total;
    const auto gradients = [&] {
      tape.backward(loss);
      std::vector<Tensor> all;
      for (const Variable& variable : {x, weight, bias, slope}) {
        all.push_back(tape.gradient(variable).clone().to(nullptr));
      }
      return all;
    };
    const std::vector<Tensor> first = gradients(), second = gradients();
    for (std::size_t i = 0; i < first.size(); ++i) {
      CAPTURE(i);
      CHECK(same_bits(first[i], second[i]));
    }
  });
}

}  // namespace pisr
