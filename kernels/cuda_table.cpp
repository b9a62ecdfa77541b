#include "kernels/table.h"

namespace pisr::kernels {

// No build has a device runtime yet (docs/cuda.md).
template <class T>
const KernelTable<T>* cuda_kernels() noexcept {
  return nullptr;
}

template const KernelTable<float>* cuda_kernels<float>() noexcept;
template const KernelTable<double>* cuda_kernels<double>() noexcept;

}  // namespace pisr::kernels
