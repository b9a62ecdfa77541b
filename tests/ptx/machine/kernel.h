#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace pisr::ptx {

class Thread;

/// A translated kernel, as its PTX declares it.
struct Kernel {
  struct Parameter {
    std::size_t offset, bytes;
  };

  const char* name;  ///< mangled
  const char* file;  ///< of the PTX, for messages
  void (*run)(Thread&);
  std::size_t static_shared_bytes;
  std::size_t parameter_bytes;
  std::vector<Parameter> parameters;
  std::uint32_t most_threads;  ///< of a block: .maxntid
};

/// Makes the kernels of a translated file known before main() begins.
struct Registration {
  Registration(std::initializer_list<Kernel> kernels);
};

/// Null where no translated file has a kernel of that mangled name.
const Kernel* find_kernel(const std::string& name);

/// The mangled names of all kernels.
std::vector<std::string> kernel_names();

}  // namespace pisr::ptx
