#include <string>

#include "kernels/eigen/eigen.h"
#include "kernels/fallbacks.h"
#include "kernels/instruction_set.h"

namespace pisr::kernels {
namespace {

/// The table that kMake makes of our own, made once. Kernels that are made of others take them from
/// this table as well.
template <class T, KernelTable<T> (*kMake)(KernelTable<T>)>
const KernelTable<T>& table_of() {
  static const KernelTable<T> table = [] {
    KernelTable<T> result = kMake(cpu_kernels<T>());
    result.conv2d_prelu_backward_weight = [](Launcher& launcher,
                                             const ConvPreluBackwardArgs<T>& args) {
      const KernelTable<T>& own = table_of<T, kMake>();
      fallback_conv2d_prelu_backward_weight(launcher, args, own.prelu_backward,
                                            own.conv2d_backward_weight);
    };
    result.conv_chain = [](Launcher& launcher, const ConvChainArgs<T>& args) {
      const KernelTable<T>& own = table_of<T, kMake>();
      fallback_conv_chain(launcher, args, own.conv2d, own.conv_transpose2d);
    };
    return result;
  }();
  return table;
}

}  // namespace

template <class T>
const KernelTable<T>& eigen_kernels() {
#ifdef __x86_64__
  const std::string instructions = instruction_set();
  if (instructions == "avx512") {
    return table_of<T, eigen::avx512::eigen_kernels<T>>();
  }
  if (instructions == "avx2") {
    return table_of<T, eigen::avx2::eigen_kernels<T>>();
  }
#endif
  return table_of<T, eigen::baseline::eigen_kernels<T>>();
}

template const KernelTable<float>& eigen_kernels<float>();
template const KernelTable<double>& eigen_kernels<double>();

}  // namespace pisr::kernels
