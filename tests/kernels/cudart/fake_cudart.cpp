#include "tests/kernels/cudart/fake_cudart.h"

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/cuda/runtime/table.h"
#include "kernels/emulator/machine/stream.h"

namespace pisr::kernels {
namespace {

using Work = std::function<void()>;

/// What a cudaStream_t points to.
class FakeStream final : public emulator::Stream {
 public:
  void submit(Work work) override {
    if (capturing) {
      captured.push_back(std::move(work));
    } else {
      waiting.push_back(std::move(work));
    }
  }
  void check_argument(const void*, std::size_t) override {}

  void finish() {
    while (!waiting.empty()) {
      const Work work = std::move(waiting.front());
      waiting.pop_front();
      work();
    }
  }

  bool capturing = false;
  std::vector<Work> captured;
  std::deque<Work> waiting;
};

struct FakeEvent {
  FakeStream* stream = nullptr;
  int pending = 0;
};

using FakeGraph = std::vector<Work>;

/// Blocks of one kind of memory by their beginnings.
using Memory = std::map<std::byte*, std::vector<std::byte>>;
Memory device_memory, locked_memory;
std::vector<FakeStream*> streams;

bool lies_in(const Memory& memory, const void* at, std::size_t bytes) {
  auto* const begin = static_cast<std::byte*>(const_cast<void*>(at));
  auto after = memory.upper_bound(begin);
  if (after == memory.begin()) {
    return false;
  }
  --after;
  return static_cast<std::size_t>(begin - after->first) + bytes <= after->second.size();
}

cudaError_t misused(const char* what) {
  fake_cudart().misuse = what;
  return cudaErrorInvalidValue;
}

// The result of the call named `call`.
cudaError_t result_of(const char* call) {
  FakeCudart& fake = fake_cudart();
  if (fake.failing != call) {
    return cudaSuccess;
  }
  if (fake.fails_once) {
    fake.failing.clear();
  }
  fake.last_error = fake.failure;
  return fake.failure;
}

cudaError_t allocate(const char* call, Memory& memory, void** place, std::size_t bytes) {
  if (const cudaError_t error = result_of(call); error != cudaSuccess) {
    return error;
  }
  std::vector<std::byte> block(bytes, std::byte{0xFF});
  *place = block.data();
  memory.emplace(block.data(), std::move(block));
  ++fake_cudart().objects;
  return cudaSuccess;
}

cudaError_t release(Memory& memory, void* place) {
  if (place == nullptr) {
    return cudaSuccess;
  }
  for (const FakeStream* stream : streams) {
    if (!stream->waiting.empty()) {
      return misused("release of memory that waiting work may use");
    }
  }
  if (memory.erase(static_cast<std::byte*>(place)) == 0) {
    return misused("release of memory that does not exist");
  }
  --fake_cudart().objects;
  return cudaSuccess;
}

template <class Handle, class Object>
void create(Handle* handle, Object* object) {
  *handle = reinterpret_cast<Handle>(object);
  ++fake_cudart().objects;
}

template <class Object, class Handle>
cudaError_t destroy(Handle handle) {
  delete reinterpret_cast<Object*>(handle);
  --fake_cudart().objects;
  return cudaSuccess;
}

// A handle of a stream points to the base class, which launches see.
FakeStream* stream_of(cudaStream_t handle) {
  return static_cast<FakeStream*>(reinterpret_cast<emulator::Stream*>(handle));
}

}  // namespace

FakeCudart& fake_cudart() {
  static FakeCudart fake;
  return fake;
}

namespace cuda {

const char* missing_code() {
  return fake_cudart().missing_code;
}

}  // namespace cuda
}  // namespace pisr::kernels

using namespace pisr::kernels;

extern "C" {

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    default:
      return "some error";
  }
}

cudaError_t cudaGetDeviceCount(int* count) {
  if (fake_cudart().counting == cudaSuccess) {
    *count = fake_cudart().devices;
  }
  return fake_cudart().counting;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = fake_cudart().driver;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int) {
  return result_of("cudaSetDevice");
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
  std::snprintf(properties->name, sizeof properties->name, "Fake %d", number);
  properties->major = fake_cudart().major;
  properties->minor = 0;
  return result_of("cudaGetDeviceProperties");
}

