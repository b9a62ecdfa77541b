#include "kernels/cuda/cudnn/cudnn_convolutions.h"

#include <array>
#include <string>
#include <utility>

#include "kernels/device.h"
#include "kernels/fallbacks.h"

namespace pisr::kernels::cuda {

namespace {

// A larger workspace would cost memory that the images need, and gain little.
constexpr std::size_t kMostWorkspace = std::size_t{1} << 28;

/// cuDNN times algorithms with the math type of the descriptor and with its default, which uses
/// TF32 where it can. Conversion to half precision would narrow the range.
bool is_allowed(cudnnMathType_t type, bool tf32) {
  return type == CUDNN_FMA_MATH ||
         (tf32 && (type == CUDNN_DEFAULT_MATH || type == CUDNN_TENSOR_OP_MATH));
}

/// Owns a descriptor of cuDNN.
template <class Handle>
struct Descriptor {
  explicit Descriptor(cudnnStatus_t (*release)(Handle)) : destroy(release) {}
  ~Descriptor() {
    if (handle != nullptr) {
      destroy(handle);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  cudnnStatus_t (*destroy)(Handle);
  Handle handle = nullptr;
};

}  // namespace

/// The descriptors of a shape, and the algorithm for it. input and output are those of conv2d.
struct CudnnConvolutions::Plan {
  explicit Plan(const CudnnFunctions& functions)
      : input(functions.cudnnDestroyTensorDescriptor),
        output(functions.cudnnDestroyTensorDescriptor),
        filter(functions.cudnnDestroyFilterDescriptor),
        convolution(functions.cudnnDestroyConvolutionDescriptor) {}
  Descriptor<cudnnTensorDescriptor_t> input, output;
  Descriptor<cudnnFilterDescriptor_t> filter;
  Descriptor<cudnnConvolutionDescriptor_t> convolution;
  int algorithm = 0;
  std::size_t workspace = 0;  ///< bytes
};

CudnnConvolutions::CudnnConvolutions(const CudnnFunctions& functions, const KernelTable<float>& own,
                                     void* stream, bool tf32)
    : functions_(functions), own_(own), tf32_(tf32) {
  check("cudnnCreate", functions_.cudnnCreate(&handle_));
  const cudnnStatus_t status =
      functions_.cudnnSetStream(handle_, static_cast<cudaStream_t>(stream));
  if (status != CUDNN_STATUS_SUCCESS) {
    functions_.cudnnDestroy(handle_);
    check("cudnnSetStream", status);
  }
}

CudnnConvolutions::~CudnnConvolutions() {
  plans_.clear();
  functions_.cudnnDestroy(handle_);
}

void CudnnConvolutions::check(const char* call, cudnnStatus_t status) const {
  if (status != CUDNN_STATUS_SUCCESS) {
    throw DeviceError(std::string("cuDNN: ") + call + ": " +
                      functions_.cudnnGetErrorString(status));
  }
}

template <class First, class Second, class Third, class Performance>
void CudnnConvolutions::choose(Plan& plan, const char* call,
                               cudnnStatus_t (*find)(cudnnHandle_t, First, Second,
                                                     cudnnConvolutionDescriptor_t, Third, int, int*,
                                                     Performance*),
                               First first, Second second, Third third) {
  std::array<Performance, 16> found{};
  int count = 0;
  check(call, find(handle_, first, second, plan.convolution.handle, third,
                   static_cast<int>(found.size()), &count, found.data()));
  // The fastest is first.
  for (int i = 0; i < count; ++i) {
    const Performance& performance = found[static_cast<std::size_t>(i)];
    if (performance.status == CUDNN_STATUS_SUCCESS && performance.memory <= kMostWorkspace &&
        is_allowed(performance.mathType, tf32_)) {
      check("cudnnSetConvolutionMathType",
            functions_.cudnnSetConvolutionMathType(plan.convolution.handle, performance.mathType));
      plan.algorithm = performance.algo;
      plan.workspace = performance.memory;
      return;
    }
  }
  throw DeviceError(std::string("cuDNN: ") + call + " found no algorithm");
}

const CudnnConvolutions::Plan& CudnnConvolutions::plan(Product product, const ConvSizes& s) {
  std::unique_ptr<Plan>& known = plans_[{product, s.batch, s.in_channels, s.in_height, s.in_width,
                                         s.out_channels, s.out_height, s.out_width, s.kernel_height,
                                         s.kernel_width, s.stride, s.padding, s.groups}];
  if (known != nullptr) {
    return *known;
  }
  const CudnnFunctions& f = functions_;
  auto made = std::make_unique<Plan>(f);
  Plan& plan = *made;
  const auto tensor = [&](Descriptor<cudnnTensorDescriptor_t>& descriptor, int channels, int height,
                          int width) {
    check("cudnnCreateTensorDescriptor", f.cudnnCreateTensorDescriptor(&descriptor.handle));
    check("cudnnSetTensor4dDescriptor",
          f.cudnnSetTensor4dDescriptor(descriptor.handle, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT,
                                       static_cast<int>(s.batch), channels, height, width));
  };
  tensor(plan.input, s.in_channels, s.in_height, s.in_width);
  tensor(plan.output, s.out_channels, s.out_height, s.out_width);
  check("cudnnCreateFilterDescriptor", f.cudnnCreateFilterDescriptor(&plan.filter.handle));
  check("cudnnSetFilter4dDescriptor",
        f.cudnnSetFilter4dDescriptor(plan.filter.handle, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW,
                                     s.out_channels, s.in_channels / s.groups, s.kernel_height,
                                     s.kernel_width));
  check("cudnnCreateConvolutionDescriptor",
        f.cudnnCreateConvolutionDescriptor(&plan.convolution.handle));
  cudnnConvolutionDescriptor_t const convolution = plan.convolution.handle;
  check("cudnnSetConvolution2dDescriptor",
        f.cudnnSetConvolution2dDescriptor(convolution, s.padding, s.padding, s.stride, s.stride, 1,
                                          1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  check("cudnnSetConvolutionGroupCount", f.cudnnSetConvolutionGroupCount(convolution, s.groups));
  // cuDNN's default uses TF32 where it can.
  check("cudnnSetConvolutionMathType",
        f.cudnnSetConvolutionMathType(convolution, tf32_ ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH));
  switch (product) {
    case Product::forward:
      choose(plan, "cudnnFindConvolutionForwardAlgorithm", f.cudnnFindConvolutionForwardAlgorithm,
             plan.input.handle, plan.filter.handle, plan.output.handle);
      break;
    case Product::backward_data:
      choose(plan, "cudnnFindConvolutionBackwardDataAlgorithm",
             f.cudnnFindConvolutionBackwardDataAlgorithm, plan.filter.handle, plan.output.handle,
             plan.input.handle);
      break;
    case Product::backward_weight:
      choose(plan, "cudnnFindConvolutionBackwardFilterAlgorithm",
             f.cudnnFindConvolutionBackwardFilterAlgorithm, plan.input.handle, plan.output.handle,
             plan.filter.handle);
      break;
  }
  known = std::move(made);
  return *known;
}

template <class First, class Second, class Third, class Algorithm>
void CudnnConvolutions::multiply(Launcher& launcher, const Plan& plan, const char* call,
                                 cudnnStatus_t (*product)(cudnnHandle_t, const void*, First,
                                                          const void*, Second, const void*,
                                                          cudnnConvolutionDescriptor_t, Algorithm,
                                                          void*, std::size_t, const void*, Third,
                                                          void*),
                                 const Operand<First>& first, const Operand<Second>& second,
                                 Third third, float* result, Store store) {
  const float one = 1;
  const float beta = store == Store::add ? 1 : 0;
  check(call,
        product(handle_, &one, first.descriptor, first.values, second.descriptor, second.values,
                plan.convolution.handle, static_cast<Algorithm>(plan.algorithm),
                launcher.scratch(plan.workspace), plan.workspace, &beta, third, result));
}

void CudnnConvolutions::forward(Launcher& launcher, const ConvSizes& sizes, const float* x,
                                const float* weight, float* y, Store store) {
  const Plan& plan = this->plan(Product::forward, sizes);
  multiply(launcher, plan, "cudnnConvolutionForward", functions_.cudnnConvolutionForward,
           Operand<cudnnTensorDescriptor_t>{plan.input.handle, x},
           Operand<cudnnFilterDescriptor_t>{plan.filter.handle, weight}, plan.output.handle, y,
           store);
}

void CudnnConvolutions::backward_data(Launcher& launcher, const ConvSizes& sizes, const float* dy,
                                      const float* weight, float* dx, Store store) {
  const Plan& plan = this->plan(Product::backward_data, sizes);
  multiply(launcher, plan, "cudnnConvolutionBackwardData", functions_.cudnnConvolutionBackwardData,
           Operand<cudnnFilterDescriptor_t>{plan.filter.handle, weight},
           Operand<cudnnTensorDescriptor_t>{plan.output.handle, dy}, plan.input.handle, dx, store);
}

void CudnnConvolutions::backward_weight(Launcher& launcher, const ConvSizes& sizes, const float* x,
                                        const float* dy, float* dweight, Store store) {
  const Plan& plan = this->plan(Product::backward_weight, sizes);
  multiply(
      launcher, plan, "cudnnConvolutionBackwardFilter", functions_.cudnnConvolutionBackwardFilter,
      Operand<cudnnTensorDescriptor_t>{plan.input.handle, x},
      Operand<cudnnTensorDescriptor_t>{plan.output.handle, dy}, plan.filter.handle, dweight, store);
}

namespace {

CudnnConvolutions& convolutions(Launcher& launcher) {
  return *static_cast<CudnnConvolutions*>(launcher.library());
}

/// Bias and activation, from `before` to y, which may be the same.
void finish(Launcher& launcher, const KernelTable<float>& own, const ConvArgs<float>& args,
            float* before) {
  const ConvSizes& sizes = args.sizes;
  const std::int64_t inner = std::int64_t{sizes.out_height} * sizes.out_width;
  const std::int64_t count = sizes.batch * sizes.out_channels * inner;
  if (args.bias != nullptr) {
    own.binary(launcher, {BinaryOp::add, Broadcast::channel, sizes.batch, sizes.out_channels, inner,
                          before, args.bias, before});
  }
  switch (args.activation.kind) {
    case ActivationKind::none:
      if (before != args.y) {
        own.affine(launcher, {count, 1, 0, before, args.y, Store::write});
      }
      break;
    case ActivationKind::relu:
      own.unary(launcher, {UnaryOp::relu, count, 0, before, args.y});
      break;
    case ActivationKind::prelu:
      own.prelu(launcher, {sizes.batch, sizes.out_channels, inner, args.activation.slope_count,
                           before, args.activation.slopes, args.y});
      break;
  }
}

void bias_gradient(Launcher& launcher,
                   void (*backward_weight)(Launcher&, const ConvBackwardWeightArgs<float>&),
                   ConvBackwardWeightArgs<float> args) {
  if (args.dbias != nullptr) {
    args.dweight = nullptr;
    backward_weight(launcher, args);
  }
}

void conv2d(Launcher& launcher, const ConvArgs<float>& args) {
  CudnnConvolutions& cudnn = convolutions(launcher);
  if (args.sizes.padding_mode != PaddingMode::zero) {
    cudnn.own().conv2d(launcher, args);
    return;
  }
  float* const before = args.before == nullptr ? args.y : args.before;
  cudnn.forward(launcher, args.sizes, args.x, args.weight, before, Store::write);
  finish(launcher, cudnn.own(), args, before);
}

void conv2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<float>& args) {
  CudnnConvolutions& cudnn = convolutions(launcher);
  if (args.sizes.padding_mode != PaddingMode::zero) {
    cudnn.own().conv2d_backward_data(launcher, args);
    return;
  }
  cudnn.backward_data(launcher, args.sizes, args.dy, args.weight, args.dx, args.dx_store);
}

void conv2d_backward_weight(Launcher& launcher, const ConvBackwardWeightArgs<float>& args) {
  CudnnConvolutions& cudnn = convolutions(launcher);
  if (args.sizes.padding_mode != PaddingMode::zero) {
    cudnn.own().conv2d_backward_weight(launcher, args);
    return;
  }
  if (args.dweight != nullptr) {
    cudnn.backward_weight(launcher, args.sizes, args.x, args.dy, args.dweight, args.dweight_store);
  }
  bias_gradient(launcher, cudnn.own().conv2d_backward_weight, args);
}

void conv2d_prelu_backward_weight(Launcher& launcher, const ConvPreluBackwardArgs<float>& args) {
  fallback_conv2d_prelu_backward_weight<float>(
      launcher, args, convolutions(launcher).own().prelu_backward, conv2d_backward_weight);
}

void conv_transpose2d(Launcher& launcher, const ConvArgs<float>& args) {
  CudnnConvolutions& cudnn = convolutions(launcher);
  float* const before = args.before == nullptr ? args.y : args.before;
  cudnn.backward_data(launcher, transposed(args.sizes), args.x, args.weight, before, Store::write);
  finish(launcher, cudnn.own(), args, before);
}

void conv_transpose2d_backward_data(Launcher& launcher, const ConvBackwardDataArgs<float>& args) {
  convolutions(launcher).forward(launcher, transposed(args.sizes), args.dy, args.weight, args.dx,
                                 args.dx_store);
}

void conv_transpose2d_backward_weight(Launcher& launcher,
                                      const ConvBackwardWeightArgs<float>& args) {
  CudnnConvolutions& cudnn = convolutions(launcher);
  if (args.dweight != nullptr) {
    cudnn.backward_weight(launcher, transposed(args.sizes), args.dy, args.x, args.dweight,
                          args.dweight_store);
  }
  bias_gradient(launcher, cudnn.own().conv_transpose2d_backward_weight, args);
}

void conv_chain(Launcher& launcher, const ConvChainArgs<float>& args) {
  fallback_conv_chain<float>(launcher, args, conv2d, conv_transpose2d);
}

}  // namespace

KernelTable<float> cudnn_kernels(const KernelTable<float>& own) {
  KernelTable<float> table = own;
  table.conv2d = conv2d;
  table.conv2d_backward_data = conv2d_backward_data;
  table.conv2d_backward_weight = conv2d_backward_weight;
  table.conv2d_prelu_backward_weight = conv2d_prelu_backward_weight;
  table.conv_transpose2d = conv_transpose2d;
  table.conv_transpose2d_backward_data = conv_transpose2d_backward_data;
  table.conv_transpose2d_backward_weight = conv_transpose2d_backward_weight;
  table.conv_chain = conv_chain;
  return table;
}

}  // namespace pisr::kernels::cuda
