#pragma once

#include <optional>
#include <string>

#include <cudnn.h>

namespace pisr::kernels::cuda {

/// The functions of cuDNN, loaded at run time: programs start without it.
struct CudnnFunctions {
#define PISR_CUDNN_FUNCTION(name) decltype(&::name) name = nullptr;
#include "kernels/cuda/cudnn/cudnn_functions.def"
#undef PISR_CUDNN_FUNCTION
};

/// Loads cuDNN 9 from the folder in the environment variable PISR_CUDNN_DIR, or its folder lib or
/// lib64. Where that is not set, from where the system's loader looks. Returns nothing, and the
/// reason in `why_not`, where a part is missing. The library stays loaded until the process ends.
std::optional<CudnnFunctions> load_cudnn(std::string& why_not);

}  // namespace pisr::kernels::cuda
