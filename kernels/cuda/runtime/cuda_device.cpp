#include "kernels/cuda/runtime/cuda_device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/cuda/check_cuda.h"
#include "kernels/cuda/runtime/table.h"
#if defined(PISR_HAS_CUDNN)
#include "kernels/cuda/cudnn/cudnn_convolutions.h"
#include "kernels/cuda/cudnn/cudnn_library.h"
#endif

namespace pisr::kernels {
namespace cuda {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

// 12040 -> "12.4"
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The number of devices; where it is 0 or unknown, 0 and the reason in `why_not`.
int count_devices(std::string& why_not) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) {
    return count;
  }
  int driver = 0;
  if (error == cudaSuccess || error == cudaErrorNoDevice) {
    why_not = "no CUDA device";
  } else if (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess &&
             driver == 0) {
    why_not = "no NVIDIA driver";
  } else if (error == cudaErrorInsufficientDriver) {
    why_not = "the NVIDIA driver is for CUDA " + version_text(driver) + ", older than the CUDA " +
              version_text(CUDART_VERSION) + " this program was built with";
  } else {
    why_not = std::string("cudaGetDeviceCount: ") + cudaGetErrorString(error);
  }
  return 0;
}

}  // namespace

class CudaDevice::Graph final : public CapturedWork {
 public:
  Graph(CudaDevice& device, cudaGraphExec_t graph)
      : device_(device), number_(device.number_), graph_(graph) {}
  ~Graph() override {
    cudaSetDevice(number_);
    cudaGraphExecDestroy(graph_);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void replay() override {
    device_.check_usable("replay", false);
    device_.check(cudaGraphLaunch(graph_, device_.stream_), "cudaGraphLaunch");
  }

 private:
  CudaDevice& device_;
  int number_;  // the device may have ended before
  cudaGraphExec_t graph_;
};

CudaDevice::CudaDevice(const CudaOptions& options, const char* name)
    : name_(name), number_(options.number) {
  try {
    make_current();
    open(options);
  } catch (...) {
    close();
    throw;
  }
}

CudaDevice::~CudaDevice() {
  close();
}

void CudaDevice::open(const CudaOptions& options) {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  for (Staging& staging : staging_) {
    check(cudaMallocHost(&staging.memory, kPieceBytes), "cudaMallocHost");
    check(cudaEventCreateWithFlags(&staging.read, cudaEventDisableTiming),
          "cudaEventCreateWithFlags");
  }
  floats_ = &kernel_table(options.precision);
  if (options.cudnn) {
    use_cudnn(options);
  }
}

void CudaDevice::close() noexcept {
  // Errors are ignored: they were reported before, or nothing depends on them any more.
  select();
  if (stream_ != nullptr) {
    cudaStreamSynchronize(stream_);
  }
#if defined(PISR_HAS_CUDNN)
  cudnn_.reset();
#endif
  for (const Staging& staging : staging_) {
    if (staging.read != nullptr) {
      cudaEventDestroy(staging.read);
    }
    cudaFreeHost(staging.memory);
  }
  if (stream_ != nullptr) {
    cudaStreamDestroy(stream_);
  }
}

#if defined(PISR_HAS_CUDNN)
void CudaDevice::use_cudnn(const CudaOptions& options) {
  std::string why_not;
  const std::optional<CudnnFunctions> functions = load_cudnn(why_not);
  if (!functions) {
    throw DeviceError(why_not);
  }
  cudnn_ = std::make_unique<CudnnConvolutions>(*functions, *floats_, stream_,
                                               options.precision != Precision::fp32);
  with_cudnn_ = cudnn_kernels(*floats_);
  floats_ = &with_cudnn_;
}

void* CudaDevice::library() const noexcept {
  return cudnn_.get();
}
#else
void CudaDevice::use_cudnn(const CudaOptions&) {
  throw DeviceError("built without cuDNN");
}

void* CudaDevice::library() const noexcept {
  return nullptr;
}
#endif

const KernelTable<double>& CudaDevice::doubles() const noexcept {
  return kernel_table<double>();
}

void CudaDevice::make_current() {
  check_not_failed();
  check(cudaSetDevice(number_), "cudaSetDevice");
}

// Where an error has nowhere to go; the calls that follow report it.
void CudaDevice::select() noexcept {
  cudaSetDevice(number_);
}

void* CudaDevice::allocate(std::size_t bytes) {
  check_usable("allocate", false);
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // clears it: the next launch must not find it
    return nullptr;
  }
  check(error, "cudaMalloc");
  return memory;
}

void CudaDevice::release(void* memory) noexcept {
  if (capturing_) {
    released_in_capture_.push_back(memory);
  } else {
    select();
    cudaStreamSynchronize(stream_);
    cudaFree(memory);
  }
}

