// The engine alone: fits a convolution to a box filter, and prints the first and the last loss.
#include <cstdio>

#include <pisr/core/ops.h>
#include <pisr/core/parallel.h>
#include <pisr/core/philox.h>
#include <pisr/core/safetensors.h>
#include <pisr/nn/adam.h>
#include <pisr/nn/init.h>
#include <pisr/nn/layers.h>
#include <pisr/nn/schedule.h>
#include <pisr/version.h>

int main() {
  pisr::Conv2d layer(1, 1, 3, {.padding = 1});
  pisr::initialise(layer, 1);
  const pisr::FlatParameters parameters({{"", &layer}});
  pisr::Adam adam(parameters);
  pisr::ThreadPool pool;
  pisr::Context context(pool);
  pisr::Tape tape(context);
  const pisr::Tensor box = pisr::Tensor::full({1, 1, 3, 3}, 1.0 / 9);
  const pisr::Tensor noise = pisr::Tensor::zeros({4, 1, 16, 16});
  pisr::Random random(1, pisr::RandomUse::test, 0);
  for (float& value : noise.values<float>()) {
    value = static_cast<float>(random.uniform(-1, 1));
  }
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    tape.reset();
    const pisr::Variable x = tape.constant(noise);
    const pisr::Variable target = pisr::conv2d(x, tape.constant(box), {}, {.padding = 1});
    const pisr::Variable loss = pisr::l1_loss(layer(x), target);
    last = loss.value().item();
    first = step == 0 ? last : first;
    const pisr::Tensor gradient = parameters.make_gradient();
    tape.backward(loss, gradient);
    adam.step(context, gradient, 1e-2);
  }
  std::printf("%s %.6f %.6f\n", pisr::version(), first, last);
  try {
    pisr::read_safetensors("no such file");
  } catch (const pisr::Error&) {
    return last < 0.1 * first ? 0 : 1;
  }
  return 1;
}
