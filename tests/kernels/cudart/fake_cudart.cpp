#include "tests/kernels/cudart/fake_cudart.h"

#include <algorithm>
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
#include "kernels/cuda/shared_memory.h"
#include "kernels/device.h"
#include "kernels/emulator/machine/stream.h"

namespace pisr::kernels {
namespace {

using Work = std::function<void()>;

/// The device that calls of this thread refer to.
thread_local int current_device = 0;

/// The static shared memory of a block, in bytes, of the kernels that have run.
std::map<const void*, int> static_bytes;

cudaError_t misused(const char* what) {
  fake_cudart().misuse = what;
  return cudaErrorInvalidValue;
}

/// The most dynamic shared memory that a launch of the kernel may ask for.
int most_dynamic_bytes(const void* kernel, int device) {
  constexpr int kWithoutAsking = 48 << 10;
  const auto& allowed = fake_cudart().allowed_dynamic_bytes;
  const auto found = allowed.find({kernel, device});
  return found == allowed.end() ? kWithoutAsking - static_bytes[kernel] : found->second;
}

/// What a cudaStream_t points to.
class FakeStream final : public emulator::Stream {
 public:
  /// As language.h launches a kernel by CUDA.
  void submit(emulator::Launch launch) override {
    cuda::allow_shared_memory(launch.kernel, launch.dynamic_bytes);
    if (device != current_device) {
      misused("a launch into a stream of a device that is not current");
      throw DeviceError("cuda: a kernel cannot be launched: invalid resource handle");
    }
    const auto bytes = static_cast<int>(launch.dynamic_bytes);
    if (bytes > most_dynamic_bytes(launch.kernel, device)) {
      misused("a launch with more shared memory than is allowed");
      throw DeviceError("cuda: a kernel cannot be launched: invalid argument");
    }
    add([this, bytes, launch = std::move(launch)] {
      if (bytes > most_dynamic_bytes(launch.kernel, device)) {
        misused("a captured launch with more shared memory than is allowed by now");
      }
      launch.run();
      static_bytes[launch.kernel] = static_cast<int>(emulator::static_shared_bytes());
      fake_cudart().launched.push_back({bytes, static_bytes[launch.kernel]});
    });
  }
  void add(Work work) {
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

  const int device = current_device;
  bool capturing = false;
  std::vector<Work> captured;
  std::deque<Work> waiting;
};

struct FakeEvent {
  const int device = current_device;
  FakeStream* stream = nullptr;
  int pending = 0;
};

/// A graph, or one that can be launched.
struct FakeGraph {
  std::vector<Work> work;
  const int device = current_device;
};

/// Blocks of one kind of memory by their beginnings.
struct Block {
  std::vector<std::byte> bytes;
  int device;
};
using Memory = std::map<std::byte*, Block>;
Memory device_memory, locked_memory;
std::vector<FakeStream*> streams;

/// Whether the bytes lie in one block that was allocated for the device.
bool lies_in(const Memory& memory, int device, const void* at, std::size_t bytes) {
  auto* const begin = static_cast<std::byte*>(const_cast<void*>(at));
  auto after = memory.upper_bound(begin);
  if (after == memory.begin()) {
    return false;
  }
  --after;
  return after->second.device == device &&
         static_cast<std::size_t>(begin - after->first) + bytes <= after->second.bytes.size();
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
  Block block{std::vector<std::byte>(bytes, std::byte{0xFF}), current_device};
  auto* const begin = block.bytes.data();
  *place = begin;
  memory.emplace(begin, std::move(block));
  ++fake_cudart().objects;
  return cudaSuccess;
}

cudaError_t release(Memory& memory, void* place) {
  if (place == nullptr) {
    return cudaSuccess;
  }
  for (const FakeStream* stream : streams) {
    if (stream->device == current_device && !stream->waiting.empty()) {
      return misused("release of memory that waiting work may use");
    }
  }
  const auto block = memory.find(static_cast<std::byte*>(place));
  if (block == memory.end()) {
    return misused("release of memory that does not exist");
  }
  if (block->second.device != current_device) {
    return misused("release of memory of a device that is not current");
  }
  memory.erase(block);
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

// A handle of a stream points to the base class, which launches see. CUDA would take some calls
// for a device that is not current; here all are misuse.
FakeStream* stream_of(cudaStream_t handle) {
  auto* const stream = static_cast<FakeStream*>(reinterpret_cast<emulator::Stream*>(handle));
  if (stream->device != current_device) {
    misused("a call for a stream of a device that is not current");
  }
  return stream;
}

FakeEvent* event_of(cudaEvent_t handle) {
  auto* const event = reinterpret_cast<FakeEvent*>(handle);
  if (event->device != current_device) {
    misused("a call for an event of a device that is not current");
  }
  return event;
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

cudaError_t cudaSetDevice(int device) {
  const cudaError_t error = result_of("cudaSetDevice");
  if (error == cudaSuccess) {
    current_device = device;
  }
  return error;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  if (attribute != cudaDevAttrMaxSharedMemoryPerBlockOptin) {
    return misused("cudaDeviceGetAttribute of another attribute");
  }
  *value = fake_cudart().shared_bytes;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  *attributes = {};
  attributes->sharedSizeBytes = static_cast<std::size_t>(static_bytes[kernel]);
  attributes->maxDynamicSharedSizeBytes = most_dynamic_bytes(kernel, current_device);
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      value + static_bytes[kernel] > fake_cudart().shared_bytes) {
    return misused("cudaFuncSetAttribute beyond the shared memory of a block");
  }
  fake_cudart().allowed_dynamic_bytes[{kernel, current_device}] = value;
  ++fake_cudart().attributes_set;
  return cudaSuccess;
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
    used += block.device == current_device ? block.bytes.size() : 0;
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
  streams.erase(std::find(streams.begin(), streams.end(), stream));
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
  event_of(handle);
  return destroy<FakeEvent>(handle);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  FakeEvent* const event = event_of(handle);
  event->stream = stream_of(stream);
  ++event->pending;
  event->stream->add([event] { --event->pending; });
  return result_of("cudaEventRecord");
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  FakeEvent* const event = event_of(handle);
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
  const int device = stream_of(stream)->device;
  if (!lies_in(target_memory, device, target, bytes) ||
      !lies_in(source_memory, device, source, bytes)) {
    return misused("a copy of memory that is not of the kind it says, or of another device");
  }
  stream_of(stream)->add([=] { std::memcpy(target, source, bytes); });
  return result_of("cudaMemcpyAsync");
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  if (!lies_in(device_memory, stream_of(stream)->device, target, bytes)) {
    return misused("cudaMemsetAsync of other memory");
  }
  stream_of(stream)->add([=] { std::memset(target, value, bytes); });
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
  create(graph, new FakeGraph{std::exchange(stream.captured, {})});
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
  create(executable, new FakeGraph{reinterpret_cast<FakeGraph*>(graph)->work});
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  if (reinterpret_cast<FakeGraph*>(executable)->device != current_device) {
    misused("the end of a graph of a device that is not current");
  }
  return destroy<FakeGraph>(executable);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const Work& work : reinterpret_cast<FakeGraph*>(executable)->work) {
    stream_of(stream)->add(work);
  }
  return result_of("cudaGraphLaunch");
}

}  // extern "C"
