#include "kernels/cpu/conv/conv_vector_ops.h"

#include "kernels/cpu/highway_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv/conv_vector_ops.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/cpu/conv/pixel_sums-inl.h"
#include "kernels/cpu/conv/row_copies-inl.h"
#include "kernels/cpu/conv/tap_sums-inl.h"
#include "kernels/cpu/conv/winograd-inl.h"
#include "kernels/cpu/conv/winograd_square-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

template <class T>
double sum(const T* x, std::int64_t count) {
  return sum_of<T>(
      count, [](Tag<T>, Vector<T> v) HWY_ATTR { return v; }, x);
}

template <class T>
constexpr ConvVectorOps<T> kOps = {
    .lanes = static_cast<int>(kLanes<T>),
    .channel_block = kChannelBlock,
    .convolve = convolve<T>,
    .weight_sums = weight_sums<T>,
    .winograd = {.convolve = winograd_convolve<T>,
                 .square_convolve = winograd_square_convolve<T>,
                 .input_transform = winograd_input_transform<T>,
                 .square_transform = winograd_square_transform<T>,
                 .gradient_transform = winograd_gradient_transform<T>},
    .copy_row = copy_row<T>,
    .deinterleave_row = deinterleave_row<T>,
    .interleave = interleave<T>,
    .sum = sum<T>,
};

const ConvVectorOps<float>* float_ops() {
  return &kOps<float>;
}
const ConvVectorOps<double>* double_ops() {
  return &kOps<double>;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {
namespace {
HWY_EXPORT(float_ops);
HWY_EXPORT(double_ops);
}  // namespace

template <>
const ConvVectorOps<float>& conv_vector_ops() noexcept {
  return *HWY_DYNAMIC_DISPATCH(float_ops)();
}

template <>
const ConvVectorOps<double>& conv_vector_ops() noexcept {
  return *HWY_DYNAMIC_DISPATCH(double_ops)();
}

}  // namespace pisr::kernels::cpu
#endif