void CudaDevice::upload(void* target, const void* source, std::size_t bytes) {
  check_usable("upload", false);
  for (std::size_t at = 0; at < bytes; at += kPieceBytes) {
    const std::size_t piece = std::min(kPieceBytes, bytes - at);
    const Staging& staging = next_staging();
    std::memcpy(staging.memory, static_cast<const std::byte*>(source) + at, piece);
    check(cudaMemcpyAsync(static_cast<std::byte*>(target) + at, staging.memory, piece,
                          cudaMemcpyHostToDevice, stream_),
          "cudaMemcpyAsync to the device");
    check(cudaEventRecord(staging.read, stream_), "cudaEventRecord");
  }
}

void CudaDevice::download(void* target, const void* source, std::size_t bytes) {
  check_usable("download", false);
  for (std::size_t at = 0; at < bytes; at += kPieceBytes) {
    const std::size_t piece = std::min(kPieceBytes, bytes - at);
    const Staging& staging = next_staging();
    check(cudaMemcpyAsync(staging.memory, static_cast<const std::byte*>(source) + at, piece,
                          cudaMemcpyDeviceToHost, stream_),
          "cudaMemcpyAsync to the host");
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
    std::memcpy(static_cast<std::byte*>(target) + at, staging.memory, piece);
  }
}

void CudaDevice::copy(void* target, const void* source, std::size_t bytes) {
  check_usable("copy", true);
  check(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice, stream_),
        "cudaMemcpyAsync within the device");
}

void CudaDevice::set_bytes(void* target, unsigned char value, std::size_t bytes) {
  check_usable("set_bytes", true);
  check(cudaMemsetAsync(target, value, bytes, stream_), "cudaMemsetAsync");
}

void CudaDevice::synchronise() {
  check_usable("synchronise", false);
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

void CudaDevice::begin_capture() {
  check_usable("begin_capture", false);
  // Relaxed, because check_usable refuses what a capture forbids.
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
  capturing_ = true;
}

std::unique_ptr<CapturedWork> CudaDevice::end_capture() {
  capturing_ = false;
  select();
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream_, &graph);
  cudaGraphExec_t executable = nullptr;
  const cudaError_t instantiated =
      ended == cudaSuccess ? cudaGraphInstantiateWithFlags(&executable, graph, 0) : ended;
  if (graph != nullptr) {
    cudaGraphDestroy(graph);
  }
  for (void* memory : std::exchange(released_in_capture_, {})) {
    release(memory);
  }
  // A wrong recording does not make the device unusable, and the next launch must not find the
  // error.
  cudaGetLastError();
  check_cuda(ended, "cudaStreamEndCapture");
  check_cuda(instantiated, "cudaGraphInstantiateWithFlags");
  return std::make_unique<Graph>(*this, executable);
}

void CudaDevice::check(cudaError_t error, const char* call) {
  try {
    check_cuda(error, call);
  } catch (const DeviceError& failure) {
    failure_ = failure.what();
    throw;
  }
}

void CudaDevice::check_not_failed() const {
  if (!failure_.empty()) {
    throw DeviceError(failure_);
  }
}

void CudaDevice::check_usable(const char* call, bool while_capturing) {
  check_not_failed();
  if (capturing_ && !while_capturing) {
    throw DeviceError(std::string("cuda: ") + call + " while work is captured");
  }
  make_current();
}

CudaDevice::Staging& CudaDevice::next_staging() {
  Staging& staging = staging_[next_staging_++ % staging_.size()];
  check(cudaEventSynchronize(staging.read), "cudaEventSynchronize");
  return staging;
}

}  // namespace cuda

bool has_cuda() noexcept {
  return true;
}

std::unique_ptr<Device> open_cuda_device(const CudaOptions& options, std::string& why_not) {
  const int count = cuda::count_devices(why_not);
  if (count == 0) {
    return nullptr;
  }
  if (options.number < 0 || options.number >= count) {
    why_not = "no CUDA device " + std::to_string(options.number) + "; there are " +
              std::to_string(count) + ", counted from 0";
    return nullptr;
  }
  try {
    cuda::check_cuda(cudaSetDevice(options.number), "cudaSetDevice");
    cudaDeviceProp properties{};
    cuda::check_cuda(cudaGetDeviceProperties(&properties, options.number),
                     "cudaGetDeviceProperties");
    const std::string name = std::string(properties.name) + " (sm_" +
                             std::to_string(properties.major) + std::to_string(properties.minor) +
                             ")";
    if (options.precision != Precision::fp32 && properties.major < 8) {
      why_not = name + " has no tensor cores for this precision; fp32 it has";
      return nullptr;
    }
    if (const char* const reason = cuda::missing_code(); reason != nullptr) {
      why_not = "no code for " + name + " in this program: " + reason;
      return nullptr;
    }
    return std::make_unique<cuda::CudaDevice>(options, properties.name);
  } catch (const DeviceError& error) {
    why_not = error.what();
    return nullptr;
  }
}

std::vector<std::string> list_cuda_devices(std::string& why_not) {
  std::vector<std::string> names;
  const int count = cuda::count_devices(why_not);
  for (int number = 0; number < count; ++number) {
    cudaDeviceProp properties{};
    const cudaError_t error = cudaGetDeviceProperties(&properties, number);
    names.push_back(error == cudaSuccess ? properties.name : cudaGetErrorString(error));
  }
  return names;
}

}  // namespace pisr::kernels
