#include "kernels/cuda/conv/conv_tf32_kernels.h"
#include "kernels/cuda/fsrcnn/fused_fsrcnn.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/runtime/table.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {

template <class T>
const KernelTable<T>& kernel_table() noexcept {
  static constexpr KernelTable<T> table = all_kernels<T>();
  return table;
}

const KernelTable<float>& kernel_table(Precision precision) noexcept {
  static const KernelTable<float> tf32 = with_tf32_convolutions(kernel_table<float>());
  static const KernelTable<float> fp16 = [] {
    KernelTable<float> table = tf32;
    table.conv_chain = conv_chain_fp16;
    return table;
  }();
  switch (precision) {
    case Precision::fp32:
      break;
    case Precision::tf32:
      return tf32;
    case Precision::fp16:
      return fp16;
  }
  return kernel_table<float>();
}

template const KernelTable<float>& kernel_table<float>() noexcept;
template const KernelTable<double>& kernel_table<double>() noexcept;

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
