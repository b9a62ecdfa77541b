// Streams, events and graphs.

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/ptx/machine/fault.h"
#include "tests/ptx/runtime/state.h"

namespace {

using pisr::ptx::Stream;
using pisr::ptx::Work;
using Graph = std::vector<Work>;  // cudaGraph_t and cudaGraphExec_t point to one

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  auto* const created = new Stream;
  pisr::ptx::streams().push_back(created);
  *stream = reinterpret_cast<cudaStream_t>(created);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  auto* const destroyed = reinterpret_cast<Stream*>(stream);
  std::vector<Stream*>& all = pisr::ptx::streams();
  all.erase(std::find(all.begin(), all.end(), destroyed));
  delete destroyed;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
  pisr::ptx::refuse_in_capture("cudaStreamSynchronize");
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(new char);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<char*>(event);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) {
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t) {
  pisr::ptx::refuse_in_capture("cudaEventSynchronize");
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode) {
  pisr::ptx::refuse_in_capture("cudaStreamBeginCapture");
  reinterpret_cast<Stream*>(stream)->capturing = true;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  auto* const own = reinterpret_cast<Stream*>(stream);
  if (!own->capturing) {
    return pisr::ptx::report(cudaErrorIllegalState);
  }
  own->capturing = false;
  *graph = reinterpret_cast<cudaGraph_t>(new Graph(std::exchange(own->captured, {})));
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph,
                                          unsigned long long) {
  *executable = reinterpret_cast<cudaGraphExec_t>(new Graph(*reinterpret_cast<Graph*>(graph)));
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<Graph*>(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete reinterpret_cast<Graph*>(executable);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const Work& work : *reinterpret_cast<Graph*>(executable)) {
    pisr::ptx::submit(stream, work);
  }
  return cudaSuccess;
}

}  // extern "C"
