#include "core/instruction_set.h"

#include <cstdlib>
#include <string>

#include "core/error.h"
#include "kernels/instruction_set.h"

namespace pisr {
namespace {

bool apply() {
  const char* value = std::getenv("PISR_ISA");
  const std::string name = value == nullptr ? "" : value;
  if (name.empty() || kernels::use_instruction_set(name)) {
    return true;
  }
  std::string here;
  for (const std::string& available : kernels::instruction_sets()) {
    here += (here.empty() ? "" : ", ") + available;
  }
  throw kernels::is_instruction_set_name(name)
      ? Error(ErrorKind::device,
              message("PISR_ISA: this machine has no '", name, "'; it has ", here))
      : Error(ErrorKind::usage,
              message("PISR_ISA: must be one of ", here, " here, got '", name, "'"));
}

}  // namespace

void apply_instruction_set_choice() {
  // After a throw nothing is applied: the next call tries, and fails, again.
  static const bool applied = apply();
  static_cast<void>(applied);
}

}  // namespace pisr
