#include <cmath>
#include <vector>

#include "nn/adam.h"
#include "nn/layers.h"
#include "tests/catch.h"

namespace pisr {
namespace {

/// A gradient that changes sign and size from step to step.
double gradient_at(int step, std::size_t index) {
  return std::sin(1.7 * step + 0.9 * static_cast<double>(index)) * (index == 2 ? 1e-6 : 1.0);
}

}  // namespace

TEST_CASE("Adam follows its formula") {
  const AdamOptions options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-5};
  constexpr double kRate = 0.01;
  constexpr double kScale = 0.5;
  for (const Backend backend : {Backend::naive, Backend::cpu, Backend::eigen}) {
    Conv2d layer(1, 3, 2);
    layer.convert(DType::f64);
    const FlatParameters flat({{"", &layer}});
    const auto count = static_cast<std::size_t>(flat.count());
    Context context(backend);
    Adam adam(flat, options);
    const Tensor gradient = flat.make_gradient();
    std::vector<double> parameter(count, 0.0);
    std::vector<double> m(count, 0.0);
    std::vector<double> v(count, 0.0);
    for (int step = 1; step <= 7; ++step) {
      for (std::size_t i = 0; i < count; ++i) {
        gradient.data<double>()[i] = gradient_at(step, i);
        const double g = kScale * gradient_at(step, i);
        m[i] = options.beta1 * m[i] + (1 - options.beta1) * g;
        v[i] = options.beta2 * v[i] + (1 - options.beta2) * g * g;
        const double m_hat = m[i] / (1 - std::pow(options.beta1, step));
        const double v_hat = v[i] / (1 - std::pow(options.beta2, step));
        parameter[i] -= kRate * m_hat / (std::sqrt(v_hat) + options.epsilon);
      }
      adam.step(context, gradient, kRate, kScale);
      CHECK(adam.steps() == step);
      for (std::size_t i = 0; i < count; ++i) {
        CHECK(flat.values().data<double>()[i] == Approx(parameter[i]).epsilon(1e-12));
        CHECK(adam.first_moment().data<double>()[i] == Approx(m[i]).epsilon(1e-12));
        CHECK(adam.second_moment().data<double>()[i] == Approx(v[i]).epsilon(1e-12));
      }
    }
    CHECK(layer.weight.value.data<double>()[0] == flat.values().data<double>()[0]);
  }
}

TEST_CASE("Adam goes on from a stored state as if never stopped") {
  Conv2d layer(1, 3, 2);
  Conv2d resumed_layer(1, 3, 2);
  const FlatParameters flat({{"", &layer}});
  const FlatParameters resumed_flat({{"", &resumed_layer}});
  Context context;
  Adam adam(flat);
  Adam resumed(resumed_flat);
  const Tensor gradient = flat.make_gradient();
  const auto set_gradient = [&](int step) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(flat.count()); ++i) {
      gradient.data<float>()[i] = static_cast<float>(gradient_at(step, i));
    }
  };
  for (int step = 1; step <= 6; ++step) {
    if (step == 4) {
      resumed_flat.values().copy_from(flat.values());
      resumed.first_moment().copy_from(adam.first_moment());
      resumed.second_moment().copy_from(adam.second_moment());
      resumed.set_steps(adam.steps());
    }
    set_gradient(step);
    adam.step(context, gradient, 1e-3);
    if (step >= 4) {
      resumed.step(context, gradient, 1e-3);
    }
  }
  for (std::int64_t i = 0; i < flat.count(); ++i) {
    CHECK(resumed_flat.values().data<float>()[i] == flat.values().data<float>()[i]);
  }
}

TEST_CASE("Adam refuses a gradient or options that do not fit") {
  Conv2d layer(1, 1, 1);
  const FlatParameters flat({{"", &layer}});
  Context context;
  Adam adam(flat);
  CHECK_THROWS_WITH(
      adam.step(context, Tensor::zeros({3}), 1e-3),
      "Adam: the gradient must have the parameters' shape and type, f32[2], got f32[3]");
  CHECK_THROWS_AS(adam.step(context, Tensor::zeros({2}, DType::f64), 1e-3), ShapeError);
  CHECK_THROWS_AS(adam.step(context, Tensor(), 1e-3), ShapeError);
  CHECK(adam.steps() == 0);
  CHECK_THROWS_WITH(
      Adam(flat, {.beta1 = 1.0}),
      "Adam: beta1 and beta2 must be in [0, 1), epsilon must be positive, got 1, 0.999, 1e-08");
}

}  // namespace pisr
