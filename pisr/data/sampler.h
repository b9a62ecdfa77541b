#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/export.h"
#include "kernels/patch_choice.h"
#include "pisr/data/dataset.h"

namespace pisr {

/// Random training patches. Sample k is a pure function of (data, seed, k), drawn from
/// Random(seed, RandomUse::batch, k); iteration i of batch size B takes samples i B .. i B + B - 1.
/// Batches therefore do not depend on the number of workers or their order, and a resumed run sees
/// the batches of an uninterrupted one.
///
/// Every sample takes an image uniformly at random (with replacement: an epoch is a count of
/// iterations, nothing is shuffled), a position on the LR grid, and one of the 8 symmetries.
class PISR_API BatchSampler {
 public:
  /// Keeps a reference to `data`, which must outlive the sampler. `gt_size` is the side of the HR
  /// patch in pixels, a multiple of the scale, and `channels` 1 for patches of luminance or 3 of
  /// RGB (Error(usage) otherwise). Error(input), which names the image, where one is smaller than
  /// the patch.
  BatchSampler(const Dataset& data, std::uint64_t seed, int gt_size, int channels = 1);

  int gt_size() const noexcept { return gt_size_; }                  ///< side of the HR patch
  int low_size() const noexcept { return gt_size_ / data_->scale; }  ///< side of the LR patch

  /// Writes sample `index` >= 0: high[channels, gt_size, gt_size] and low[channels, low_size,
  /// low_size]. They are luminance (BT.601 on 0..1, not rounded; of a grey image its values), or R,
  /// G and B on 0..1 (of a grey image its values thrice). Safe to call from several threads.
  void sample(std::int64_t index, float* high, float* low) const;

  using Choice = kernels::PatchChoice;
  /// Image, position and symmetry of sample `index`; `image` is an index into Dataset::images.
  Choice choice(std::int64_t index) const;

 private:
  const Dataset* data_;
  std::uint64_t seed_;
  int gt_size_;
  int channels_;
};

}  // namespace pisr
