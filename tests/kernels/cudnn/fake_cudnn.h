#pragma once

#include "kernels/cuda/cudnn/cudnn_library.h"

namespace pisr::kernels {

/// cuDNN as far as it is used, in the memory of the host and by the naive kernels: what a caller
/// asks of cuDNN can be tested without a device. It refuses descriptors that do not fit together,
/// wants the workspace it asked for, and offers a fastest algorithm that fails and a second whose
/// workspace is too large before the one that works.
cuda::CudnnFunctions fake_cudnn();

/// How many handles and descriptors of the fake exist.
int fake_cudnn_objects();
/// How often it has looked for an algorithm.
int fake_cudnn_searches();

}  // namespace pisr::kernels
