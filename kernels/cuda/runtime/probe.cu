#include "kernels/cuda/language.h"

namespace pisr::kernels::PISR_CUDA_NAMESPACE {
namespace {

__global__ void probe_kernel() {}

}  // namespace

const char* missing_code() {
  return missing_code(probe_kernel);
}

}  // namespace pisr::kernels::PISR_CUDA_NAMESPACE
