#pragma once

#include <functional>
#include <vector>

#include <cuda_runtime_api.h>

// What the calls of the fake CUDA runtime share. Work is done when it is queued; captured work is a
// list of closures. What the project must never do with CUDA ends the program with a message; what
// CUDA refuses is an error code, and a note on stderr says why.

namespace pisr::ptx {

using Work = std::function<void()>;

/// A cudaStream_t points to one.
struct Stream {
  bool capturing = false;
  std::vector<Work> captured;
};

/// Returns `error`, which cudaGetLastError() will give once.
cudaError_t report(cudaError_t error);
/// Gives the last error and forgets it.
cudaError_t take_last_error();

/// Does the work, or records it where the stream is being captured.
void submit(cudaStream_t stream, Work work);

/// All streams that exist.
std::vector<Stream*>& streams();

/// Ends the program while any stream is captured: allocations, host memory and waiting have no
/// place in a graph.
void refuse_in_capture(const char* call);

}  // namespace pisr::ptx
