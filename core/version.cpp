#include "core/version.h"

#define PISR_STRING_OF(number) #number
#define PISR_DOTTED(major, minor, patch) \
  PISR_STRING_OF(major) "." PISR_STRING_OF(minor) "." PISR_STRING_OF(patch)

namespace pisr {

const char* version() noexcept {
  return PISR_DOTTED(PISR_VERSION_MAJOR, PISR_VERSION_MINOR, PISR_VERSION_PATCH);
}

}  // namespace pisr
