#include "kernels/table.h"

#include "kernels/cpu/cpu.h"

namespace pisr::kernels {

template <class T>
const KernelTable<T>& cpu_kernels() noexcept {
  static constexpr KernelTable<T> table = {
#define PISR_KERNEL(name, Args) cpu::name<T>,
#include "kernels/ops.def"
#undef PISR_KERNEL
  };
  return table;
}

template const KernelTable<float>& cpu_kernels<float>() noexcept;
template const KernelTable<double>& cpu_kernels<double>() noexcept;

}  // namespace pisr::kernels
