#pragma once

#include "kernels/cuda/cudnn/cudnn_library.h"

namespace pisr::kernels {

/// A fake of the functions of cuDNN that we use, in host memory and by the naive kernels. It
/// refuses descriptors that do not match, and requires the workspace that it asked for and the math
/// type that it timed. Before the algorithm that works in fp32 it offers faster ones: one that
/// fails, one in half precision, one for tensor cores, and one whose workspace is too large.
cuda::CudnnFunctions fake_cudnn();

/// How many handles and descriptors exist.
int fake_cudnn_objects();
/// How many searches for an algorithm there were.
int fake_cudnn_searches();
/// Whether the last product was computed by the algorithm for tensor cores.
bool fake_cudnn_used_tensor_cores();

}  // namespace pisr::kernels
