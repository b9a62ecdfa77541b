#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

#include "kernels/device.h"
#include "kernels/open_cuda.h"

namespace pisr::kernels::cuda {

#if defined(PISR_HAS_CUDNN)
class CudnnConvolutions;
#endif

/// A CUDA device with a stream of its own. CUDA has a current device for each thread, which many
/// calls refer to: every call here first makes this device the current one of its thread. Uploads
/// and downloads go through page-locked memory in pieces. Captured work is a CUDA graph. Every call
/// is checked: DeviceError names the call and CUDA's reason.
class CudaDevice final : public Device {
 public:
  /// open_cuda_device() has checked that the device can be used.
  explicit CudaDevice(const CudaOptions& options, const char* name);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  const std::string& name() const noexcept override { return name_; }
  const KernelTable<float>& floats() const noexcept override { return *floats_; }
  const KernelTable<double>& doubles() const noexcept override;
  void make_current() override;
  void* stream() const noexcept override { return stream_; }
  void* library() const noexcept override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;

  void upload(void* target, const void* source, std::size_t bytes) override;
  void download(void* target, const void* source, std::size_t bytes) override;
  void copy(void* target, const void* source, std::size_t bytes) override;
  void set_bytes(void* target, unsigned char value, std::size_t bytes) override;
  void synchronise() override;

  void begin_capture() override;
  bool is_capturing() const noexcept override { return capturing_; }
  std::unique_ptr<CapturedWork> end_capture() override;

 private:
  class Graph;
  /// Page-locked memory for one piece, and an event after which the device has read it.
  struct Staging {
    void* memory = nullptr;
    cudaEvent_t read = nullptr;
  };

  void open(const CudaOptions& options);
  void close() noexcept;
  void use_cudnn(const CudaOptions& options);
  void select() noexcept;
  void check(cudaError_t error, const char* call);
  void check_not_failed() const;
  void check_usable(const char* call, bool while_capturing);
  Staging& next_staging();

  std::string name_;
  int number_;
  cudaStream_t stream_ = nullptr;
  const KernelTable<float>* floats_ = nullptr;
  std::array<Staging, 4> staging_;
  std::size_t next_staging_ = 0;
  bool capturing_ = false;
  std::vector<void*> released_in_capture_;  ///< to be freed after the capture
  std::string failure_;
#if defined(PISR_HAS_CUDNN)
  KernelTable<float> with_cudnn_;
  std::unique_ptr<CudnnConvolutions> cudnn_;
#endif
};

}  // namespace pisr::kernels::cuda
