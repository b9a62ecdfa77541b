#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/ops.h"
#include "core/philox.h"
#include "core/tape.h"

namespace pisr {

/// The bound on a gradient's error relative to itself; 1e-8 absolute for gradients near zero.
inline constexpr double kGradientTolerance = 1e-6;
inline constexpr double kGradientFloor = 1e-8 / kGradientTolerance;

/// What a gradient check found.
struct GradientReport {
  double worst = 0;   ///< largest |analytic - numeric| / (max(|analytic|, |numeric|) + floor)
  std::string where;  ///< which number that was, with both values
  std::int64_t compared = 0;

  bool passed() const { return compared > 0 && worst <= kGradientTolerance; }
};

/// Something to differentiate: called with the variables of the inputs, each time on a fresh tape.
/// It may use parameters through tape.parameter().
using TapeFunction = std::function<Variable(Tape& tape, const std::vector<Variable>& inputs)>;

/// Compares the gradients that a tape gives with central differences (step 1e-6 max(1, |x|)), in
/// f64. A tensor of up to 64 numbers is checked number by number, a larger one along random
/// directions; a function with up to 64 outputs and inputs has its whole Jacobian checked, others
/// a random combination of their outputs. Inputs and parameters must be f64 and not near a kink.
class GradientChecker {
 public:
  GradientChecker(Context& context, TapeFunction function, std::vector<Tensor> inputs,
                  std::vector<Parameter*> parameters = {})
      : context_(context),
        function_(std::move(function)),
        inputs_(std::move(inputs)),
        parameters_(std::move(parameters)) {}

  GradientReport check() {
    const std::vector<std::int64_t> offsets = give_parameters_offsets();
    const std::int64_t outputs = static_cast<std::int64_t>(evaluate().size());
    make_cotangents(outputs);
    gradients_.clear();
    for (const std::vector<double>& cotangent : cotangents_) {
      gradients_.push_back(analytic(cotangent));
    }
    report_ = {};
    std::size_t tensor = 0;
    for (Tensor& input : inputs_) {
      check_tensor(message("input ", tensor), tensor, input);
      ++tensor;
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      check_tensor(message("parameter ", i), tensor++, parameters_[i]->value);
      parameters_[i]->offset = offsets[i];
    }
    return report_;
  }

 private:
  static constexpr std::int64_t kSmall = 64;
  static constexpr int kDirections = 4;
  static constexpr double kStep = 1e-6;

  std::int64_t input_count() const {
    std::int64_t count = 0;
    for (const Tensor& input : inputs_) count += input.count();
    for (const Parameter* parameter : parameters_) count += parameter->value.count();
    return count;
  }

  std::vector<std::int64_t> give_parameters_offsets() {
    std::vector<std::int64_t> before;
    flat_count_ = 0;
    for (Parameter* parameter : parameters_) {
      before.push_back(parameter->offset);
      parameter->offset = flat_count_;
      flat_count_ += parameter->value.count();
    }
    return before;
  }

  void make_cotangents(std::int64_t outputs) {
    cotangents_.clear();
    if (outputs <= kSmall && input_count() <= kSmall) {
      for (std::int64_t i = 0; i < outputs; ++i) {
        cotangents_.emplace_back(outputs, 0.0)[static_cast<std::size_t>(i)] = 1;
      }
      return;
    }
    Random random(1, RandomUse::test, 0);
    std::vector<double>& cotangent = cotangents_.emplace_back();
    for (std::int64_t i = 0; i < outputs; ++i) {
      cotangent.push_back(random.uniform(-1, 1));
    }
  }

  std::vector<double> evaluate() {
    Tape tape(context_, Tape::Mode::inference);
    std::vector<Variable> variables;
    for (const Tensor& input : inputs_) variables.push_back(tape.constant(input));
    const Tensor y = function_(tape, variables).value();
    std::vector<double> values(y.values<double>().begin(), y.values<double>().end());
    tape.reset();
    return values;
  }

