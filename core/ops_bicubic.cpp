#include "core/conv_extent.h"
#include "core/operand.h"
#include "core/ops.h"
#include "kernels/bicubic.h"

namespace pisr {
namespace {

using kernels::BicubicArgs;
using kernels::KernelTable;

// The small image of a pair.
struct SmallImage {
  std::int64_t planes;
  int height, width, scale;
};

template <class T>
using BicubicKernel = void (*KernelTable<T>::*)(kernels::Launcher&, const BicubicArgs<T>&);

template <class T>
void launch(Context& context, BicubicKernel<T> kernel, const SmallImage& small, double gain,
            const T* x, T* y, kernels::Store store) {
  context.launch(kernel, {small.planes, small.height, small.width, small.scale,
                          static_cast<T>(gain), x, y, store});
}

void check_scale(const char* op, const Variable& x, int scale) {
  check_rank(op, {"x", x}, 4);
  if (scale < 1 || scale > kernels::kLargestBicubicScale) {
    throw ShapeError(
        message(op, ": scale must be 1 to ", kernels::kLargestBicubicScale, ", got ", scale));
  }
}

}  // namespace

Variable upscale_bicubic(const Variable& x, int scale) {
  constexpr const char* kOp = "upscale_bicubic";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_scale(kOp, x, scale);
  const Shape& shape = x.shape();
  const Shape large{shape[0], shape[1], kernel_extent(kOp, shape[2] * scale),
                    kernel_extent(kOp, shape[3] * scale)};
  const SmallImage small{shape[0] * shape[1], static_cast<int>(shape[2]),
                         static_cast<int>(shape[3]), scale};
  const Tensor y = tape.result(large, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    launch<T>(tape.context(), &KernelTable<T>::upscale_bicubic, small, 1, x.value().data<T>(),
              y.data<T>(), kernels::Store::write);
  });
  return tape.record(kOp, y, {&x},
                     [small, dtype = x.dtype()](Backward& backward) {
                       with_type(dtype, [&]<class T>() {
                         const auto dx = backward.slot<T>(0);
                         launch<T>(backward.context(), &KernelTable<T>::downscale_bicubic, small, 1,
                                   backward.dy<T>(), dx.data, dx.store);
                       });
                     },
                     {{"scale", scale}});
}

Variable downscale_bicubic(const Variable& x, int scale) {
  constexpr const char* kOp = "downscale_bicubic";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_scale(kOp, x, scale);
  const Shape& shape = x.shape();
  if (shape[2] % scale != 0 || shape[3] % scale != 0) {
    refuse_operands(kOp, message("height and width must be multiples of ", scale), {{"x", x}});
  }
  const SmallImage small{shape[0] * shape[1], kernel_extent(kOp, shape[2]) / scale,
                         kernel_extent(kOp, shape[3]) / scale, scale};
  const double gain = 1.0 / (scale * scale);
  const Tensor y = tape.result({shape[0], shape[1], small.height, small.width}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    launch<T>(tape.context(), &KernelTable<T>::downscale_bicubic, small, gain, x.value().data<T>(),
              y.data<T>(), kernels::Store::write);
  });
  return tape.record(kOp, y, {&x},
                     [small, gain, dtype = x.dtype()](Backward& backward) {
                       with_type(dtype, [&]<class T>() {
                         const auto dx = backward.slot<T>(0);
                         launch<T>(backward.context(), &KernelTable<T>::upscale_bicubic, small,
                                   gain, backward.dy<T>(), dx.data, dx.store);
                       });
                     },
                     {{"scale", scale}});
}

}  // namespace pisr
