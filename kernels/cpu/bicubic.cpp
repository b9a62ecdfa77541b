#include "kernels/bicubic.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/bicubic.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// The memory of one worker: a row between the two passes, which goes on beyond both ends as its
// mirror image, and a row of the result.
template <class T>
struct Rows {
  std::int64_t count, margin;
  T* between;  // element 0; `margin` more before it and behind its `count`
  T* result;

  void mirror_ends() const {
    for (std::int64_t i = 1; i <= margin; ++i) {
      between[-i] = between[mirrored(-i, count)];
      between[count + i - 1] = between[mirrored(count + i - 1, count)];
    }
  }
};

// Calls make(plane, row, rows) for each row of the result, of `rows_per_plane` a plane; it leaves
// the row in rows.result, [result_count]. Between the passes a row has `between_count` elements.
template <class T, class Make>
void for_each_row(Launcher& launcher, const BicubicArgs<T>& a, std::int64_t rows_per_plane,
                  std::int64_t result_count, std::int64_t between_count, std::int64_t margin,
                  const Make& make) {
  constexpr std::int64_t kElementsOfTask = 16384;
  const std::int64_t rows = a.planes * rows_per_plane;
  const std::int64_t group = std::max<std::int64_t>(1, kElementsOfTask / result_count);
  const std::int64_t per_worker = between_count + 2 * margin + result_count;
  T* const scratch =
      launcher.scratch_array<T>(static_cast<std::size_t>(per_worker * launcher.workers()));
  launcher.parallel_for((rows + group - 1) / group, [&](std::int64_t task, int worker) HWY_ATTR {
    T* const own = scratch + per_worker * worker;
    const Rows<T> memory{between_count, margin, own + margin, own + between_count + 2 * margin};
    const std::int64_t end = std::min(rows, (task + 1) * group);
    for (std::int64_t row = task * group; row < end; ++row) {
      make(row / rows_per_plane, row % rows_per_plane, memory);
      map(
          result_count, a.y + row * result_count, a.y_store,
          [&a](Tag<T> d, Vector<T> sum) HWY_ATTR { return hn::Mul(hn::Set(d, a.gain), sum); },
          memory.result);
    }
  });
}

// y[i] = sum over taps of weights[tap] rows[tap][i]
template <class T>
HWY_INLINE void sum_rows(std::int64_t count, T* y, Store how, const T* weights,
                         const T* const rows[kBicubicTaps]) {
  map(
      count, y, how,
      [weights](Tag<T> d, Vector<T> a, Vector<T> b, Vector<T> c, Vector<T> e) HWY_ATTR {
        auto sum = hn::Mul(hn::Set(d, weights[0]), a);
        sum = hn::MulAdd(hn::Set(d, weights[1]), b, sum);
        sum = hn::MulAdd(hn::Set(d, weights[2]), c, sum);
        return hn::MulAdd(hn::Set(d, weights[3]), e, sum);
      },
      rows[0], rows[1], rows[2], rows[3]);
}

template <int Scale, class T>
HWY_INLINE void load_phases(Tag<T> d, const T* from, Vector<T>* v) {
  if constexpr (Scale == 2) {
    hn::LoadInterleaved2(d, from, v[0], v[1]);
  } else if constexpr (Scale == 3) {
    hn::LoadInterleaved3(d, from, v[0], v[1], v[2]);
  } else {
    hn::LoadInterleaved4(d, from, v[0], v[1], v[2], v[3]);
  }
}

template <int Scale, class T>
HWY_INLINE void store_phases(Tag<T> d, const Vector<T>* v, T* to) {
  if constexpr (Scale == 2) {
    hn::StoreInterleaved2(v[0], v[1], d, to);
  } else if constexpr (Scale == 3) {
    hn::StoreInterleaved3(v[0], v[1], v[2], d, to);
  } else {
    hn::StoreInterleaved4(v[0], v[1], v[2], v[3], d, to);
  }
}

// A column of the horizontal passes has the same bits wherever it lies: whole vectors of columns
// and single ones, which are vectors of one lane, do the same operations in the same order.

// What the horizontal pass of upscaling makes of the small columns from `column` on, one phase.
template <class T, class D>
HWY_INLINE auto widened(D d, const BicubicWeights<T>& weights, int phase, const T* between,
                        std::int64_t column) {
  const T* const from = between + column + weights.first(phase);
  const T* const weight = weights.of_phase[phase];
  auto sum = hn::Mul(hn::Set(d, weight[0]), hn::LoadU(d, from));
  PISR_UNROLL
  for (int tap = 1; tap < kBicubicTaps; ++tap) {
    sum = hn::MulAdd(hn::Set(d, weight[tap]), hn::LoadU(d, from + tap), sum);
  }
  return sum;
}

// The horizontal pass of upscaling by whole vectors; gives the number of small columns it took.
template <int Scale, class T>
std::int64_t widen_vectors(const BicubicWeights<T>& weights, const Rows<T>& rows) {
  const Tag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t column = 0;
  for (; column + lanes <= rows.count; column += lanes) {
    Vector<T> v[Scale];
    PISR_UNROLL
    for (int phase = 0; phase < Scale; ++phase) {
      v[phase] = widened(d, weights, phase, rows.between, column);
    }
    store_phases<Scale>(d, v, rows.result + column * Scale);
  }
  return column;
}

