#include "tests/kernels/cudnn/fake_cudnn.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "kernels/table.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

int objects = 0;
int searches = 0;
int last_algorithm = 0;
constexpr std::size_t kWorkspace = 512;

/// Any descriptor: the numbers it was set to.
using Numbers = std::array<int, 8>;

template <class Handle>
cudnnStatus_t create(Handle* handle) {
  ++objects;
  *handle = reinterpret_cast<Handle>(new Numbers{});
  return CUDNN_STATUS_SUCCESS;
}

template <class Handle>
cudnnStatus_t destroy(Handle handle) {
  --objects;
  delete reinterpret_cast<Numbers*>(handle);
  return CUDNN_STATUS_SUCCESS;
}

template <class Handle>
Numbers& numbers(Handle handle) {
  return *reinterpret_cast<Numbers*>(
      const_cast<std::remove_const_t<std::remove_pointer_t<Handle>>*>(handle));
}

/// The sizes that the descriptors of input, filter, convolution and output describe; false where
/// they do not match.
bool sizes_of(const Numbers& x, const Numbers& w, const Numbers& c, const Numbers& y,
              ConvSizes& sizes) {
  sizes.batch = x[0];
  sizes.in_channels = x[1];
  sizes.in_height = x[2];
  sizes.in_width = x[3];
  sizes.out_channels = y[1];
  sizes.out_height = y[2];
  sizes.out_width = y[3];
  sizes.kernel_height = w[2];
  sizes.kernel_width = w[3];
  sizes.padding = c[0];
  sizes.stride = c[1];
  sizes.groups = c[2];
  const auto extent = [&](int in, int kernel) {
    return (in + 2 * sizes.padding - kernel) / sizes.stride + 1;
  };
  return y[0] == x[0] && w[0] == y[1] && w[1] * sizes.groups == x[1] &&
         y[2] == extent(x[2], w[2]) && y[3] == extent(x[3], w[3]);
}

/// result = alpha computed + beta result; as in cuDNN, result is not read where beta is 0.
void blend(const void* alpha, const std::vector<float>& computed, const void* beta, float* result) {
  const float a = *static_cast<const float*>(alpha);
  const float b = *static_cast<const float*>(beta);
  for (std::size_t i = 0; i < computed.size(); ++i) {
    result[i] = b == 0 ? a * computed[i] : a * computed[i] + b * result[i];
  }
}

// The algorithms, which have another fastest one in TF32 than in fp32. Each works with the math
// type with which it was timed alone.
constexpr int kSlow = 1, kTooLarge = 2, kTensorCores = 3, kHalfPrecision = 4;
cudnnMathType_t math_type(int algorithm) {
  return algorithm == kTensorCores     ? CUDNN_TENSOR_OP_MATH
         : algorithm == kHalfPrecision ? CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION
                                       : CUDNN_FMA_MATH;
}

template <class Performance>
cudnnStatus_t offer(int wanted, int* count, Performance* found) {
  ++searches;
  const auto offered = [](int algorithm, cudnnStatus_t status, float time, std::size_t memory) {
    Performance performance{};
    performance.algo = static_cast<decltype(Performance::algo)>(algorithm);
    performance.status = status;
    performance.time = time;
    performance.memory = memory;
    performance.mathType = math_type(algorithm);
    return performance;
  };
  const std::array<Performance, 5> all = {
      offered(0, CUDNN_STATUS_NOT_SUPPORTED, -1, 0),
      offered(kHalfPrecision, CUDNN_STATUS_SUCCESS, 0.2F, kWorkspace),
      offered(kTensorCores, CUDNN_STATUS_SUCCESS, 0.3F, kWorkspace),
      offered(kTooLarge, CUDNN_STATUS_SUCCESS, 0.5F, std::size_t{1} << 40),
      offered(kSlow, CUDNN_STATUS_SUCCESS, 1.0F, kWorkspace),
  };
  *count = std::min(wanted, static_cast<int>(all.size()));
  std::copy_n(all.begin(), *count, found);
  return CUDNN_STATUS_SUCCESS;
}

