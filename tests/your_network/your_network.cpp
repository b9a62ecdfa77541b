#include <cstdio>

#include <pisr/data/sampler.h>
#include <pisr/model/distillation.h>
#include <pisr/model/weights.h>
#include <pisr/nn/adam.h>
#include <pisr/nn/init.h>
using namespace pisr;

struct YourNetwork final : SrNetwork {
  YourNetwork() : SrNetwork({.architecture = "yours", .scale = 2, .channels = 1, .options = {}}) {
    add_child("first", first);
    add_child("last", last);
  }
  int feature_channels() const noexcept override { return 16; }
  Variable feature(const Variable& low) const override { return first(low); }
  Variable reconstruction(const Variable& feature, const Variable& low) const override {
    return pixel_shuffle(last(feature), 2) + upscale_bicubic(low, 2);
  }
  MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height, NetworkEnd) const override {
    return {244 * width * height, 244 * width * height};
  }
  Conv2dPrelu first{1, 16, 5, {.padding = 2}};
  Conv2d last{16, 4, 3, {.padding = 1}};
};

void train(const char* phase, const std::vector<NamedModule>& modules, const auto& loss_of) {
  const Dataset images = built_in_dataset(/*seed=*/1, /*first=*/0, /*count=*/8, /*size=*/96, 2);
  const BatchSampler sampler(images, /*seed=*/1, /*gt_size=*/48);
  const Tensor high = Tensor::empty({1, 1, 48, 48}), low = Tensor::empty({1, 1, 24, 24});
  const FlatParameters parameters(modules);
  Adam adam(parameters);
  Context context;
  Tape tape(context);
  for (int step = 0; step <= 400; ++step) {
    sampler.sample(step % 100, high.data<float>(), low.data<float>());
    tape.reset();
    const auto [total, first, second] = loss_of(tape.constant(high), tape.constant(low));
    if (step % 100 == 0)
      std::printf("%s %d %g %g\n", phase, step, first.value().item(), second.value().item());
    const Tensor gradient = parameters.make_gradient();
    tape.backward(total, gradient);
    adam.step(context, gradient, 1e-3);
  }
}

int main() {
  Teacher teacher(std::make_unique<YourNetwork>());
  initialise(teacher, /*seed=*/1);
  train("teacher", {{"", &teacher}}, [&](const Variable& high, const Variable& low) {
    return teacher_loss(teacher.forward(high), high, low, /*imitation_weight=*/0.1);
  });
  teacher.set_trainable(false);

  YourNetwork student;
  copy_parameters(teacher.decoder(), student);
  Estimator estimator(student.feature_channels());
  initialise(estimator, /*seed=*/2);
  train("student", {{"", &student}, {"e", &estimator}}, [&](const auto& high, const auto& low) {
    const Variable feature = teacher.feature_of(high);
    return student_loss(student.forward(low), high, Distillation::laplace, feature, &estimator);
  });
  save_weights("student.safetensors", student);
}