template <class T>
void widen(const BicubicWeights<T>& weights, const Rows<T>& rows) {
  std::int64_t column = weights.scale == 2   ? widen_vectors<2>(weights, rows)
                        : weights.scale == 3 ? widen_vectors<3>(weights, rows)
                        : weights.scale == 4 ? widen_vectors<4>(weights, rows)
                                             : 0;
  const hn::CappedTag<T, 1> one;
  for (; column < rows.count; ++column) {
    for (int phase = 0; phase < weights.scale; ++phase) {
      rows.result[column * weights.scale + phase] =
          hn::GetLane(widened(one, weights, phase, rows.between, column));
    }
  }
}

// Adds to `sum` what the horizontal pass of downscaling takes from the phase of the large columns
// `shift` small columns away, `x`.
template <class T, class D, class V>
HWY_INLINE V narrowed(D d, const BicubicWeights<T>& weights, int scale, int shift, int phase, V x,
                      V sum) {
  const int tap = -shift - first_bicubic_tap(scale, phase);
  return tap >= 0 && tap < kBicubicTaps
             ? hn::MulAdd(hn::Set(d, weights.of_phase[phase][tap]), x, sum)
             : sum;
}

// The small columns around that a column of the result is made of.
constexpr int kFurthestShift = 2;

// The horizontal pass of downscaling by whole vectors; gives the number of small columns it took.
template <int Scale, class T>
std::int64_t narrow_vectors(const BicubicWeights<T>& weights, const Rows<T>& rows) {
  const Tag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t width = rows.count / Scale;
  std::int64_t column = 0;
  for (; column + lanes <= width; column += lanes) {
    auto sum = hn::Zero(d);
    PISR_UNROLL
    for (int shift = -kFurthestShift; shift <= kFurthestShift; ++shift) {
      Vector<T> v[Scale];
      load_phases<Scale>(d, rows.between + (column + shift) * Scale, v);
      PISR_UNROLL
      for (int phase = 0; phase < Scale; ++phase) {
        sum = narrowed(d, weights, Scale, shift, phase, v[phase], sum);
      }
    }
    hn::StoreU(sum, d, rows.result + column);
  }
  return column;
}

template <class T>
void narrow(const BicubicWeights<T>& weights, const Rows<T>& rows) {
  const int scale = weights.scale;
  std::int64_t column = scale == 2   ? narrow_vectors<2>(weights, rows)
                        : scale == 3 ? narrow_vectors<3>(weights, rows)
                        : scale == 4 ? narrow_vectors<4>(weights, rows)
                                     : 0;
  const hn::CappedTag<T, 1> one;
  for (; column < rows.count / scale; ++column) {
    auto sum = hn::Zero(one);
    for (int shift = -kFurthestShift; shift <= kFurthestShift; ++shift) {
      for (int phase = 0; phase < scale; ++phase) {
        const T* const from = rows.between + (column + shift) * scale + phase;
        sum = narrowed(one, weights, scale, shift, phase, hn::LoadU(one, from), sum);
      }
    }
    rows.result[column] = hn::GetLane(sum);
  }
}

template <class T>
void vector_upscale_bicubic(Launcher& launcher, const BicubicArgs<T>& a) {
  const BicubicWeights<T> weights(a.scale);
  for_each_row(launcher, a, a.height * a.scale, a.width * a.scale, a.width, kBicubicTaps / 2,
               [&](std::int64_t plane, std::int64_t row, const Rows<T>& rows) HWY_ATTR {
                 const std::int64_t above = row / a.scale;
                 const auto phase = static_cast<int>(row % a.scale);
                 const T* sources[kBicubicTaps];
                 for (int tap = 0; tap < kBicubicTaps; ++tap) {
                   const std::int64_t from = mirrored(above + weights.first(phase) + tap, a.height);
                   sources[tap] = a.x + (plane * a.height + from) * a.width;
                 }
                 sum_rows(a.width, rows.between, Store::write, weights.of_phase[phase], sources);
                 rows.mirror_ends();
                 widen(weights, rows);
               });
}

template <class T>
void vector_downscale_bicubic(Launcher& launcher, const BicubicArgs<T>& a) {
  const BicubicWeights<T> weights(a.scale);
  const std::int64_t height = a.height * a.scale, width = a.width * a.scale;
  for_each_row(launcher, a, a.height, a.width, width, std::int64_t{2} * a.scale,
               [&](std::int64_t plane, std::int64_t row, const Rows<T>& rows) HWY_ATTR {
                 for (int phase = 0; phase < a.scale; ++phase) {
                   const T* sources[kBicubicTaps];
                   for (int tap = 0; tap < kBicubicTaps; ++tap) {
                     const std::int64_t from =
                         mirrored((row - weights.first(phase) - tap) * a.scale + phase, height);
                     sources[tap] = a.x + (plane * height + from) * width;
                   }
                   sum_rows(width, rows.between, phase == 0 ? Store::write : Store::add,
                            weights.of_phase[phase], sources);
                 }
                 rows.mirror_ends();
                 narrow(weights, rows);
               });
}

}  // namespace

PISR_VECTOR_KERNEL(upscale_bicubic, BicubicArgs)
PISR_VECTOR_KERNEL(downscale_bicubic, BicubicArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(upscale_bicubic, BicubicArgs)
PISR_DISPATCH(downscale_bicubic, BicubicArgs)

}  // namespace pisr::kernels::cpu
#endif
