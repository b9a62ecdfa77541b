// The tables that cuda_device.cpp gets from nvcc, with the emulated kernels.

#include "kernels/cuda/runtime/table.h"

namespace pisr::kernels::cuda {

template <class T>
const KernelTable<T>& kernel_table() noexcept {
  return emulated_cuda::kernel_table<T>();
}
template const KernelTable<float>& kernel_table<float>() noexcept;
template const KernelTable<double>& kernel_table<double>() noexcept;

const KernelTable<float>& kernel_table(Precision precision) noexcept {
  return emulated_cuda::kernel_table(precision);
}

}  // namespace pisr::kernels::cuda