  // The gradients of cotangent . outputs by all inputs and parameters, one vector each.
  std::vector<std::vector<double>> analytic(const std::vector<double>& cotangent) {
    Tape tape(context_);
    std::vector<Variable> variables;
    for (const Tensor& input : inputs_) variables.push_back(tape.leaf(input));
    const Variable y = function_(tape, variables);
    const Variable weights = tape.constant(Tensor::from(std::span(cotangent), y.shape()));
    const Tensor flat = Tensor::zeros({std::max<std::int64_t>(flat_count_, 1)}, DType::f64);
    tape.backward(sum(y * weights), flat);
    std::vector<std::vector<double>> result;
    for (const Variable& variable : variables) {
      const Tensor gradient = tape.gradient(variable);
      result.emplace_back(gradient.values<double>().begin(), gradient.values<double>().end());
    }
    for (const Parameter* parameter : parameters_) {
      const Tensor part = flat.slice_flat(parameter->offset, parameter->value.shape());
      result.emplace_back(part.values<double>().begin(), part.values<double>().end());
    }
    tape.reset();
    return result;
  }

  void check_tensor(const std::string& name, std::size_t tensor, const Tensor& x) {
    const std::size_t count = static_cast<std::size_t>(x.count());
    std::vector<double> direction(count, 0.0);
    if (x.count() <= kSmall) {
      for (std::size_t i = 0; i < count; ++i) {
        direction[i] = 1;
        check_direction(message(name, '[', i, ']'), tensor, x, direction);
        direction[i] = 0;
      }
      return;
    }
    for (int i = 0; i < kDirections; ++i) {
      Random random(2, RandomUse::test, tensor * kDirections + static_cast<std::size_t>(i));
      for (double& value : direction) value = random.uniform(-1, 1);
      check_direction(message(name, " direction ", i), tensor, x, direction);
    }
  }

  void check_direction(const std::string& name, std::size_t tensor, const Tensor& x,
                       const std::vector<double>& direction) {
    const std::span<double> values = x.values<double>();
    const std::vector<double> saved(values.begin(), values.end());
    const auto evaluate_at = [&](double sign, std::vector<double>& moved) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = saved[i] + sign * kStep * std::max(1.0, std::abs(saved[i])) * direction[i];
      }
      moved.assign(values.begin(), values.end());
      return evaluate();
    };
    std::vector<double> above;
    std::vector<double> below;
    const std::vector<double> y_above = evaluate_at(1, above);
    const std::vector<double> y_below = evaluate_at(-1, below);
    std::copy(saved.begin(), saved.end(), values.begin());

    for (std::size_t k = 0; k < cotangents_.size(); ++k) {
      double numeric = 0;
      for (std::size_t i = 0; i < y_above.size(); ++i) {
        numeric += cotangents_[k][i] * ((y_above[i] - y_below[i]) / (2 * kStep));
      }
      double expected = 0;
      for (std::size_t i = 0; i < saved.size(); ++i) {
        // The step as rounded, so that its rounding does not count as an error.
        expected += gradients_[k][tensor][i] * ((above[i] - below[i]) / (2 * kStep));
      }
      compare(message(name, " of output ", k), expected, numeric);
    }
  }

  void compare(const std::string& name, double expected, double numeric) {
    double error = std::abs(expected - numeric) /
                   (std::max(std::abs(expected), std::abs(numeric)) + kGradientFloor);
    if (!(error < std::numeric_limits<double>::infinity())) {
      error = std::numeric_limits<double>::infinity();  // NaN must fail
    }
    if (error > report_.worst) {
      report_.worst = error;
      report_.where = message(name, ": analytic ", expected, ", numeric ", numeric);
    }
    ++report_.compared;
  }

  Context& context_;
  TapeFunction function_;
  std::vector<Tensor> inputs_;
  std::vector<Parameter*> parameters_;
  std::int64_t flat_count_ = 0;
  std::vector<std::vector<double>> cotangents_;
  std::vector<std::vector<std::vector<double>>> gradients_;  ///< [cotangent][tensor][element]
  GradientReport report_;
};

inline GradientReport check_gradient(Context& context, TapeFunction function,
                                     std::vector<Tensor> inputs,
                                     std::vector<Parameter*> parameters = {}) {
  return GradientChecker(context, std::move(function), std::move(inputs), std::move(parameters))
      .check();
}

}  // namespace pisr
