#include "kernels/cuda/cudnn/cudnn_library.h"

#include <cstdlib>

#include <dlfcn.h>

namespace pisr::kernels::cuda {

std::optional<CudnnFunctions> load_cudnn(std::string& why_not) {
  const char* const folder = std::getenv("PISR_CUDNN_DIR");
  const std::string start =
      folder == nullptr || *folder == '\0' ? std::string() : std::string(folder) + "/";
  // libcudnn loads its other parts when they are needed, and aborts the process where one is
  // missing. So the parts that convolutions need are opened first.
  void* library = nullptr;
  for (const char* part :
       {"libcudnn_graph.so.9", "libcudnn_ops.so.9", "libcudnn_engines_precompiled.so.9",
        "libcudnn_engines_runtime_compiled.so.9", "libcudnn_heuristic.so.9", "libcudnn_cnn.so.9",
        "libcudnn.so.9"}) {
    library = dlopen((start + part).c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) {
      why_not = std::string("cannot load cuDNN 9: ") + dlerror();
      return std::nullopt;
    }
  }
  CudnnFunctions functions;
#define PISR_CUDNN_FUNCTION(name)                                              \
  functions.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)); \
  if (functions.name == nullptr) {                                             \
    why_not = "cuDNN has no function " #name;                                  \
    return std::nullopt;                                                       \
  }
#include "kernels/cuda/cudnn/cudnn_functions.def"
#undef PISR_CUDNN_FUNCTION
  return functions;
}

}  // namespace pisr::kernels::cuda
