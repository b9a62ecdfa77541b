#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/ops.h"
#include "core/philox.h"

namespace pisr {

/// An operation with the shapes and domain it is tested on.
struct OpCase {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Variable(const std::vector<Variable>&)> function;
  double low = -2, high = 2;  ///< the inputs' domain
};

/// Numbers that stand at least 0.02 from 0 and from those of the case's other inputs, so that no
/// kink of |x|, max(x, 0) or |x - y| is near: multiples of 1/16 plus an offset of each input.
inline Tensor sample_input(const OpCase& op_case, std::size_t input) {
  Random random(3, RandomUse::test, input);
  Tensor tensor = Tensor::empty(op_case.inputs[input], DType::f64);
  for (double& x : tensor.values<double>()) {
    x = std::floor(16 * random.uniform(op_case.low, op_case.high)) / 16 +
        0.02 * static_cast<double>(input + 1);
  }
  return tensor;
}

inline std::vector<Tensor> sample_inputs(const OpCase& op_case) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < op_case.inputs.size(); ++i) {
    inputs.push_back(sample_input(op_case, i));
  }
  return inputs;
}

/// Every differentiable operation of core/ops.h.
std::vector<OpCase> op_cases();

}  // namespace pisr