cudaError_t cudaGetLastError() {
  return std::exchange(fake_cudart().last_error, cudaSuccess);
}

cudaError_t cudaMalloc(void** place, std::size_t bytes) {
  std::size_t used = 0;
  for (const auto& [begin, block] : device_memory) {
    used += block.size();
  }
  if (used + bytes > fake_cudart().memory) {
    fake_cudart().last_error = cudaErrorMemoryAllocation;
    return cudaErrorMemoryAllocation;
  }
  return allocate("cudaMalloc", device_memory, place, bytes);
}

cudaError_t cudaFree(void* place) {
  return release(device_memory, place);
}

cudaError_t cudaMallocHost(void** place, std::size_t bytes) {
  return allocate("cudaMallocHost", locked_memory, place, bytes);
}

cudaError_t cudaFreeHost(void* place) {
  return release(locked_memory, place);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
  if (flags != cudaStreamNonBlocking) {
    return misused("a stream that waits for others");
  }
  if (const cudaError_t error = result_of("cudaStreamCreateWithFlags"); error != cudaSuccess) {
    return error;
  }
  auto* const stream = new FakeStream;
  streams.push_back(stream);
  create(handle, static_cast<emulator::Stream*>(stream));
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  FakeStream* const stream = stream_of(handle);
  if (!stream->waiting.empty()) {
    return misused("the end of a stream that has work");
  }
  streams.clear();
  delete stream;
  --fake_cudart().objects;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  if (stream_of(handle)->capturing) {
    return misused("waiting for a stream that captures");
  }
  stream_of(handle)->finish();
  return result_of("cudaStreamSynchronize");
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned) {
  if (const cudaError_t error = result_of("cudaEventCreateWithFlags"); error != cudaSuccess) {
    return error;
  }
  create(handle, new FakeEvent);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return destroy<FakeEvent>(handle);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  auto* const event = reinterpret_cast<FakeEvent*>(handle);
  event->stream = stream_of(stream);
  ++event->pending;
  event->stream->submit([event] { --event->pending; });
  return result_of("cudaEventRecord");
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  auto* const event = reinterpret_cast<FakeEvent*>(handle);
  while (event->pending > 0) {
    const Work work = std::move(event->stream->waiting.front());
    event->stream->waiting.pop_front();
    work();
  }
  return result_of("cudaEventSynchronize");
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  const Memory& target_memory = kind == cudaMemcpyDeviceToHost ? locked_memory : device_memory;
  const Memory& source_memory = kind == cudaMemcpyHostToDevice ? locked_memory : device_memory;
  if (!lies_in(target_memory, target, bytes) || !lies_in(source_memory, source, bytes)) {
    return misused("a copy of memory that is not of the kind it says");
  }
  stream_of(stream)->submit([=] { std::memcpy(target, source, bytes); });
  return result_of("cudaMemcpyAsync");
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  if (!lies_in(device_memory, target, bytes)) {
    return misused("cudaMemsetAsync of other memory");
  }
  stream_of(stream)->submit([=] { std::memset(target, value, bytes); });
  return result_of("cudaMemsetAsync");
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
  stream_of(handle)->capturing = true;
  return result_of("cudaStreamBeginCapture");
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  FakeStream& stream = *stream_of(handle);
  if (!stream.capturing) {
    return misused("the end of a capture that did not begin");
  }
  stream.capturing = false;
  create(graph, new FakeGraph(std::exchange(stream.captured, {})));
  return result_of("cudaStreamEndCapture");
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return destroy<FakeGraph>(graph);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph,
                                          unsigned long long) {
  if (const cudaError_t error = result_of("cudaGraphInstantiateWithFlags"); error != cudaSuccess) {
    return error;
  }
  create(executable, new FakeGraph(*reinterpret_cast<FakeGraph*>(graph)));
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return destroy<FakeGraph>(executable);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const Work& work : *reinterpret_cast<FakeGraph*>(executable)) {
    stream_of(stream)->submit(work);
  }
  return result_of("cudaGraphLaunch");
}

}  // extern "C"
