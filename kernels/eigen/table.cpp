#include <string>

#include "kernels/eigen/eigen.h"
#include "kernels/fallbacks.h"
#include "kernels/instruction_set.h"

namespace pisr::kernels {
namespace {

template <class T>
using Table = const KernelTable<T>& (*)();

template <class T, Table<T> kTable>
void conv2d_prelu_backward_weight(Launcher& launcher, const ConvPreluBackwardArgs<T>& args) {
  fallback_conv2d_prelu_backward_weight(launcher, args, kTable().prelu_backward,
                                        kTable().conv2d_backward_weight);
}

template <class T, Table<T> kTable>
void conv_chain(Launcher& launcher, const ConvChainArgs<T>& args) {
  fallback_conv_chain(launcher, args, kTable().conv2d, kTable().conv_transpose2d);
}

/// With the kernels that are made of others of the same table, which kTable gives.
template <class T, Table<T> kTable>
KernelTable<T> completed(KernelTable<T> table) {
  table.conv2d_prelu_backward_weight = conv2d_prelu_backward_weight<T, kTable>;
  table.conv_chain = conv_chain<T, kTable>;
  return table;
}

template <class T>
const KernelTable<T>& baseline_kernels() {
  static const KernelTable<T> table =
      completed<T, baseline_kernels<T>>(eigen::baseline::eigen_kernels(cpu_kernels<T>()));
  return table;
}

#ifdef __x86_64__
template <class T>
const KernelTable<T>& avx2_kernels() {
  static const KernelTable<T> table =
      completed<T, avx2_kernels<T>>(eigen::avx2::eigen_kernels(cpu_kernels<T>()));
  return table;
}

template <class T>
const KernelTable<T>& avx512_kernels() {
  static const KernelTable<T> table =
      completed<T, avx512_kernels<T>>(eigen::avx512::eigen_kernels(cpu_kernels<T>()));
  return table;
}
#endif

}  // namespace

template <class T>
const KernelTable<T>& eigen_kernels() {
#ifdef __x86_64__
  const std::string instructions = instruction_set();
  if (instructions == "avx512") {
    return avx512_kernels<T>();
  }
  if (instructions == "avx2") {
    return avx2_kernels<T>();
  }
#endif
  return baseline_kernels<T>();
}

template const KernelTable<float>& eigen_kernels<float>();
template const KernelTable<double>& eigen_kernels<double>();

}  // namespace pisr::kernels
