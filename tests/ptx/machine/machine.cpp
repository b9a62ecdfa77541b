#include "tests/ptx/machine/machine.h"

namespace pisr::ptx {

Machine& machine() {
  static Machine all;
  return all;
}

}  // namespace pisr::ptx
