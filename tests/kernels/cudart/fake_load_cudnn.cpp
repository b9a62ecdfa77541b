// A cuDNN of which CudaDevice needs only the handle.
#if defined(PISR_HAS_CUDNN)

#include "kernels/cuda/cudnn/cudnn_library.h"
#include "tests/kernels/cudart/fake_cudart.h"

namespace pisr::kernels {
namespace {

cudnnStatus_t called() {
  int device = -1;
  cudaGetDevice(&device);
  fake_cudart().devices_of_cudnn.push_back(device);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

namespace cuda {

std::optional<CudnnFunctions> load_cudnn(std::string&) {
  CudnnFunctions functions;
  functions.cudnnCreate = [](cudnnHandle_t*) { return called(); };
  functions.cudnnSetStream = [](cudnnHandle_t, cudaStream_t) { return called(); };
  functions.cudnnDestroy = [](cudnnHandle_t) { return called(); };
  return functions;
}

}  // namespace cuda
}  // namespace pisr::kernels

#endif
