#include "kernels/cpu/conv/conv_tiles.h"

#include "kernels/cpu/highway_targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/conv/conv_tiles.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/cpu/conv/conv_rows-inl.h"
#include "kernels/cpu/conv/conv_taps-inl.h"
#include "kernels/cpu/conv/conv_weight_sums-inl.h"

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
constexpr ConvVectorOps<T> kTiles = {static_cast<int>(kLanes<T>),
                                     kLargestBlock,
                                     convolve<T>,
                                     convolve_pair<T>,
                                     pair_rows<T>,
                                     pair_factors<T>,
                                     weight_sums<T>,
                                     copy_row<T>,
                                     split_row<T>,
                                     join_pairs<T>,
                                     sum<T>};

const ConvVectorOps<float>* float_tiles() {
  return &kTiles<float>;
}
const ConvVectorOps<double>* double_tiles() {
  return &kTiles<double>;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {
namespace {
HWY_EXPORT(float_tiles);
HWY_EXPORT(double_tiles);
}  // namespace

template <>
const ConvVectorOps<float>& conv_tiles() noexcept {
  return *HWY_DYNAMIC_DISPATCH(float_tiles)();
}

template <>
const ConvVectorOps<double>& conv_tiles() noexcept {
  return *HWY_DYNAMIC_DISPATCH(double_tiles)();
}

}  // namespace pisr::kernels::cpu
#endif
