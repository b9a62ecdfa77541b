// The whole losses of teacher and student, checked in f64 against central differences by every
// parameter and image.
#include "pisr/model/distillation.h"
#include "pisr/model/fsrcnn.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/gradcheck.h"

namespace pisr {
namespace {

constexpr FsrcnnOptions kOptions{
    .feature_channels = 4, .shrink_channels = 3, .mapping_layers = 1, .scale = 2};
// The check forgives 1e-8 absolute, so losses are brought to a size where gradients are well above
// that, and the rounding of the loss, divided by the step, below.
constexpr double kLossSize = 20.0;

void prepare(Module& module, const std::string& prefix) {
  module.convert(DType::f64);
  golden::set_parameters(module, prefix);
}

std::vector<Parameter*> parameters_of(const std::vector<Module*>& modules) {
  std::vector<Parameter*> result;
  for (const Module* module : modules) {
    for (const NamedParameter& named : module->parameters()) {
      result.push_back(named.parameter);
    }
  }
  return result;
}

Tensor numbers(const std::string& name, Shape shape) {
  return golden::counter_numbers(name, shape, 0.0, 1.0, DType::f64);
}

void check_loss(const TapeFunction& loss, const std::vector<Tensor>& inputs,
                const std::vector<Parameter*>& parameters) {
  Context context;
  Tape at_start(context, Tape::Mode::inference);
  std::vector<Variable> constants;
  for (const Tensor& input : inputs) {
    constants.push_back(at_start.constant(input));
  }
  const double scale = kLossSize / loss(at_start, constants).value().item();
  at_start.reset();
  const GradientReport report = check_gradient(
      context,
      [&](Tape& tape, const std::vector<Variable>& variables) {
        return scale * loss(tape, variables);
      },
      inputs, parameters);
  CAPTURE(report.worst, report.where);
  CHECK(report.passed());
  CHECK(report.compared >= static_cast<std::int64_t>(inputs.size() + parameters.size()));
}

}  // namespace

TEST_CASE("the gradient of the teacher's loss agrees with central differences", "[gradient]") {
  Teacher teacher(fsrcnn_spec(kOptions));
  prepare(teacher, "teacher.");
  check_loss(
      [&](Tape&, const std::vector<Variable>& images) {
        return teacher_loss(teacher.forward(images[0]), images[0], images[1], 0.5).total;
      },
      {numbers("high", {2, 1, 8, 6}), numbers("low", {2, 1, 4, 3})}, parameters_of({&teacher}));
}

TEST_CASE("the gradients of the student's losses agree with central differences", "[gradient]") {
  for (const Distillation distillation :
       {Distillation::none, Distillation::mae, Distillation::laplace, Distillation::gaussian}) {
    Fsrcnn student(kOptions);
    Estimator estimator(kOptions.feature_channels);
    prepare(student, "student.");
    prepare(estimator, "estimator.");
    const bool estimates =
        distillation == Distillation::laplace || distillation == Distillation::gaussian;
    CAPTURE(static_cast<int>(distillation));
    check_loss(
        [&](Tape&, const std::vector<Variable>& images) {
          return student_loss(student.forward(images[0]), images[1], distillation, images[2],
                              estimates ? &estimator : nullptr, 0.5)
              .total;
        },
        {numbers("low", {2, 1, 4, 3}), numbers("high", {2, 1, 8, 6}),
         numbers("teacher_feature", {2, 4, 4, 3})},
        estimates ? parameters_of({&student, &estimator}) : parameters_of({&student}));
  }
}

TEST_CASE("the gradient through a larger teacher feature agrees too", "[gradient]") {
  Fsrcnn student(kOptions);
  Estimator estimator(kOptions.feature_channels);
  prepare(student, "student.");
  prepare(estimator, "estimator.");
  check_loss(
      [&](Tape&, const std::vector<Variable>& images) {
        return student_loss(student.forward(images[0]), images[1], Distillation::laplace, images[2],
                            &estimator, 0.5)
            .total;
      },
      {numbers("low", {1, 1, 4, 3}), numbers("high", {1, 1, 8, 6}),
       numbers("teacher_feature", {1, 4, 8, 6})},
      parameters_of({&student, &estimator}));
}

}  // namespace pisr
