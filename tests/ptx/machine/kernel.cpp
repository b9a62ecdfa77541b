#include "tests/ptx/machine/kernel.h"

#include <map>

#include "tests/ptx/machine/fault.h"

namespace pisr::ptx {
namespace {

std::map<std::string, Kernel>& all_kernels() {
  static std::map<std::string, Kernel> kernels;
  return kernels;
}

}  // namespace

Registration::Registration(std::initializer_list<Kernel> kernels) {
  for (const Kernel& kernel : kernels) {
    const auto [found, is_new] = all_kernels().emplace(kernel.name, kernel);
    const Kernel& first = found->second;
    // Files that share a template have a copy each, of the same code.
    if (!is_new && (first.parameter_bytes != kernel.parameter_bytes ||
                    first.static_shared_bytes != kernel.static_shared_bytes)) {
      end_with_fault("two different kernels are called " + readable_name(kernel.name));
    }
  }
}

const Kernel* find_kernel(const std::string& name) {
  const auto found = all_kernels().find(name);
  return found == all_kernels().end() ? nullptr : &found->second;
}

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const auto& [name, kernel] : all_kernels()) {
    names.push_back(name);
  }
  return names;
}

}  // namespace pisr::ptx
