#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "core/ops.h"
#include "tests/catch.h"
#include "tests/gradcheck.h"

namespace pisr {
namespace {

Tensor numbers(const std::vector<double>& values, Shape shape) {
  return Tensor::from(std::span(values), shape);
}

std::vector<double> values_of(const Tensor& tensor) {
  const Tensor wide = tensor.to(DType::f64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("a value used several times gets the sum of its gradients", "[tape]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(numbers({1, 2, 3}, {3}));
  SECTION("with itself") {
    tape.backward(sum(x * x));
    CHECK(values_of(tape.gradient(x)) == Values{2, 4, 6});
  }
  SECTION("divided by itself") {
    tape.backward(sum(x / x));
    CHECK(values_of(tape.gradient(x)) == Values{0, 0, 0});
  }
  SECTION("minus itself") {
    tape.backward(sum(x - x));
    CHECK(values_of(tape.gradient(x)) == Values{0, 0, 0});
  }
  SECTION("by several operations") {
    const Variable y = 2.0 * x;
    tape.keep_gradient(y);
    tape.backward(sum(y) + sum(x * y) + sum(x));  // 2x + 2x^2 + x
    CHECK(values_of(tape.gradient(x)) == Values{7, 11, 15});
    CHECK(values_of(tape.gradient(y)) == Values{2, 3, 4});
  }
  SECTION("through reshape") {
    const Variable y = reshape(x, {1, 3, 1, 1});
    tape.keep_gradient(y);
    tape.backward(sum(y * y) + sum(x));
    CHECK(values_of(tape.gradient(x)) == Values{3, 5, 7});
    CHECK(tape.gradient(y).shape() == Shape{1, 3, 1, 1});
  }
  SECTION("through parts that overlap") {
    const Variable image = reshape(x, {1, 3, 1, 1});
    tape.backward(sum(slice_channels(image, 0, 2)) + sum(slice_channels(image, 1, 2)));
    CHECK(values_of(tape.gradient(x)) == Values{1, 2, 1});
  }
  SECTION("twice in one concatenation") {
    const Variable image = reshape(x, {1, 3, 1, 1});
    const Variable twice = concat_channels({image, image});
    tape.backward(sum(twice * twice));
    CHECK(values_of(tape.gradient(x)) == Values{4, 8, 12});
  }
}

TEST_CASE("operations of one value with itself have the right gradient", "[tape][gradient]") {
  using Variables = std::vector<Variable>;
  const std::vector<std::pair<const char*, TapeFunction>> functions = {
      {"prelu", [](Tape&, const Variables& v) { return prelu(v[0], v[0]); }},
      {"l1_loss", [](Tape&, const Variables& v) { return l1_loss(v[0], v[0]); }},
      {"laplace_nll, all", [](Tape&, const Variables& v) { return laplace_nll(v[0], v[0], v[0]); }},
      {"laplace_nll, first and last",
       [](Tape&, const Variables& v) { return laplace_nll(v[0], 3.0 * v[0], v[0]); }},
      {"gaussian_nll, last two",
       [](Tape&, const Variables& v) { return gaussian_nll(2.0 * v[0], v[0], v[0]); }},
      {"multiply", [](Tape&, const Variables& v) { return v[0] * v[0]; }},
      {"divide", [](Tape&, const Variables& v) { return v[0] / v[0]; }},
      {"conv2d",
       [](Tape&, const Variables& v) {
         const Variable x = reshape(v[0], {1, 1, 1, 1});
         return conv2d(x, x, v[0], {1, 1});
       }},
  };
  for (const Backend backend : {Backend::naive, Backend::cpu, Backend::eigen}) {
    Context context(backend);
    for (const auto& [name, function] : functions) {
      const GradientReport report = check_gradient(context, function, {numbers({0.7}, {1})});
      CAPTURE(name, report.where);
      CHECK(report.passed());
    }
  }
}

TEST_CASE("the gradient of a small network by its parameters", "[tape][gradient]") {
  const auto sample = [](Shape shape, std::uint64_t index) {
    Random random(5, RandomUse::test, index);
    Tensor tensor = Tensor::empty(shape, DType::f64);
    for (double& value : tensor.values<double>()) value = random.uniform(-0.5, 0.5);
    return tensor;
  };
  Parameter weight1{sample({4, 1, 3, 3}, 0)}, bias1{sample({4}, 1)}, slope{sample({4}, 2)};
  Parameter weight2{sample({4, 1, 9, 9}, 3)}, bias2{sample({1}, 4)};
  weight2.offset = 17;
  const Tensor target = sample({2, 1, 10, 14}, 6);
  const TapeFunction network = [&](Tape& tape, const std::vector<Variable>& inputs) {
    const Variable first = tape.parameter(weight1);
    const Variable features =
        prelu(conv2d(inputs[0], first, tape.parameter(bias1), {1, 1}), tape.parameter(slope));
    const Variable y =
        conv_transpose2d(features, tape.parameter(weight2), tape.parameter(bias2), {2, 4, 1});
    // weight1 stands on the tape twice: both add to one place.
    return l1_loss(y, tape.constant(target)) + 0.1 * mean(abs(tape.parameter(weight1)));
  };
  for (const Backend backend : {Backend::naive, Backend::cpu, Backend::eigen}) {
    Context context(backend);
    const GradientReport report = check_gradient(context, network, {sample({2, 1, 5, 7}, 5)},
                                                 {&weight1, &bias1, &slope, &weight2, &bias2});
    CAPTURE(report.worst, report.where);
    CHECK(report.passed());
    CHECK(weight2.offset == 17);
  }
}

TEST_CASE("the checker finds a wrong gradient", "[gradient]") {
  Context context;
  const auto wrong = [](double scale) {
    return [scale](Tape& tape, const std::vector<Variable>& inputs) {
      const Variable& x = inputs[0];
      // Forward 2x, backward `scale`.
      return tape.record("wrong", (2.0 * detach(x)).value(), {&x}, [scale](Backward& backward) {
        const auto dx = backward.slot<double>(0);
        for (int i = 0; i < 100; ++i) dx.data[i] = scale * backward.dy<double>()[i];
      });
    };
  };
  const Tensor x = Tensor::full({100}, 1.5, DType::f64);
  CHECK(check_gradient(context, wrong(2), {x}).passed());
  CHECK_FALSE(check_gradient(context, wrong(2.00001), {x}).passed());
  CHECK_FALSE(check_gradient(context, wrong(0), {x}).passed());
  CHECK_FALSE(check_gradient(context, wrong(std::nan("")), {x}).passed());
  const auto half = [](Tape&, const std::vector<Variable>& v) { return detach(v[0]) * v[0]; };
  CHECK_FALSE(check_gradient(context, half, {x}).passed());
}

TEST_CASE("backward again gives the same bits", "[tape]") {
  Context context;
  Tape tape(context);
  Random random(1, RandomUse::test, 0);
  const Tensor image = Tensor::empty({2, 3, 9, 7});
  for (float& value : image.values<float>()) value = static_cast<float>(random.normal());
  const Variable x = tape.leaf(image);
  const Variable y = sigmoid(x * x) + x;
  const Variable loss = mean(y / (softplus(x) + 1.0));
  tape.backward(loss);
  const Tensor first = tape.gradient(x).clone();
  tape.backward(loss);
  CHECK(std::memcmp(first.data<float>(), tape.gradient(x).data<float>(),
                    static_cast<std::size_t>(first.count()) * sizeof(float)) == 0);
  tape.backward(sum(y));
  CHECK(values_of(first) != values_of(tape.gradient(x)));
}

TEST_CASE("gradients of parameters are added to the flat gradient", "[tape]") {
  Context context;
  Tape tape(context);
  const Parameter a{numbers({1, 2}, {2}), 1};
  const Parameter b{numbers({3}, {1}), 4};
  const Parameter frozen{numbers({5}, {1}), 0, false};
  const Tensor flat = numbers({10, 20, 30, 40, 50, 60}, {6});
  const Variable variable = tape.parameter(a);
  const Variable unused = tape.parameter(b);
  CHECK_FALSE(tape.parameter(frozen).requires_gradient());
  const Variable loss = sum(variable * variable) + sum(tape.parameter(frozen));
  tape.backward(loss, flat);
  CHECK(values_of(flat) == Values{10, 22, 34, 40, 50, 60});
  tape.backward(loss, flat, 0.5);
  CHECK(values_of(flat) == Values{10, 23, 36, 40, 50, 60});
  CHECK(values_of(tape.gradient(variable)) == Values{23, 36});
  CHECK(values_of(tape.gradient(unused)) == Values{50});
  tape.backward(sum(unused * 2.0), flat, 3);
  CHECK(values_of(flat) == Values{10, 23, 36, 40, 56, 60});
  tape.backward(unused, flat);  // the parameter itself is the loss
  CHECK(values_of(flat) == Values{10, 23, 36, 40, 57, 60});
}

TEST_CASE("gradients flow only where they are wanted", "[tape]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(numbers({1, 2}, {2}));
  const Variable unused = tape.leaf(numbers({1, 2, 3}, {3}));
  const Variable constant = tape.constant(numbers({5, 7}, {2}));
  CHECK_FALSE(constant.requires_gradient());
  CHECK_FALSE((constant * 2.0).requires_gradient());
  CHECK_FALSE(detach(x).requires_gradient());
  CHECK((constant * x).requires_gradient());
  tape.backward(sum(x * constant + detach(x) * 3.0), {}, 2);
  CHECK(values_of(tape.gradient(x)) == Values{10, 14});
  CHECK(values_of(tape.gradient(unused)) == Values{0, 0, 0});
  CHECK_THROWS_WITH(tape.gradient(constant),
                    "gradient: no gradient flows into a constant (f64[2]); make it a leaf");

  const Variable later = sum(x);
  tape.keep_gradient(later);
  tape.backward(sum(unused));
  CHECK(values_of(tape.gradient(x)) == Values{0, 0});
  CHECK(values_of(tape.gradient(later)) == Values{0});
  CHECK_THROWS_WITH(tape.keep_gradient(constant),
                    "keep_gradient: no gradient flows into a constant (f64[2]); make it a leaf");
}

TEST_CASE("gradients of results make room for those of earlier results", "[tape]") {
  Context context;
  Tape tape(context);
  constexpr int kOperations = 64;
  constexpr std::int64_t kCount = 4096;
  const Variable x = tape.leaf(Tensor::full({kCount}, 1.0));
  Variable y = x;
  for (int i = 0; i < kOperations; ++i) {
    y = y * 2.0;
  }
  const Variable loss = sum(y);
  tape.backward(loss);
  CHECK(tape.gradient(x).values<float>().front() == std::ldexp(1.0F, kOperations));
  tape.reset();
  // The results, and two gradients that are alive at once, not one for each result.
  CHECK(context.arena().capacity() < (kOperations + 8) * kCount * sizeof(float));
  const Variable z = tape.leaf(Tensor::full({1}, 1.0));
  const Variable twice = z + z;
  tape.backward(twice);
  CHECK_THROWS_WITH(tape.gradient(twice),
                    Catch::Contains("was not kept; keep_gradient() keeps it"));
}

TEST_CASE("an inference tape computes the same and records nothing", "[tape]") {
  Context context;
  const Parameter slope{numbers({0.25}, {1}), 0};
  const auto function = [&](Tape& tape) {
    const Variable x = tape.leaf(numbers({-1, 2, -3}, {3}));
    return sum(exp(prelu(x, tape.parameter(slope))));
  };
  Tape record(context);
  const double expected = function(record).value().item();
  Tape inference(context, Tape::Mode::inference);
  const Variable y = function(inference);
  CHECK(y.value().item() == expected);
  CHECK_FALSE(y.requires_gradient());
  CHECK_THROWS_WITH(inference.backward(y),
                    "backward: the tape is for inference and has recorded nothing");
}

TEST_CASE("tape: errors", "[tape]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(numbers({1, 2}, {2}));
  CHECK_THROWS_WITH(tape.backward(x), "backward: the loss must have one element, got f64[2]");
  CHECK_THROWS_WITH(tape.backward(Variable()), "backward: an operand is undefined");
  CHECK_THROWS_WITH(tape.backward(sum(tape.constant(x.value()))),
                    "backward: the loss depends on no leaf and no trainable parameter");
  CHECK_THROWS_WITH(tape.constant(Tensor()),
                    "tape: a variable needs a tensor with a value, got an undefined one");
  CHECK_THROWS_AS(tape.leaf(Tensor()), ShapeError);
  CHECK_THROWS_AS(tape.parameter(Parameter{}), ShapeError);

  Context other_context;
  Tape other(other_context);
  const Variable elsewhere = other.leaf(numbers({1, 2}, {2}));
  CHECK_THROWS_WITH(x + elsewhere, "add: operands are on different tapes");
  CHECK_THROWS_WITH(tape.backward(sum(elsewhere)), "backward: operands are on different tapes");
  CHECK_THROWS_WITH(tape.gradient(elsewhere), "gradient: operands are on different tapes");

  SECTION("flat gradient") {
    Parameter parameter{numbers({1, 2}, {2}), 3};
    const auto backward = [&](const Tensor& flat) {
      tape.backward(sum(tape.parameter(parameter)), flat);
    };
    CHECK_THROWS_WITH(backward({}),
                      "backward: the loss depends on parameters, but no flat gradient was given");
    const Tensor small = Tensor::zeros({4}, DType::f64);
    CHECK_THROWS_WITH(
        backward(small),
        "backward: parameter f64[2] at offset 3 does not fit into the flat gradient f64[4]");
    CHECK_THROWS_WITH(backward(Tensor::zeros({5}, DType::f32)),
                      Catch::Contains("does not fit into the flat gradient f32[5]"));
    CHECK_THROWS_WITH(backward(Tensor::zeros({5, 1}, DType::f64)),
                      Catch::Contains("does not fit into the flat gradient f64[5,1]"));
    // One that does not fit keeps all others from being added.
    Parameter first{numbers({1, 2}, {2}), 0};
    CHECK_THROWS_AS(tape.backward(sum(tape.parameter(parameter) * tape.parameter(first)), small),
                    ShapeError);
    CHECK(values_of(small) == Values{0, 0, 0, 0});
  }
  SECTION("a parameter without a place") {
    const Parameter parameter{numbers({1, 2}, {2})};
    CHECK_THROWS_WITH(tape.backward(sum(tape.parameter(parameter)), Tensor::zeros({5}, DType::f64)),
                      "backward: a parameter f64[2] has no place in the flat gradient (offset -1)");
  }
}

TEST_CASE("tape: variables from before a reset are refused", "[tape]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(numbers({1, 2}, {2}));
  const Variable y = x * 2.0;
  tape.reset();
  CHECK_THROWS_WITH(sum(y), "sum: operand f64[2] is from before the reset of its tape");
  CHECK_THROWS_WITH(sum(x), "sum: operand f64[2] is from before the reset of its tape");
  CHECK_THROWS_WITH(tape.backward(x), Catch::Contains("from before the reset"));
  CHECK_THROWS_WITH(tape.gradient(x), Catch::Contains("from before the reset"));
  CHECK_THROWS_WITH(y.value().data<double>(),
                    "tensor: f64[2] was used after the reset of its arena");
}

TEST_CASE("tape: a backward function must ask once for each gradient", "[tape]") {
  Context context;
  Tape tape(context);
  const Variable x = tape.leaf(numbers({1}, {1}));
  const Variable lazy = tape.record("lazy", x.value(), {&x}, [](Backward&) {});
  CHECK_THROWS_AS(tape.backward(lazy), std::logic_error);
  const Variable eager = tape.record("eager", x.value(), {&x}, [](Backward& backward) {
    *backward.slot<double>(0).data = 1;
    backward.slot<double>(0);
  });
  CHECK_THROWS_AS(tape.backward(eager), std::logic_error);
}

TEST_CASE("tape: each step has the same addresses", "[tape]") {
  Context context;
  Tape tape(context);
  const Tensor input = Tensor::full({2, 3, 40, 40}, 0.5);
  std::vector<const float*> addresses;
  for (int step = 0; step < 4; ++step) {
    tape.reset();
    const Variable x = tape.leaf(input);
    const Variable y = sigmoid(x * x);
    tape.backward(mean(y));
    addresses.push_back(y.value().data<float>());
    addresses.push_back(tape.gradient(x).data<float>());
  }
  CHECK(addresses[4] == addresses[2]);
  CHECK(addresses[5] == addresses[3]);
  CHECK(addresses[6] == addresses[2]);
  CHECK(addresses[7] == addresses[3]);
}

}  // namespace pisr
