#include "pisr/distillation.h"

namespace pisr {
namespace {

/// total = first + weight * second; a term of weight 0 takes no part, so that its gradient is not
/// computed.
Variable weighted(const Variable& first, const Variable& second, double weight) {
  return weight == 0.0 ? first : first + weight * second;
}

/// The teacher's feature at the size of the student's.
Variable matched(const Variable& teacher, const Variable& student) {
  if (!teacher.defined()) {
    throw Error(ErrorKind::usage, "student loss: distillation wants the teacher's feature");
  }
  const Shape& from = teacher.shape();
  const Shape& to = student.shape();
  if (from == to) {
    return teacher;
  }
  const std::int64_t factor = from.rank() == 4 ? from[2] / to[2] : 0;
  if (factor < 1 || from != Shape{to[0], to[1], to[2] * factor, to[3] * factor}) {
    throw ShapeError(message("student loss: the teacher's feature wants the student's shape ", to,
                             " or a multiple of its height and width, got ", from));
  }
  return block_mean(teacher, static_cast<int>(factor));
}

}  // namespace

TeacherLoss teacher_loss(const Teacher::Result& teacher, const Variable& high, const Variable& low,
                         double imitation_weight) {
  TeacherLoss loss;
  loss.reconstruction = l1_loss(teacher.output, high);
  loss.imitation = l1_loss(teacher.compact, low);
  loss.total = weighted(loss.reconstruction, loss.imitation, imitation_weight);
  return loss;
}

StudentLoss student_loss(const Fsrcnn::Result& student, const Variable& high,
                         Distillation distillation, const Variable& teacher_feature,
                         const Estimator* estimator, double distillation_weight) {
  const bool wants_estimator =
      distillation == Distillation::laplace || distillation == Distillation::gaussian;
  if (wants_estimator != (estimator != nullptr)) {
    throw Error(ErrorKind::usage, wants_estimator
                                      ? "student loss: this distillation wants an estimator"
                                      : "student loss: this distillation takes no estimator");
  }
  StudentLoss loss;
  loss.reconstruction = l1_loss(student.output, high);
  loss.total = loss.reconstruction;
  if (distillation == Distillation::none) {
    return loss;
  }
  const Variable target = matched(teacher_feature, student.feature);
  if (distillation == Distillation::mae) {
    loss.distillation = l1_loss(student.feature, target);
  } else if (distillation == Distillation::laplace) {
    const auto [location, scale] = estimator->forward(student.feature, Distribution::laplace);
    loss.distillation = laplace_nll(target, location, scale);
  } else {
    const auto [location, variance] = estimator->forward(student.feature, Distribution::gaussian);
    loss.distillation = gaussian_nll(target, location, variance);
  }
  loss.total = weighted(loss.reconstruction, loss.distillation, distillation_weight);
  return loss;
}

}  // namespace pisr
