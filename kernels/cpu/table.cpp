#include "kernels/table.h"

#include "kernels/cpu/cpu.h"

namespace pisr::kernels {

template <class T>
const KernelTable<T>& cpu_kernels() noexcept {
  static constexpr KernelTable<T> table = cpu::all_kernels<T>();
  return table;
}

template const KernelTable<float>& cpu_kernels<float>() noexcept;
template const KernelTable<double>& cpu_kernels<double>() noexcept;

}  // namespace pisr::kernels
