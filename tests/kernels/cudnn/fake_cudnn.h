#pragma once

#include "kernels/cuda/cudnn/cudnn_library.h"

namespace pisr::kernels {

/// A fake of the functions of cuDNN that we use, in host memory and by the naive kernels. It
/// refuses descriptors that do not match and requires the workspace that it asked for. Before the
/// algorithm that works it offers a faster one that fails, and one whose workspace is too large.
cuda::CudnnFunctions fake_cudnn();

/// How many handles and descriptors exist.
int fake_cudnn_objects();
/// How many searches for an algorithm there were.
int fake_cudnn_searches();

}  // namespace pisr::kernels
