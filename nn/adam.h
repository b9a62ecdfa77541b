#pragma once

#include <cstdint>

#include "core/context.h"
#include "kernels/export.h"
#include "nn/flat_parameters.h"

namespace pisr {

/// The constants of Adam.
struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// Adam (Kingma and Ba, ICLR 2015) with PyTorch's formula, see kernels::AdamArgs. Its state is two
/// moments and the number of steps. To resume, copy into the moments and set the steps.
class PISR_CORE_API Adam {
 public:
  /// Keeps a view of the values; their modules must outlive it.
  explicit Adam(const FlatParameters& parameters, AdamOptions options = {});

  /// Moves the values against `gradient_scale` * gradient [count] at learning rate `rate`.
  void step(Context& context, const Tensor& gradient, double rate, double gradient_scale = 1.0);

  /// On a device: the step that `control` describes, which an earlier kernel has written. Does not
  /// count in steps().
  void step(Context& context, const Tensor& gradient, const kernels::StepControl* control);

  /// The constants of step `step` = 1, 2, ... at this rate, for a StepControl.
  kernels::StepConstants constants(std::int64_t step, double rate) const;

  const AdamOptions& options() const noexcept { return options_; }
  const Tensor& first_moment() const noexcept { return first_moment_; }    ///< m, [count]
  const Tensor& second_moment() const noexcept { return second_moment_; }  ///< v, [count]
  std::int64_t steps() const noexcept { return steps_; }
  void set_steps(std::int64_t steps) noexcept { steps_ = steps; }

 private:
  void check(const Tensor& gradient) const;
  void launch(Context& context, const Tensor& gradient, double rate, double gradient_scale,
              const kernels::StepControl* control);

  AdamOptions options_;
  Tensor values_;
  Tensor first_moment_;
  Tensor second_moment_;
  std::int64_t steps_ = 0;
};

}  // namespace pisr
