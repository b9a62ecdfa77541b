#pragma once

/// Marks a function that the host and CUDA kernels both call.
#if defined(__CUDACC__)
#define PISR_HOST_DEVICE __host__ __device__
#else
#define PISR_HOST_DEVICE
#endif
