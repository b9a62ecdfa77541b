#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <tuple>

#include "kernels/cuda/cudnn/cudnn_library.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

namespace pisr::kernels::cuda {

/// The convolutions of a device by cuDNN, images as NCHW. The algorithm of each shape is the
/// fastest that cuDNN finds when the shape is first seen, which must not be while work is captured.
/// Some of them add in an order that changes from run to run. Calls throw DeviceError where cuDNN
/// fails.
class CudnnConvolutions {
 public:
  /// `own` computes what cuDNN has not: replicate padding, activations, gradients of biases.
  /// `tf32`: tensor cores that round operands to 10 bits may be used.
  CudnnConvolutions(const CudnnFunctions& functions, const KernelTable<float>& own, void* stream,
                    bool tf32);
  ~CudnnConvolutions();
  CudnnConvolutions(const CudnnConvolutions&) = delete;
  CudnnConvolutions& operator=(const CudnnConvolutions&) = delete;

  const KernelTable<float>& own() const noexcept { return own_; }

  /// The three products of conv2d with `sizes`; y, dx and dweight without bias.
  void forward(Launcher& launcher, const ConvSizes& sizes, const float* x, const float* weight,
               float* y, Store how);
  void backward_data(Launcher& launcher, const ConvSizes& sizes, const float* dy,
                     const float* weight, float* dx, Store how);
  void backward_weight(Launcher& launcher, const ConvSizes& sizes, const float* x, const float* dy,
                       float* dweight, Store how);

 private:
  struct Plan;
  enum class Product { forward, backward_data, backward_weight };
  using Key =
      std::tuple<Product, std::int64_t, int, int, int, int, int, int, int, int, int, int, int>;

  const Plan& plan(Product product, const ConvSizes& sizes);
  template <class Performance, class Find>
  void choose(Plan& plan, const char* call, Find find);
  void check(const char* call, cudnnStatus_t status) const;

  CudnnFunctions functions_;
  KernelTable<float> own_;
  bool tf32_;
  cudnnHandle_t handle_ = nullptr;
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

/// `own` with cuDNN's convolutions in place of its own. The launcher that they run in has the
/// CudnnConvolutions as its library().
KernelTable<float> cudnn_kernels(const KernelTable<float>& own);

}  // namespace pisr::kernels::cuda
