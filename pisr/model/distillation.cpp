#include "pisr/model/distillation.h"

namespace pisr {
namespace {

/// The teacher's feature at the size of the student's.
Variable matched(const Variable& teacher, const Variable& student) {
  if (!teacher.defined()) {
    throw Error(ErrorKind::usage, "student loss: distillation needs the teacher's feature");
  }
  const Shape& from = teacher.shape();
  const Shape& to = student.shape();
  if (from == to) {
    return teacher;
  }
  const std::int64_t factor = from.rank() == 4 ? from[2] / to[2] : 0;
  if (factor < 1 || from != Shape{to[0], to[1], to[2] * factor, to[3] * factor}) {
    throw ShapeError(message("student loss: the teacher's feature must have the student's shape ",
                             to, " or a multiple of its height and width, got ", from));
  }
  return block_mean(teacher, static_cast<int>(factor));
}

}  // namespace

TeacherLoss teacher_loss(const Teacher::Result& teacher, const Variable& high, const Variable& low,
                         double imitation_weight) {
  const WeightedLoss loss =
      weighted_loss(l1_term(teacher.image, high), l1_term(teacher.compact, low), imitation_weight);
  return {loss.total, loss.first, loss.second};
}

bool needs_estimator(Distillation distillation) {
  return distillation == Distillation::laplace || distillation == Distillation::gaussian;
}

StudentLoss student_loss(const SrNetwork::Result& student, const Variable& high,
                         Distillation distillation, const Variable& teacher_feature,
                         const Estimator* estimator, double distillation_weight) {
  if (needs_estimator(distillation) != (estimator != nullptr)) {
    throw Error(ErrorKind::usage, estimator == nullptr
                                      ? "student loss: this distillation needs an estimator"
                                      : "student loss: this distillation takes no estimator");
  }
  LossTerm learned;
  if (distillation != Distillation::none) {
    const Variable target = matched(teacher_feature, student.feature);
    if (distillation == Distillation::mae) {
      learned = l1_term(student.feature, target);
    } else if (distillation == Distillation::laplace) {
      const auto [location, scale] = estimator->forward(student.feature, Distribution::laplace);
      learned = laplace_term(target, location, scale);
    } else {
      const auto [location, variance] = estimator->forward(student.feature, Distribution::gaussian);
      learned = gaussian_term(target, location, variance);
    }
  }
  const WeightedLoss loss =
      weighted_loss(l1_term(student.image, high), learned, distillation_weight);
  return {loss.total, loss.first, loss.second};
}

}  // namespace pisr
