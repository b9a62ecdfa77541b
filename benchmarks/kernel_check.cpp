#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "benchmarks/kernel_case.h"
#include "core/error.h"
#include "core/philox.h"

namespace pisr::bench {
namespace {

template <class T>
using Arrays = std::vector<std::vector<T>>;

template <class T>
std::vector<T*> pointers(Arrays<T>& arrays) {
  std::vector<T*> result;
  for (std::vector<T>& array : arrays) {
    result.push_back(array.data());
  }
  return result;
}

/// Inputs and states; outputs are NaN, so that an element that is not written shows.
Arrays<float> values_before(const KernelCase& c) {
  Arrays<float> arrays;
  Random random(0, RandomUse::test, 1);
  for (const Operand& operand : c.operands) {
    std::vector<float> values(static_cast<std::size_t>(operand.count),
                              std::numeric_limits<float>::quiet_NaN());
    if (operand.role != Operand::Role::output) {
      for (float& value : values) {
        value = static_cast<float>(random.uniform(operand.low, operand.high));
      }
    }
    arrays.push_back(std::move(values));
  }
  return arrays;
}

Arrays<double> in_double(const Arrays<float>& arrays) {
  Arrays<double> result;
  for (const std::vector<float>& array : arrays) {
    result.emplace_back(array.begin(), array.end());
  }
  return result;
}

Arrays<double> naive(const KernelCase& c, Arrays<double> arrays) {
  Context context(Backend::naive);
  c.run_double(context, kernels::naive_kernels<double>(), pointers(arrays));
  return arrays;
}

Arrays<float> on_host(const KernelCase& c, Arrays<float> arrays, Backend backend) {
  Context context(backend);
  c.run_float(context, host_table(backend), pointers(arrays));
  return arrays;
}

Arrays<float> on_device(const KernelCase& c, const Arrays<float>& arrays, kernels::Device& device) {
  std::vector<Tensor> tensors;
  for (const std::vector<float>& array : arrays) {
    const auto count = static_cast<std::int64_t>(array.size());
    tensors.push_back(Tensor::from(std::span(array), {count}).to(&device));
  }
  Context context(device);
  c.run_float(context, device.floats(), data_of(tensors));
  Arrays<float> result;
  for (const Tensor& tensor : tensors) {
    const Tensor here = tensor.to(nullptr);
    result.emplace_back(here.values<float>().begin(), here.values<float>().end());
  }
  return result;
}

Arrays<double> magnitudes(const KernelCase& c, const Arrays<float>& before,
                          const Arrays<double>& right) {
  Arrays<double> result = c.magnitude == Magnitude::result ? right : in_double(before);
  for (std::vector<double>& array : result) {
    for (double& value : array) {
      value = std::abs(value);
    }
  }
  return c.magnitude == Magnitude::result ? result : naive(c, std::move(result));
}

/// `run(arrays)` gives what a case makes of arrays.
template <class Run>
std::string compare_with_naive(const KernelCase& c, double accepted_error, const Run& run) {
  const Arrays<float> before = values_before(c);
  const Arrays<double> right = naive(c, in_double(before));
  const Arrays<double> scale = magnitudes(c, before, right);
  const Arrays<float> got = run(before);
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    if (c.operands[i].role == Operand::Role::input) {
      if (std::memcmp(got[i].data(), before[i].data(), got[i].size() * sizeof(float)) != 0) {
        return message("operand ", i, " was changed");
      }
      continue;
    }
    for (std::size_t k = 0; k < got[i].size(); ++k) {
      const double error = std::abs(static_cast<double>(got[i][k]) - right[i][k]);
      const double accepted = accepted_error * scale[i][k] + std::numeric_limits<float>::min();
      if (!(error <= accepted)) {
        return message("operand ", i, ", element ", k, ": ", got[i][k], ", naive ", right[i][k],
                       ", accepted error ", accepted);
      }
    }
  }
  return "";
}

}  // namespace

std::int64_t KernelCase::bytes() const {
  std::int64_t total = 0;
  for (const Operand& operand : operands) {
    const int times = operand.role == Operand::Role::state ? 2 : 1;
    total += operand.count * times * static_cast<std::int64_t>(sizeof(float));
  }
  return total;
}

std::vector<Tensor> operand_tensors(const KernelCase& c, kernels::Device* device) {
  std::vector<Tensor> tensors;
  Random random(0, RandomUse::test, 2);
  for (const Operand& operand : c.operands) {
    const Tensor tensor = Tensor::zeros({operand.count});
    if (operand.role != Operand::Role::output) {
      for (float& value : tensor.values<float>()) {
        value = static_cast<float>(random.uniform(operand.low, operand.high));
      }
    }
    tensors.push_back(tensor.to(device));
  }
  return tensors;
}

std::vector<float*> data_of(const std::vector<Tensor>& tensors) {
  std::vector<float*> result;
  for (const Tensor& tensor : tensors) {
    result.push_back(tensor.data<float>());
  }
  return result;
}

const kernels::KernelTable<float>& host_table(Backend backend) {
  switch (backend) {
    case Backend::cpu:
      return kernels::cpu_kernels<float>();
    case Backend::eigen:
      return kernels::eigen_kernels<float>();
    case Backend::naive:
      break;
  }
  return kernels::naive_kernels<float>();
}

std::string disagreement(const KernelCase& c, Backend backend) {
  return compare_with_naive(
      c, kFloatError, [&](const Arrays<float>& arrays) { return on_host(c, arrays, backend); });
}

std::string disagreement(const KernelCase& c, kernels::Device& device, double accepted_error) {
  return compare_with_naive(
      c, accepted_error, [&](const Arrays<float>& arrays) { return on_device(c, arrays, device); });
}

}  // namespace pisr::bench
