#pragma once

#include <string>

namespace pisr::ptx {

/// Ends the program with one line on stderr, "ptx: error: WHAT". A kernel or a call to CUDA has
/// done what no device allows, and no test may go on as if it had passed.
[[noreturn]] void end_with_fault(const std::string& what);

/// One line on stderr that explains an error code of CUDA: "ptx: note: WHAT".
void note(const std::string& what);

/// "_ZN4pisr..." -> "pisr::..."
std::string readable_name(const char* mangled);

}  // namespace pisr::ptx
