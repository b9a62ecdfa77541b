#include "kernels/cuda/cuda.h"
#include "kernels/cuda/table.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

template <class T>
const KernelTable<T>& kernel_table() noexcept {
  static constexpr KernelTable<T> table = {
#define PISR_KERNEL(name, Args) PISR_CUDA_NAMESPACE::name<T>,
#include "kernels/ops.def"
#undef PISR_KERNEL
  };
  return table;
}

// The others follow: until then all multiply in float.
const KernelTable<float>& kernel_table(Precision) noexcept {
  return kernel_table<float>();
}

template const KernelTable<float>& kernel_table<float>() noexcept;
template const KernelTable<double>& kernel_table<double>() noexcept;

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
