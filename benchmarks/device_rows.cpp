#include "benchmarks/device_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/kernel_case.h"
#include "benchmarks/row.h"
#include "benchmarks/workloads.h"
#include "core/philox.h"
#include "nn/conv_chain.h"
#include "nn/init.h"
#include "pisr/data/dataset.h"
#include "pisr/model/architectures.h"
#include "pisr/train/device_stepper.h"

namespace pisr::bench {
namespace {

constexpr std::int64_t kBatch = 16;
constexpr int kSamples = 20;

/// Seconds of call(), which gives the device some work and has run before.
template <class Call>
Quartiles time_captured(benchmark::State& state, kernels::Device& device, Context& context,
                        const Call& call) {
  const auto capture = [&](int calls) {
    return context.capture([&] {
      for (int i = 0; i < calls; ++i) {
        call();
      }
    });
  };
  const auto replay = [&](CapturedStep& captured) {
    captured.replay();
    device.synchronise();
  };
  CapturedStep one = capture(1);
  replay(one);
  const int calls = calls_of_replay(seconds_of([&] { replay(one); }));
  CapturedStep many = capture(calls);
  replay(many);
  std::vector<double> seconds = sample(
      state, kSamples, [] {}, [&] { replay(many); });
  for (double& value : seconds) {
    value /= calls;
  }
  return quartiles(seconds);
}

void count(benchmark::State& state, const Quartiles& times, std::int64_t multiply_adds,
           std::int64_t bytes) {
  count_times(state, times);
  if (multiply_adds > 0) {
    state.counters["gflops"] = 2.0 * static_cast<double>(multiply_adds) / times.median * 1e-9;
  }
  if (bytes > 0) {
    state.counters["gbs"] = static_cast<double>(bytes) / times.median * 1e-9;
  }
}

/// TF32 and half precision round both operands of a product to 11 bits; a chain does so at each of
/// its eight stages.
double accepted_error(const KernelCase& c, kernels::Precision precision) {
  if (precision == kernels::Precision::fp32 || c.multiply_adds == 0) {
    return kFloatError;
  }
  const double product = std::ldexp(1.0, -10) + kFloatError;
  return c.kernel == "conv_chain" ? 8 * product : product;
}

void run_kernel(benchmark::State& state, kernels::Device& device, kernels::Precision precision,
                const KernelCase& quarter, const KernelCase& full) {
  const std::string wrong = disagreement(quarter, device, accepted_error(quarter, precision));
  if (!wrong.empty()) {
    throw Error(ErrorKind::numeric, "wrong result: " + wrong);
  }
  const std::vector<Tensor> tensors = operand_tensors(full, &device);
  const std::vector<float*> pointers = data_of(tensors);
  Context context(device);
  const auto call = [&] { full.run_float(context, device.floats(), pointers); };
  call();
  const Quartiles times = time_captured(state, device, context, call);
  count(state, times, full.multiply_adds, full.bytes());
}

/// W1's frame.
struct Frame {
  Frame() { initialise(*network, 0); }
  void move_to(kernels::Device& device) {
    network->move_to(&device);
    input = input.to(&device);
    output = output.to(&device);
  }
  std::unique_ptr<SrNetwork> network = make_network(default_spec());
  Tensor input = random_image();
  Tensor output = Tensor::empty({1, 1, 720, 1280});

 private:
  static Tensor random_image() {
    const Tensor image = Tensor::empty({1, 1, 360, 640});
    Random random(0, RandomUse::test, 0);
    for (float& value : image.values<float>()) {
      value = static_cast<float>(random.uniform(0, 1));
    }
    return image;
  }
};

/// The largest difference in units of the largest value; NaN where a value is.
double difference(const Tensor& got, const Tensor& wanted) {
  double largest = 0, error = 0;
  for (std::int64_t i = 0; i < got.count(); ++i) {
    const double right = wanted.data<float>()[i];
    const double here = std::abs(got.data<float>()[i] - right);
    largest = std::max(largest, std::abs(right));
    error = here <= error ? error : here;
  }
  return error / largest;
}

void run_inference(benchmark::State& state, kernels::Device& device, kernels::Precision precision) {
  Frame frame;
  Context cpu;
  frame.network->chain(NetworkEnd::image).value().run(cpu, frame.input, frame.output);
  const Tensor wanted = frame.output;
  frame.move_to(device);
  const ConvChain chain = frame.network->chain(NetworkEnd::image).value();
  Context context(device);
  const auto call = [&] { chain.run(context, frame.input, frame.output); };
  call();
  const double error = difference(frame.output.to(nullptr), wanted);
  const double accepted = precision == kernels::Precision::fp32 ? 1e-5 : 5e-3;
  if (!(error <= accepted)) {
    throw Error(ErrorKind::numeric, message("wrong result: off by ", error,
                                            " of the largest value, accepted ", accepted));
  }
  count(state, time_captured(state, device, context, call), multiply_adds("W1"), 0);
  state.counters["difference"] = error;
}

/// A phase of training at the sizes of W2 to W4, from its first weights.
struct Training {
  explicit Training(TrainingPhase phase)
      : model(config, phase, phase == TrainingPhase::student ? make_training_teacher() : nullptr),
        adam(model.parameters()),
        data(make_training_images(1)) {}

