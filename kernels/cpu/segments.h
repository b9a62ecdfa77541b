#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/conv_args.h"
#include "kernels/launcher.h"

namespace pisr::kernels::cpu {

/// A run of `count` elements of an array [planes, inner] that starts at element `begin` and stays
/// within one plane.
struct Segment {
  std::int64_t index, plane, begin, count;
};

/// An array [planes, inner] cut into segments, by its shape alone.
class Segments {
 public:
  /// Large enough to be worth a task, and small enough for float sums over a part of a segment to
  /// stay accurate and for a few segments to fit the first-level cache.
  static constexpr std::int64_t kLength = 16384;

  Segments(std::int64_t planes, std::int64_t inner)
      : planes_(planes), inner_(inner), per_plane_((inner + kLength - 1) / kLength) {}

  std::int64_t planes() const { return planes_; }
  std::int64_t per_plane() const { return per_plane_; }
  std::int64_t count() const { return planes_ * per_plane_; }

  /// Calls body(Segment) for each; short neighbours share a task.
  template <class Body>
  void for_each(Launcher& launcher, Body body) const {
    const std::int64_t total = count();
    const std::int64_t group =
        std::max<std::int64_t>(1, kLength / std::max<std::int64_t>(1, std::min(inner_, kLength)));
    const auto run = [&](std::int64_t task, int) {
      const std::int64_t end = std::min(total, (task + 1) * group);
      for (std::int64_t index = task * group; index < end; ++index) {
        const std::int64_t plane = index / per_plane_;
        const std::int64_t offset = index % per_plane_ * kLength;
        body(Segment{index, plane, plane * inner_ + offset, std::min(kLength, inner_ - offset)});
      }
    };
    if (total <= group) {
      run(0, 0);
    } else {
      launcher.parallel_for((total + group - 1) / group, run);
    }
  }

 private:
  std::int64_t planes_, inner_, per_plane_;
};

/// Adds up the sums of each plane's segments, in order and in place: on entry sums[index] is that
/// of a segment, on return sums[plane] is that of a plane. A plane's sum never overwrites one that
/// is still to be read, as there are at least as many segments as planes before it.
inline void join_segment_sums(const Segments& segments, double* sums) {
  for (std::int64_t plane = 0; plane < segments.planes(); ++plane) {
    double total = 0;
    for (std::int64_t i = 0; i < segments.per_plane(); ++i) {
      total += sums[plane * segments.per_plane() + i];
    }
    sums[plane] = total;
  }
}

/// sums[plane] = sum of sum_of(segment) over the segments of a plane, in order; in scratch memory
/// of the launcher.
template <class SumOf>
double* plane_sums(Launcher& launcher, const Segments& segments, SumOf sum_of) {
  auto* sums = launcher.scratch_array<double>(static_cast<std::size_t>(segments.count()));
  segments.for_each(launcher, [&](const Segment& s) { sums[s.index] = sum_of(s); });
  join_segment_sums(segments, sums);
  return sums;
}

/// Rounds a sum to the element type and stores it.
template <class T>
void store_sum(T& target, double value, Store how) {
  target = static_cast<T>(how == Store::add ? static_cast<double>(target) + value : value);
}

/// y[c] = sum of the sums of the planes c, c + channels, ...
template <class T>
void store_channel_sums(const double* sums, std::int64_t planes, std::int64_t channels, T* y,
                        Store how) {
  for (std::int64_t c = 0; c < channels; ++c) {
    double total = 0;
    for (std::int64_t plane = c; plane < planes; plane += channels) {
      total += sums[plane];
    }
    store_sum(y[c], total, how);
  }
}

}  // namespace pisr::kernels::cpu
