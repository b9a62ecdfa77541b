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

/// The magnitude of a result's terms, to which its error is relative.
enum class Magnitude {
  result,           ///< the result itself: inputs are chosen so that terms do not cancel
  absolute_inputs,  ///< the naive result for the inputs' absolute values: sum |w| |x|
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

  /// The fewest bytes that must be moved: each operand once, a state twice.
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

/// The rows of the images in a case: all of them for timing, or a quarter for comparing with the
/// slow naive kernels.
enum class CaseSize { full, quarter };

/// Every kernel of ops.def at the shapes of the student and the teacher in training, with `batch`
/// images. The convolutions also have the shapes of inference at 640x360. The order is the same for
/// both sizes.
std::vector<KernelCase> kernel_cases(CaseSize size, std::int64_t batch = 1);
/// The convolutions among them.
std::vector<KernelCase> conv_cases(CaseSize size, std::int64_t batch = 1);

/// Operands to time a case with: random inputs and states, outputs of zeros; on `device`, or on the
/// host where it is null.
std::vector<Tensor> operand_tensors(const KernelCase& kernel_case,
                                    kernels::Device* device = nullptr);
std::vector<float*> data_of(const std::vector<Tensor>& tensors);

/// Largest accepted error of a result, relative to the magnitude of its terms.
inline constexpr double kFloatError = 4.0 * std::numeric_limits<float>::epsilon();

/// Runs a case with the naive kernels in double and with those of `backend` on the host or of
/// `device`. Returns what is wrong. "" means that each element of each result is within `accepted`
/// of the naive one, relative to its magnitude, and that the inputs are unchanged.
std::string disagreement(const KernelCase& kernel_case, Backend backend = Backend::cpu);
std::string disagreement(const KernelCase& kernel_case, kernels::Device& device,
                         double accepted = kFloatError);

/// The table of a back end of the host, for run_float.
const kernels::KernelTable<float>& host_table(Backend backend);

}  // namespace pisr::bench
