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

Variable far_from(const Variable& image, const Variable& high, Reconstruction reconstruction) {
  constexpr double kEpsilon = 1e-3;
  const Variable difference = image - high;
  const Variable squared = difference * difference;
  if (reconstruction == Reconstruction::l2) {
    return mean(squared);
  }
  return mean(exp(log(squared + kEpsilon * kEpsilon) * 0.5));
}

/// `term` may be empty.
WeightedLoss loss_of(const Variable& image, const Variable& high, Reconstruction reconstruction,
                     const LossTerm& term, double weight) {
  if (reconstruction == Reconstruction::l1) {
    return weighted_loss(l1_term(image, high), term, weight);
  }
  const Variable first = far_from(image, high, reconstruction);
  if (term.name == nullptr) {
    return {first, detach(first), {}};
  }
  const WeightedLoss second = weighted_loss(term);
  return {weight == 0 ? first : first + second.total * weight, detach(first), second.first};
}

}  // namespace

TeacherLoss teacher_loss(const Teacher::Result& teacher, const Variable& high, const Variable& low,
                         double imitation_weight, Reconstruction reconstruction) {
  const LossTerm imitation = teacher.compact.defined() ? l1_term(teacher.compact, low) : LossTerm();
  const WeightedLoss loss =
      loss_of(teacher.image, high, reconstruction, imitation, imitation_weight);
  return {loss.total, loss.first, loss.second};
}

bool needs_estimator(Distillation distillation) {
  return distillation == Distillation::laplace || distillation == Distillation::gaussian;
}

StudentLoss student_loss(const SrNetwork::Result& student, const Variable& high,
                         Distillation distillation, const Variable& teacher_feature,
                         const Estimator* estimator, double distillation_weight,
                         Reconstruction reconstruction) {
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
      loss_of(student.image, high, reconstruction, learned, distillation_weight);
  return {loss.total, loss.first, loss.second};
}

}  // namespace pisr
