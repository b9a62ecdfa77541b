#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/context.h"

namespace pisr::bench {

/// What a kernel reads (values are drawn from [low, high)), writes, or both.
struct Operand {
  enum class Role { input, output, state };
  Role role;
  std::int64_t count;
  double low = -1, high = 1;
};
inline Operand input(std::int64_t count, double low = -1, double high = 1) {
  return {Operand::Role::input, count, low, high};
}
inline Operand output(std::int64_t count) {
  return {Operand::Role::output, count};
}
inline Operand state(std::int64_t count, double low, double high) {
  return {Operand::Role::state, count, low, high};
}

/// How large the terms of a result are, in units of which its error is bounded.
enum class Magnitude {
  result,           ///< as the result itself: inputs are chosen so that terms do not cancel
  absolute_inputs,  ///< as what the naive kernel makes of the inputs' magnitudes: sum |w| |x|
};

/// One kernel at one shape of the networks.
struct KernelCase {
  std::string kernel;  ///< its name in kernels/ops.def
  std::string shape;   ///< which layer's, e.g. "mapping"
  std::vector<int> threads = {1};
  std::vector<Operand> operands;
  bool host_only = false;          ///< its function reads or writes the operands itself
  std::int64_t multiply_adds = 0;  ///< 0: bound by memory, counted in bytes alone
  Magnitude magnitude = Magnitude::result;

  template <class T>
  using Run = std::function<void(Context&, const kernels::KernelTable<T>&, const std::vector<T*>&)>;
  Run<float> run_float;
  Run<double> run_double;

  /// Bytes that must be moved at least: each operand once, a state twice.
  std::int64_t bytes() const;
};

/// `run` is a generic lambda for both element types: run(context, table, pointers).
template <class Function>
KernelCase kernel_case(std::string kernel, std::string shape, std::vector<Operand> operands,
                       Function run) {
  KernelCase result;
  result.kernel = std::move(kernel);
  result.shape = std::move(shape);
  result.operands = std::move(operands);
  result.run_float = run;
  result.run_double = run;
  return result;
}

/// Which rows of the images a case has: all of them, to be timed, or a quarter, to be compared with
/// the naive kernels, which take their time.
enum class CaseSize { full, quarter };

/// Every kernel of ops.def at the shapes of FSRCNN and the teacher in training, where each image is
/// one thread's, and the convolutions also at those of inference at 640x360. In the same order for
/// both sizes. Those of training are for `batch` images.
std::vector<KernelCase> kernel_cases(CaseSize size, std::int64_t batch = 1);
/// Its part with the convolutions.
std::vector<KernelCase> conv_cases(CaseSize size, std::int64_t batch = 1);

/// Operands to time a case with: random inputs and states, outputs of zeros; on `device`, or on the
/// host where it is null.
std::vector<Tensor> operand_tensors(const KernelCase& kernel_case,
                                    kernels::Device* device = nullptr);
std::vector<float*> data_of(const std::vector<Tensor>& tensors);

/// What a kernel's result may be off by, in units of the magnitude of its terms.
inline constexpr double kFloatError = 4.0 * std::numeric_limits<float>::epsilon();

/// Runs a case with the naive kernels, and with those of `backend` on the host or of `device`.
/// Gives "" where each element of each result is within `accepted` of the naive kernels in double,
/// in units of its magnitude, and the inputs are as they were; otherwise what is wrong.
std::string disagreement(const KernelCase& kernel_case, Backend backend = Backend::cpu);
std::string disagreement(const KernelCase& kernel_case, kernels::Device& device,
                         double accepted = kFloatError);

/// The table of a back end of the host, for run_float.
const kernels::KernelTable<float>& host_table(Backend backend);

}  // namespace pisr::bench
