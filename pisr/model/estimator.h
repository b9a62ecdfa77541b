#pragma once

#include "kernels/export.h"
#include "nn/layers.h"

namespace pisr {

/// The density that the estimator gives the teacher's feature, seen from the student's.
enum class Distribution { laplace, gaussian };

/// Estimates where the teacher's feature lies, from the student's (PISR section 3.3); for training
/// only. Two branches, "location" and "spread", each conv 1x1, PReLU, conv 1x1 with the channels of
/// the feature; parameters location.0.weight, location.0.bias, location.0.slope, location.1.weight,
/// ...
class PISR_API Estimator final : public Module {
 public:
  explicit Estimator(int channels = 56);

  /// The two maps that an estimator gives, each of the size of the feature.
  struct Result {
    Variable location;  ///< mu [n, c, h, w]
    Variable spread;    ///< b = 0.1 softplus(.) + 1e-8, or the variance 0.001 softplus(.) + 1e-8
  };
  /// feature [n, c, h, w]: the student's, SrNetwork::Result::feature.
  Result forward(const Variable& feature, Distribution distribution) const;

 private:
  Sequential location_;
  Sequential spread_;
};

}  // namespace pisr
