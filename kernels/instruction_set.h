#pragma once

#include <string>
#include <vector>

/// The instruction set the CPU kernels run on. Names: avx512, avx2, sse4, neon and portable.
namespace pisr::kernels {

/// The instruction sets that are compiled in and that this processor has, the best first. Where it
/// is compiled in, "portable" is the last; ARM builds have NEON in its place.
std::vector<std::string> instruction_sets();

/// The one in use: the best unless another was chosen.
std::string instruction_set();

/// From now on, runs all CPU kernels of the process on the named one. Returns false and changes
/// nothing where this processor or this build does not have it. Not to be called while a kernel
/// runs.
bool use_instruction_set(const std::string& name);

/// Whether there is an instruction set of this name, on this processor or another.
bool is_instruction_set_name(const std::string& name);

}  // namespace pisr::kernels