  TrainConfig config;
  PhaseModel model;
  Adam adam;
  Dataset data;
  CosineSchedule schedule{1e-3, 1e-3, 1'000'000, 1'000'000};
  StepOptions options{.batch_size = static_cast<int>(kBatch), .gt_size = 192};
};

/// The losses of the first steps.
std::vector<double> first_losses(Stepper& steps) {
  constexpr std::int64_t kSteps = 3;
  std::vector<double> losses;
  while (static_cast<std::int64_t>(losses.size()) < kSteps) {
    const auto made = static_cast<std::int64_t>(losses.size());
    for (const StepResult& result : steps.run(made, kSteps - made, 0)) {
      losses.push_back(result.loss);
    }
  }
  return losses;
}

void run_training(benchmark::State& state, kernels::Device& device, TrainingPhase phase,
                  const std::string& work, kernels::Precision precision) {
  Training here(phase);
  ThreadPool pool(0);
  const auto cpu =
      cpu_stepper({here.model, here.adam, nullptr}, here.schedule, here.data, pool, here.options);
  const std::vector<double> wanted = first_losses(*cpu);
  Training there(phase);
  const auto steps = device_stepper(device, {there.model, there.adam, nullptr}, there.schedule,
                                    there.data, there.options);
  const std::vector<double> got = first_losses(*steps);
  const double accepted = precision == kernels::Precision::fp32 ? 1e-4 : 5e-3;
  double error = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double here_error = std::abs(got[i] - wanted[i]) / wanted[i];
    error = here_error <= error ? error : here_error;
  }
  if (!(error <= accepted)) {
    throw Error(ErrorKind::numeric, message("the losses of ", wanted.size(), " steps are off by ",
                                            error, " of the CPU's, accepted ", accepted));
  }
  constexpr std::int64_t kSteps = 100;  // training queues as many at a time
  std::int64_t iteration = static_cast<std::int64_t>(wanted.size());
  std::vector<double> seconds = sample(
      state, kSamples, [] {},
      [&] {
        steps->run(iteration, kSteps, 0);
        iteration += kSteps;
      });
  for (double& value : seconds) {
    value /= kSteps;
  }
  count(state, quartiles(seconds), multiply_adds(work), 0);
  state.counters["difference"] = error;
}

}  // namespace

int calls_of_replay(double seconds_of_one) {
  constexpr double kSeconds = 4e-3, kMost = 400;
  return static_cast<int>(std::clamp(kSeconds / seconds_of_one, 1.0, kMost));
}

void register_device_rows(kernels::Device& device, const std::string& name,
                          kernels::Precision precision) {
  add_row("W1/" + name, [&device, precision](benchmark::State& state) {
    run_inference(state, device, precision);
  });
  if (precision != kernels::Precision::fp16) {
    const std::map<std::string, TrainingPhase> phases = {{"W2", TrainingPhase::baseline},
                                                         {"W3", TrainingPhase::teacher},
                                                         {"W4", TrainingPhase::student}};
    for (const auto& [work, phase] : phases) {
      add_row(work + "/" + name,
              [&device, work = work, phase = phase, precision](benchmark::State& state) {
                run_training(state, device, phase, work, precision);
              });
    }
  }
  const std::vector<KernelCase> full = kernel_cases(CaseSize::full, kBatch);
  const std::vector<KernelCase> quarter = kernel_cases(CaseSize::quarter);
  for (std::size_t i = 0; i < full.size(); ++i) {
    if (!full[i].host_only) {
      add_row(full[i].kernel + "/" + full[i].shape + "/" + name,
              [&device, precision, small = quarter[i], large = full[i]](benchmark::State& state) {
                run_kernel(state, device, precision, small, large);
              });
    }
  }
}

}  // namespace pisr::bench
