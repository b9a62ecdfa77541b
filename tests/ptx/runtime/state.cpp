#include "tests/ptx/runtime/state.h"

#include <string>
#include <utility>

#include "tests/ptx/machine/fault.h"

namespace pisr::ptx {
namespace {

cudaError_t last_error = cudaSuccess;

}  // namespace

cudaError_t report(cudaError_t error) {
  if (error != cudaSuccess) {
    last_error = error;
  }
  return error;
}

cudaError_t take_last_error() {
  return std::exchange(last_error, cudaSuccess);
}

std::vector<Stream*>& streams() {
  static std::vector<Stream*> all;
  return all;
}

void submit(cudaStream_t stream, Work work) {
  auto* const own = reinterpret_cast<Stream*>(stream);
  if (own != nullptr && own->capturing) {
    own->captured.push_back(std::move(work));
  } else {
    work();
  }
}

void refuse_in_capture(const char* call) {
  for (const Stream* stream : streams()) {
    if (stream->capturing) {
      end_with_fault(std::string(call) + " while work is captured");
    }
  }
}

}  // namespace pisr::ptx
