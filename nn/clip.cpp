#include "nn/clip.h"

#include <algorithm>
#include <cmath>

namespace pisr {

double gradient_norm(Context& context, const Tensor& gradient) {
  double sum = 0.0;
  const bool on_device = context.device() != nullptr;
  const Tensor device_sum = on_device ? context.arena().tensor({1}, DType::f64) : Tensor();
  with_type(gradient.dtype(), [&]<class T>() {
    context.launch<T>(&kernels::KernelTable<T>::sum_squares,
                      {.count = gradient.count(),
                       .x = gradient.data<T>(),
                       .y = on_device ? device_sum.data<double>() : &sum});
  });
  return std::sqrt(on_device ? device_sum.item() : sum);
}

double clip_scale(double norm, double max_norm) {
  // PyTorch's guard against a division by zero; it shrinks a norm of exactly max_norm a little.
  constexpr double kGuard = 1e-6;
  return max_norm == 0.0 ? 1.0 : std::min(1.0, max_norm / (norm + kGuard));
}

std::string first_non_finite(const FlatParameters& parameters, const Tensor& gradient) {
  const Tensor here = gradient.to(nullptr);
  return with_type(gradient.dtype(), [&]<class T>() -> std::string {
    for (const FlatParameters::Entry& entry : parameters.entries()) {
      const Tensor part = FlatParameters::part(here, entry);
      if (!std::ranges::all_of(part.values<T>(), [](T number) { return std::isfinite(number); })) {
        return entry.name;
      }
    }
    return "";
  });
}

}  // namespace pisr
