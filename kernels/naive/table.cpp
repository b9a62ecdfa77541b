#include "kernels/table.h"

#include "kernels/naive/naive.h"

namespace pisr::kernels {

template <class T>
const KernelTable<T>& naive_kernels() noexcept {
  static constexpr KernelTable<T> table = naive::all_kernels<T>();
  return table;
}

template const KernelTable<float>& naive_kernels<float>() noexcept;
template const KernelTable<double>& naive_kernels<double>() noexcept;

}  // namespace pisr::kernels
