#pragma once

#include "kernels/export.h"

/* CMakeLists.txt reads the version of the project from here. Semantic Versioning; before 1.0 a new
 * minor version may change interfaces. */
#define PISR_VERSION_MAJOR 0
#define PISR_VERSION_MINOR 1
#define PISR_VERSION_PATCH 0

#ifdef __cplusplus
namespace pisr {

/// The version of the library that is loaded, "0.1.0", which need not be that of this header.
PISR_CORE_API const char* version() noexcept;

}  // namespace pisr
#endif