/// The algorithms for the product that the descriptors describe.
template <class Performance>
cudnnStatus_t search(cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                     cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y, int wanted,
                     int* count, Performance* found) {
  ConvSizes sizes;
  return sizes_of(numbers(x), numbers(w), numbers(c), numbers(y), sizes)
             ? offer(wanted, count, found)
             : CUDNN_STATUS_BAD_PARAM;
}

bool usable(int algorithm, cudnnConvolutionDescriptor_t descriptor, void* workspace,
            std::size_t bytes) {
  if ((algorithm != kSlow && algorithm != kTensorCores) || workspace == nullptr ||
      bytes < kWorkspace || numbers(descriptor)[3] != math_type(algorithm)) {
    return false;
  }
  last_algorithm = algorithm;
  std::memset(workspace, 0x5A, bytes);
  return true;
}

}  // namespace

int fake_cudnn_objects() {
  return objects;
}

int fake_cudnn_searches() {
  return searches;
}

bool fake_cudnn_used_tensor_cores() {
  return last_algorithm == kTensorCores;
}

cuda::CudnnFunctions fake_cudnn() {
  cuda::CudnnFunctions f;
  f.cudnnCreate = [](cudnnHandle_t* handle) { return create(handle); };
  f.cudnnDestroy = [](cudnnHandle_t handle) { return destroy(handle); };
  f.cudnnSetStream = [](cudnnHandle_t, cudaStream_t) { return CUDNN_STATUS_SUCCESS; };
  f.cudnnGetErrorString = [](cudnnStatus_t) { return "refused by the test"; };
  f.cudnnCreateTensorDescriptor = [](cudnnTensorDescriptor_t* d) { return create(d); };
  f.cudnnDestroyTensorDescriptor = [](cudnnTensorDescriptor_t d) { return destroy(d); };
  f.cudnnSetTensor4dDescriptor = [](cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                    cudnnDataType_t type, int n, int c, int h, int w) {
    numbers(d) = {n, c, h, w};
    return format == CUDNN_TENSOR_NCHW && type == CUDNN_DATA_FLOAT ? CUDNN_STATUS_SUCCESS
                                                                   : CUDNN_STATUS_BAD_PARAM;
  };
  f.cudnnCreateFilterDescriptor = [](cudnnFilterDescriptor_t* d) { return create(d); };
  f.cudnnDestroyFilterDescriptor = [](cudnnFilterDescriptor_t d) { return destroy(d); };
  f.cudnnSetFilter4dDescriptor = [](cudnnFilterDescriptor_t d, cudnnDataType_t type,
                                    cudnnTensorFormat_t format, int k, int c, int h, int w) {
    numbers(d) = {k, c, h, w};
    return format == CUDNN_TENSOR_NCHW && type == CUDNN_DATA_FLOAT ? CUDNN_STATUS_SUCCESS
                                                                   : CUDNN_STATUS_BAD_PARAM;
  };
  f.cudnnCreateConvolutionDescriptor = [](cudnnConvolutionDescriptor_t* d) { return create(d); };
  f.cudnnDestroyConvolutionDescriptor = [](cudnnConvolutionDescriptor_t d) { return destroy(d); };
  f.cudnnSetConvolution2dDescriptor = [](cudnnConvolutionDescriptor_t d, int pad_h, int pad_w,
                                         int stride_h, int stride_w, int dilation_h, int dilation_w,
                                         cudnnConvolutionMode_t mode, cudnnDataType_t type) {
    numbers(d) = {pad_h, stride_h, 1, CUDNN_DEFAULT_MATH};
    return pad_h == pad_w && stride_h == stride_w && dilation_h == 1 && dilation_w == 1 &&
                   mode == CUDNN_CROSS_CORRELATION && type == CUDNN_DATA_FLOAT
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_BAD_PARAM;
  };
  f.cudnnSetConvolutionGroupCount = [](cudnnConvolutionDescriptor_t d, int groups) {
    numbers(d)[2] = groups;
    return CUDNN_STATUS_SUCCESS;
  };
  f.cudnnSetConvolutionMathType = [](cudnnConvolutionDescriptor_t d, cudnnMathType_t type) {
    numbers(d)[3] = type;
    return CUDNN_STATUS_SUCCESS;
  };
  f.cudnnFindConvolutionForwardAlgorithm =
      [](cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
         cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y, int wanted, int* count,
         cudnnConvolutionFwdAlgoPerf_t* found) { return search(x, w, c, y, wanted, count, found); };
  f.cudnnFindConvolutionBackwardDataAlgorithm =
      [](cudnnHandle_t, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy,
         cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t dx, int wanted, int* count,
         cudnnConvolutionBwdDataAlgoPerf_t* found) {
        return search(dx, w, c, dy, wanted, count, found);
      };
  f.cudnnFindConvolutionBackwardFilterAlgorithm =
      [](cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy,
         cudnnConvolutionDescriptor_t c, cudnnFilterDescriptor_t dw, int wanted, int* count,
         cudnnConvolutionBwdFilterAlgoPerf_t* found) {
        return search(x, dw, c, dy, wanted, count, found);
      };
  f.cudnnConvolutionForward =
      [](cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t x, const void* x_data,
         cudnnFilterDescriptor_t w, const void* w_data, cudnnConvolutionDescriptor_t c,
         cudnnConvolutionFwdAlgo_t algorithm, void* workspace, std::size_t bytes, const void* beta,
         cudnnTensorDescriptor_t y, void* y_data) {
        ConvSizes sizes;
        if (!sizes_of(numbers(x), numbers(w), numbers(c), numbers(y), sizes) ||
            !usable(algorithm, c, workspace, bytes)) {
          return CUDNN_STATUS_BAD_PARAM;
        }
        std::vector<float> result(output_count(sizes));
        TestLauncher launcher;
        naive_kernels<float>().conv2d(
            launcher, {sizes, static_cast<const float*>(x_data), static_cast<const float*>(w_data),
                       nullptr, result.data()});
        blend(alpha, result, beta, static_cast<float*>(y_data));
        return CUDNN_STATUS_SUCCESS;
      };
  f.cudnnConvolutionBackwardData =
      [](cudnnHandle_t, const void* alpha, cudnnFilterDescriptor_t w, const void* w_data,
         cudnnTensorDescriptor_t dy, const void* dy_data, cudnnConvolutionDescriptor_t c,
         cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace, std::size_t bytes,
         const void* beta, cudnnTensorDescriptor_t dx, void* dx_data) {
        ConvSizes sizes;
        if (!sizes_of(numbers(dx), numbers(w), numbers(c), numbers(dy), sizes) ||
            !usable(algorithm, c, workspace, bytes)) {
          return CUDNN_STATUS_BAD_PARAM;
        }
        std::vector<float> result(static_cast<std::size_t>(sizes.batch) * sizes.in_channels *
                                  sizes.in_height * sizes.in_width);
        TestLauncher launcher;
        naive_kernels<float>().conv2d_backward_data(
            launcher, {sizes, static_cast<const float*>(dy_data), static_cast<const float*>(w_data),
                       result.data(), Store::write});
        blend(alpha, result, beta, static_cast<float*>(dx_data));
        return CUDNN_STATUS_SUCCESS;
      };
  f.cudnnConvolutionBackwardFilter =
      [](cudnnHandle_t, const void* alpha, cudnnTensorDescriptor_t x, const void* x_data,
         cudnnTensorDescriptor_t dy, const void* dy_data, cudnnConvolutionDescriptor_t c,
         cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace, std::size_t bytes,
         const void* beta, cudnnFilterDescriptor_t dw, void* dw_data) {
        ConvSizes sizes;
        if (!sizes_of(numbers(x), numbers(dw), numbers(c), numbers(dy), sizes) ||
            !usable(algorithm, c, workspace, bytes)) {
          return CUDNN_STATUS_BAD_PARAM;
        }
        const Numbers& filter = numbers(dw);
        std::vector<float> result(static_cast<std::size_t>(filter[0]) * filter[1] * filter[2] *
                                  filter[3]);
        TestLauncher launcher;
        naive_kernels<float>().conv2d_backward_weight(
            launcher, {sizes, static_cast<const float*>(x_data), static_cast<const float*>(dy_data),
                       result.data(), nullptr, Store::write, Store::write});
        blend(alpha, result, beta, static_cast<float*>(dw_data));
        return CUDNN_STATUS_SUCCESS;
      };
  return f;
}

}  // namespace pisr::kernels
