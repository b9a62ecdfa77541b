#pragma once

#include <string>
#include <vector>

/// The instruction set the CPU kernels run on. Names: avx512, avx2, sse4, neon and portable.
namespace pisr::kernels {

/// Those compiled in that this processor has, the best first. "portable" is the last where it is
/// compiled in; ARM builds, which all have NEON, have none.
std::vector<std::string> instruction_sets();

/// The one in use: the best unless another was chosen.
std::string instruction_set();

/// Runs all kernels of the process on the named one from now on; false, and nothing changed, where
/// this processor or this build does not have it. Not to be called while a kernel runs.
bool use_instruction_set(const std::string& name);

/// Whether some processor has an instruction set of this name.
bool is_instruction_set_name(const std::string& name);

}  // namespace pisr::kernels
