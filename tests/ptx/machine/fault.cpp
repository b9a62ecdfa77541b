#include "tests/ptx/machine/fault.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <cxxabi.h>

namespace pisr::ptx {

void end_with_fault(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "ptx: error: %s\n", what.c_str());
  std::abort();
}

void note(const std::string& what) {
  std::fprintf(stderr, "ptx: note: %s\n", what.c_str());
}

std::string readable_name(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : mangled;
}

}  // namespace pisr::ptx
