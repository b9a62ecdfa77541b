#include "kernels/cuda/cudnn/cudnn_library.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <dlfcn.h>

namespace pisr::kernels::cuda {
namespace {

// With a slash at its end; empty: where the system's loader looks. NVIDIA's archives and Python
// packages have the libraries in a folder beside that of the headers.
std::string folder_of_libraries() {
  const char* const set = std::getenv("PISR_CUDNN_DIR");
  if (set == nullptr || *set == '\0') {
    return "";
  }
  const std::filesystem::path folder = set;
  for (const char* part : {"lib", "lib64"}) {
    std::error_code error;
    if (std::filesystem::exists(folder / part / "libcudnn.so.9", error)) {
      return (folder / part / "").string();
    }
  }
  return (folder / "").string();
}

}  // namespace

std::optional<CudnnFunctions> load_cudnn(std::string& why_not) {
  const std::string start = folder_of_libraries();
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
