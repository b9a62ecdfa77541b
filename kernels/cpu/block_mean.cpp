#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/block_mean.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// `count` neighbouring blocks of one row of blocks. The first one begins at `large` in an image
// whose rows lie `stride` apart, and its mean is at `small`.
template <class Large, class Small>
struct Run {
  Large* large;
  std::int64_t stride;
  Small* small;
  std::int64_t count;
};

template <class Args, class Large, class Small, class Visit>
void for_each_run(Launcher& launcher, const Args& a, Large* large, Small* small,
                  const Visit& visit) {
  const std::int64_t factor = a.factor, stride = a.width * factor;
  Segments(a.planes * a.height, a.width).for_each(launcher, [&](const Segment& s) {
    const std::int64_t column = s.begin - s.plane * a.width;
    visit(Run<Large, Small>{large + (s.plane * stride + column) * factor, stride, small + s.begin,
                            s.count});
  });
}

template <class T>
void mean_one_by_one(const Run<const T, T>& run, std::int64_t factor, std::int64_t begin) {
  for (std::int64_t block = begin; block < run.count; ++block) {
    double total = 0;
    for (std::int64_t i = 0; i < factor; ++i) {
      for (std::int64_t j = 0; j < factor; ++j) {
        total += run.large[i * run.stride + block * factor + j];
      }
    }
    run.small[block] = static_cast<T>(total / static_cast<double>(factor * factor));
  }
}

// The sums over one row of each of as many blocks as a vector has lanes.
template <int Factor, class T>
HWY_INLINE Vector<T> row_sums(Tag<T> d, const T* x) {
  Vector<T> a, b, c, e;
  if constexpr (Factor == 2) {
    hn::LoadInterleaved2(d, x, a, b);
    return hn::Add(a, b);
  } else if constexpr (Factor == 3) {
    hn::LoadInterleaved3(d, x, a, b, c);
    return hn::Add(hn::Add(a, b), c);
  } else {
    hn::LoadInterleaved4(d, x, a, b, c, e);
    return hn::Add(hn::Add(a, b), hn::Add(c, e));
  }
}

template <int Factor, class T>
void mean_of_blocks(const Run<const T, T>& run) {
  const Tag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t block = 0;
  for (; block + lanes <= run.count; block += lanes) {
    const T* x = run.large + block * Factor;
    auto total = row_sums<Factor>(d, x);
    for (int i = 1; i < Factor; ++i) {
      total = hn::Add(total, row_sums<Factor>(d, x + i * run.stride));
    }
    hn::StoreU(hn::Mul(total, hn::Set(d, T(1) / (Factor * Factor))), d, run.small + block);
  }
  mean_one_by_one(run, Factor, block);
}

template <class T>
void vector_block_mean(Launcher& launcher, const BlockMeanArgs<T>& a) {
  for_each_run(launcher, a, a.x, a.y, [&](const Run<const T, T>& run) {
    switch (a.factor) {
      case 2:
        return mean_of_blocks<2>(run);
      case 3:
        return mean_of_blocks<3>(run);
      case 4:
        return mean_of_blocks<4>(run);
      default:
        return mean_one_by_one(run, a.factor, 0);
    }
  });
}

template <class T>
void spread_one_by_one(const Run<T, const T>& run, std::int64_t factor, Store how) {
  for (std::int64_t i = 0; i < factor; ++i) {
    T* dx = run.large + i * run.stride;
    for (std::int64_t block = 0; block < run.count; ++block) {
      const T value = run.small[block] / static_cast<T>(factor * factor);
      for (std::int64_t j = 0; j < factor; ++j, ++dx) {
        *dx = how == Store::add ? *dx + value : value;
      }
    }
  }
}

template <int Factor, class T>
HWY_INLINE void repeat(Tag<T> d, Vector<T> v, T* to) {
  if constexpr (Factor == 2) {
    hn::StoreInterleaved2(v, v, d, to);
  } else if constexpr (Factor == 3) {
    hn::StoreInterleaved3(v, v, v, d, to);
  } else {
    hn::StoreInterleaved4(v, v, v, v, d, to);
  }
}

template <int Factor, class T>
void spread_over_blocks(const Run<T, const T>& run, Store how) {
  const Tag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  HWY_ALIGN T repeated[Factor * hn::MaxLanes(d)];
  for (std::int64_t block = 0; block < run.count; block += lanes) {
    const auto dy = load(d, run.small + block, run.count - block);
    repeat<Factor>(d, hn::Mul(dy, hn::Set(d, T(1) / (Factor * Factor))), repeated);
    for (std::int64_t j = 0; j < Factor * lanes; j += lanes) {
      const std::int64_t left = (run.count - block) * Factor - j;
      for (int i = 0; left > 0 && i < Factor; ++i) {
        store(d, hn::Load(d, repeated + j), run.large + i * run.stride + block * Factor + j, left,
              how);
      }
    }
  }
}

template <class T>
void vector_block_mean_backward(Launcher& launcher, const BlockMeanBackwardArgs<T>& a) {
  for_each_run(launcher, a, a.dx, a.dy, [&](const Run<T, const T>& run) {
    switch (a.factor) {
      case 2:
        return spread_over_blocks<2>(run, a.dx_store);
      case 3:
        return spread_over_blocks<3>(run, a.dx_store);
      case 4:
        return spread_over_blocks<4>(run, a.dx_store);
      default:
        return spread_one_by_one(run, a.factor, a.dx_store);
    }
  });
}

}  // namespace

PISR_VECTOR_KERNEL(block_mean, BlockMeanArgs)
PISR_VECTOR_KERNEL(block_mean_backward, BlockMeanBackwardArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(block_mean, BlockMeanArgs)
PISR_DISPATCH(block_mean_backward, BlockMeanBackwardArgs)

}  // namespace pisr::kernels::cpu
#endif
