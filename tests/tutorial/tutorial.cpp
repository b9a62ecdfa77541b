#include <algorithm>
#include <cmath>
#include <cstdio>

#include <pisr/core/ops.h>
#include <pisr/core/philox.h>
#include <pisr/core/safetensors.h>
#include <pisr/nn/adam.h>
#include <pisr/nn/init.h>
#include <pisr/nn/layers.h>
#include <pisr/nn/schedule.h>
using namespace pisr;

struct Denoiser final : Module {
  Denoiser() {
    add_child("first", first);
    add_child("middle", middle);
    add_child("last", last);
  }
  Variable operator()(const Variable& noisy) const { return noisy - last(middle(first(noisy))); }
  Conv2dPrelu first{1, 16, 3, {.padding = 1}};
  Conv2dPrelu middle{16, 16, 3, {.padding = 1}};
  Conv2d last{16, 1, 3, {.padding = 1}};
};

struct Batch {
  Tensor clean, noisy;
};

Batch make_batch(int index, DType dtype = DType::f32) {
  const int images = 8, side = 24;
  Random random(/*seed=*/1, RandomUse::batch, static_cast<std::uint64_t>(index));
  std::vector<double> clean, noisy;
  for (int image = 0; image < images; ++image) {
    const double angle = random.uniform(0, 6.28), dark = random.uniform(0, 0.4);
    const double light = random.uniform(0.6, 1), edge = random.uniform(-0.3, 0.3) * side;
    for (int pixel = 0; pixel < side * side; ++pixel) {
      const double x = pixel % side - side / 2, y = pixel / side - side / 2;
      clean.push_back(x * std::cos(angle) + y * std::sin(angle) < edge ? dark : light);
      noisy.push_back(clean.back() + 0.1 * random.normal());
    }
  }
  const Shape shape{images, 1, side, side};
  return {Tensor::from(clean, shape).to(dtype), Tensor::from(noisy, shape).to(dtype)};
}

Variable squared_error(const Variable& image, const Variable& truth) {
  const Variable error = image - truth;
  return mean(error * error);
}

Variable loss_of(const Denoiser& denoise, Tape& tape, const Batch& batch) {
  return squared_error(denoise(tape.constant(batch.noisy)), tape.constant(batch.clean));
}

double check_gradient() {
  Denoiser denoiser;
  initialise(denoiser, /*seed=*/1);
  denoiser.convert(DType::f64);
  const FlatParameters parameters({{"", &denoiser}});
  const Batch batch = make_batch(0, DType::f64);
  Context context;
  Tape tape(context);
  const Tensor gradient = parameters.make_gradient();
  tape.backward(loss_of(denoiser, tape, batch), gradient);
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < gradient.values<double>().size(); i += 50) {
    double& value = parameters.values().values<double>()[i];
    const auto loss_moved_by = [&](double step) {
      tape.reset();
      value += step;
      const double loss = loss_of(denoiser, tape, batch).value().item();
      value -= step;
      return loss;
    };
    const double slope = (loss_moved_by(1e-6) - loss_moved_by(-1e-6)) / 2e-6;
    worst = std::max(worst, std::abs(slope - gradient.values<double>()[i]));
    largest = std::max(largest, std::abs(slope));
  }
  return worst / largest;
}

double decibels(const Variable& squared_error) {
  return -10 * std::log10(squared_error.value().item());
}

int main() {
  std::printf("gradient check: relative error %.0e\n", check_gradient());

  Denoiser denoiser;
  initialise(denoiser, /*seed=*/1);
  const FlatParameters parameters({{"", &denoiser}});
  const Tensor gradient = parameters.make_gradient();
  Adam adam(parameters);
  const CosineSchedule schedule{3e-3, 1e-5, /*total_iterations=*/600, /*epoch_iterations=*/1};
  Context context;
  Tape tape(context);
  for (int step = 0; step < 600; ++step) {
    tape.reset();
    const Variable loss = loss_of(denoiser, tape, make_batch(step));
    if (step % 100 == 0) std::printf("step %d: %.2f dB\n", step, decibels(loss));
    gradient.set_zero();
    tape.backward(loss, gradient);
    adam.step(context, gradient, schedule.rate(step));
  }

  SafeTensors saved;
  for (const NamedParameter& parameter : denoiser.parameters()) {
    saved.tensors[parameter.name] = parameter.parameter->value;
  }
  write_safetensors("denoiser.safetensors", saved);

  Denoiser loaded;
  const SafeTensors file = read_safetensors("denoiser.safetensors");
  for (const NamedParameter& parameter : loaded.parameters()) {
    parameter.parameter->value.copy_from(file.tensors.at(parameter.name));
  }
  const Batch unseen = make_batch(600);
  Tape inference(context, Tape::Mode::inference);
  const Variable noisy = inference.constant(unseen.noisy), clean = inference.constant(unseen.clean);
  std::printf("unseen images: noisy %.2f dB, denoised %.2f dB\n",
              decibels(squared_error(noisy, clean)), decibels(squared_error(loaded(noisy), clean)));
}
