#pragma once

#include <optional>
#include <string>

#include <cudnn.h>

namespace pisr::kernels::cuda {

/// cuDNN as a set of functions, so that no program needs it in order to start.
struct CudnnFunctions {
#define PISR_CUDNN_FUNCTION(name) decltype(&::name) name = nullptr;
#include "kernels/cuda/cudnn/cudnn_functions.def"
#undef PISR_CUDNN_FUNCTION
};

/// Loads cuDNN 9 from the folder that the environment variable PISR_CUDNN_DIR names, or else from
/// where the system's loader looks. Nothing, and why, where a part of it is missing. What is loaded
/// stays loaded until the process ends.
std::optional<CudnnFunctions> load_cudnn(std::string& why_not);

}  // namespace pisr::kernels::cuda
