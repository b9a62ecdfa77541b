#include "kernels/cuda/cuda.h"
#include "kernels/cuda/fused_fsrcnn.h"
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

// The convolutions in TF32 follow: until then they multiply in float.
const KernelTable<float>& kernel_table(Precision precision) noexcept {
  static const KernelTable<float> fp16 = [] {
    KernelTable<float> table = kernel_table<float>();
    table.conv_chain = conv_chain_fp16;
    return table;
  }();
  return precision == Precision::fp16 ? fp16 : kernel_table<float>();
}

template const KernelTable<float>& kernel_table<float>() noexcept;
template const KernelTable<double>& kernel_table<double>() noexcept;

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
