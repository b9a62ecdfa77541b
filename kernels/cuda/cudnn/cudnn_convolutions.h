#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <tuple>

#include "kernels/cuda/cudnn/cudnn_library.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

namespace pisr::kernels::cuda {

/// Convolutions by cuDNN, images as NCHW. When a shape is first seen, which must not be during a
/// capture, cuDNN measures its algorithms and the fastest is taken. Some algorithms sum in an order
/// that changes from run to run. Calls throw DeviceError where cuDNN fails.
class CudnnConvolutions {
 public:
  /// `own` computes what cuDNN lacks: replicate padding, activations, gradients of biases. `tf32`
  /// allows tensor cores, which round operands to a fraction of 10 bits.
  CudnnConvolutions(const CudnnFunctions& functions, const KernelTable<float>& own, void* stream,
                    bool tf32);
  ~CudnnConvolutions();
  CudnnConvolutions(const CudnnConvolutions&) = delete;
  CudnnConvolutions& operator=(const CudnnConvolutions&) = delete;

  const KernelTable<float>& own() const noexcept { return own_; }

  /// conv2d with `sizes` without bias, and its gradients.
  void forward(Launcher& launcher, const ConvSizes& sizes, const float* x, const float* weight,
               float* y, Store store);
  void backward_data(Launcher& launcher, const ConvSizes& sizes, const float* dy,
                     const float* weight, float* dx, Store store);
  void backward_weight(Launcher& launcher, const ConvSizes& sizes, const float* x, const float* dy,
                       float* dweight, Store store);

 private:
  struct Plan;
  enum class Product { forward, backward_data, backward_weight };
  using Key =
      std::tuple<Product, std::int64_t, int, int, int, int, int, int, int, int, int, int, int>;

  const Plan& plan(Product product, const ConvSizes& sizes);
  /// Sets the plan's algorithm, and the math type with which it was timed, to the fastest that
  /// `find` reports and whose math type and workspace are acceptable.
  template <class First, class Second, class Third, class Performance>
  void choose(Plan& plan, const char* call,
              cudnnStatus_t (*find)(cudnnHandle_t, First, Second, cudnnConvolutionDescriptor_t,
                                    Third, int, int*, Performance*),
              First first, Second second, Third third);
  /// An operand of a product, and its descriptor.
  template <class Handle>
  struct Operand {
    Handle descriptor;
    const float* values;
  };
  /// result = first second, or is added to. The three products of cuDNN take their arguments in the
  /// same order.
  template <class First, class Second, class Third, class Algorithm>
  void multiply(Launcher& launcher, const Plan& plan, const char* call,
                cudnnStatus_t (*product)(cudnnHandle_t, const void*, First, const void*, Second,
                                         const void*, cudnnConvolutionDescriptor_t, Algorithm,
                                         void*, std::size_t, const void*, Third, void*),
                const Operand<First>& first, const Operand<Second>& second, Third third,
                float* result, Store store);
  void check(const char* call, cudnnStatus_t status) const;

  CudnnFunctions functions_;
  KernelTable<float> own_;
  bool tf32_;
  cudnnHandle_t handle_ = nullptr;
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

/// `own` with its convolutions replaced by cuDNN's. A launcher of these kernels must have a
/// CudnnConvolutions as its library().
KernelTable<float> cudnn_kernels(const KernelTable<float>& own);

}  // namespace pisr::kernels::cuda
