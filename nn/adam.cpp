#include "nn/adam.h"

#include <cmath>

namespace pisr {

Adam::Adam(const FlatParameters& parameters, AdamOptions options)
    : options_(options),
      values_(parameters.values()),
      first_moment_(parameters.make_gradient()),
      second_moment_(parameters.make_gradient()) {
  const auto decays = [](double beta) { return beta >= 0.0 && beta < 1.0; };
  if (!decays(options.beta1) || !decays(options.beta2) || !(options.epsilon > 0.0)) {
    throw Error(ErrorKind::usage,
                message("Adam: beta1 and beta2 must be in [0, 1), epsilon must be positive, got ",
                        options.beta1, ", ", options.beta2, ", ", options.epsilon));
  }
}

void Adam::step(Context& context, const Tensor& gradient, double rate, double gradient_scale) {
  check(gradient);
  ++steps_;
  launch(context, gradient, rate, gradient_scale, nullptr);
}

void Adam::step(Context& context, const Tensor& gradient, const kernels::StepControl* control) {
  check(gradient);
  launch(context, gradient, 0, 0, control);
}

kernels::StepConstants Adam::constants(std::int64_t step, double rate) const {
  const auto power = static_cast<double>(step);
  return {rate, 1 - std::pow(options_.beta1, power), 1 - std::pow(options_.beta2, power)};
}

void Adam::check(const Tensor& gradient) const {
  if (gradient.shape() != values_.shape() || gradient.dtype() != values_.dtype()) {
    throw ShapeError(message("Adam: the gradient must have the parameters' shape and type, ",
                             values_, ", got ", gradient));
  }
}

void Adam::launch(Context& context, const Tensor& gradient, double rate, double gradient_scale,
                  const kernels::StepControl* control) {
  with_type(values_.dtype(), [&]<class T>() {
    context.launch<T>(&kernels::KernelTable<T>::adam, {.count = values_.count(),
                                                       .step = steps_,
                                                       .rate = rate,
                                                       .beta1 = options_.beta1,
                                                       .beta2 = options_.beta2,
                                                       .epsilon = options_.epsilon,
                                                       .gradient_scale = gradient_scale,
                                                       .gradient = gradient.data<T>(),
                                                       .parameter = values_.data<T>(),
                                                       .m = first_moment_.data<T>(),
                                                       .v = second_moment_.data<T>(),
                                                       .control = control});
  });
}

}  // namespace pisr
