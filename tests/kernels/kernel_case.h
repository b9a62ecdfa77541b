#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "kernels/table.h"

namespace pisr::kernels {

/// An operand of a kernel under test.
struct Array {
  enum class Kind { input, output, optional_output, state };

  Kind kind;
  std::size_t count;
  double low = -2, high = 2;  ///< what an input, or the start of a state, is drawn from
};

inline Array input(std::size_t count, double low = -2, double high = 2) {
  return {Array::Kind::input, count, low, high};
}
inline Array output(std::size_t count) {
  return {Array::Kind::output, count};
}
inline Array optional_output(std::size_t count) {
  return {Array::Kind::optional_output, count};
}
/// Read and written by the kernel.
inline Array state(std::size_t count, double low, double high) {
  return {Array::Kind::state, count, low, high};
}

/// The values of all operands, in the order of KernelCase::arrays.
using Values = std::vector<std::vector<double>>;

/// One call of a kernel. It yields a comparison of the naive kernels in float and of the CPU
/// kernels in float and double with the naive kernels in double, with every subset of the optional
/// outputs, writing and (where `adds`) adding, with guarded memory.
struct KernelCase {
  std::string name;
  std::vector<Array> arrays;
  bool adds = false;
  bool host_only = false;  ///< its function reads or writes the arrays itself

  /// Calls the kernel of a table with pointers to the arrays, null for an output to leave out.
  std::function<void(const KernelTable<float>&, Launcher&, const std::vector<float*>&, Store)>
      run_float;
  std::function<void(const KernelTable<double>&, Launcher&, const std::vector<double*>&, Store)>
      run_double;

  /// Sum of the magnitudes of the terms of which each element of array `index` is made, given the
  /// values before the call and the right ones after it; by default the magnitude of the element.
  std::function<std::vector<double>(std::size_t index, const Values& before, const Values& after)>
      magnitudes;

  /// An error of so many roundings of that magnitude is accepted.
  double roundings = 4;
};

/// `run` is a generic lambda for both element types; it is called with `auto p` as pointers.
template <class Run>
KernelCase kernel_case(std::string name, std::vector<Array> arrays, Run run) {
  KernelCase result;
  result.name = std::move(name);
  result.arrays = std::move(arrays);
  result.run_float = run;
  result.run_double = run;
  return result;
}

/// Makes the comparisons of a case, with the CPU kernels on one thread, and checks that on each of
/// these numbers of threads they give the same bits. Failures are Catch2 assertions.
void check(const KernelCase& kernel_case, const std::vector<int>& threads);

/// The same for the Eigen kernels of the instruction set in use.
void check_eigen(const KernelCase& kernel_case, const std::vector<int>& threads);

/// The same for the emulated CUDA kernels, with the orders of emulated.h in place of the threads.
void check_emulated(const KernelCase& kernel_case);

/// The same for the kernels of a device in its own memory: a second call must give the same bits.
void check_on_device(const KernelCase& kernel_case, Device& device);

}  // namespace pisr::kernels
