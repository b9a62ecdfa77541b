#pragma once

#include "kernels/export.h"
#include "pisr/model/estimator.h"
#include "pisr/model/network.h"
#include "pisr/model/teacher.h"

namespace pisr {

/// How far an image is from the truth.
enum class Reconstruction {
  l1,           ///< mean |Y - y|, the paper's choice
  l2,           ///< mean (Y - y)^2, which PSNR is made of
  charbonnier,  ///< mean sqrt((Y - y)^2 + 0.001^2)
};

/// Every term has shape [1]; the terms are unweighted, for the log.
struct TeacherLoss {
  Variable total;           ///< reconstruction + imitation_weight imitation (PISR eq. 5)
  Variable reconstruction;  ///< by default mean |Y - Y^T| (eq. 3)
  Variable imitation;       ///< mean |X - X^| (eq. 4); undefined without the hourglass
};

/// high: Y [n, c, h, w]; low: X [n, c, h / scale, w / scale]; c = 1 luminance, 3 RGB.
PISR_API TeacherLoss teacher_loss(const Teacher::Result& teacher, const Variable& high,
                                  const Variable& low, double imitation_weight = 1e-4,
                                  Reconstruction reconstruction = Reconstruction::l1);

/// How the student learns from the teacher's feature.
enum class Distillation {
  none,      ///< not at all: the baseline
  mae,       ///< mean |f_T - f_S|, no estimator
  laplace,   ///< VID_L: laplace_nll(f_T, mu, b), the paper's choice
  gaussian,  ///< VID_G: gaussian_nll(f_T, mu, v)
};
/// Whether it estimates where the teacher's feature lies.
PISR_API bool needs_estimator(Distillation distillation);

/// The loss of the student and its two terms, each of shape [1].
struct StudentLoss {
  Variable total;           ///< reconstruction + distillation_weight distillation (PISR eq. 8)
  Variable reconstruction;  ///< by default mean |Y - Y^S| (eq. 7)
  Variable distillation;    ///< undefined with Distillation::none
};

/// teacher_feature: f_T, a constant while the teacher is frozen; undefined with Distillation::none.
/// One that is k times as large as the student's (a teacher that works at the size of Y) is
/// averaged over blocks of k x k. estimator: null unless needs_estimator(distillation); otherwise
/// throws Error(usage).
PISR_API StudentLoss student_loss(const SrNetwork::Result& student, const Variable& high,
                                  Distillation distillation, const Variable& teacher_feature = {},
                                  const Estimator* estimator = nullptr,
                                  double distillation_weight = 1e-6,
                                  Reconstruction reconstruction = Reconstruction::l1);

}  // namespace pisr
