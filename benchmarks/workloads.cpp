#include "benchmarks/workloads.h"

#include <map>
#include <utility>

#include "core/error.h"
#include "core/philox.h"
#include "nn/adam.h"
#include "nn/conv_chain.h"
#include "nn/init.h"
#include "pisr/data/dataset.h"
#include "pisr/data/sampler.h"
#include "pisr/model/weights.h"
#include "pisr/train/config.h"
#include "pisr/train/phase_model.h"
#include "pisr/train/training_step.h"

namespace pisr::bench {
namespace {

constexpr int kWidth = 640;
constexpr int kHeight = 360;
constexpr int kBatch = 16;
constexpr int kHighSize = 192;
constexpr double kLearningRate = 1e-3;

Fsrcnn& initialised(Fsrcnn& network) {
  initialise(network, 0);
  return network;
}

class Inference final : public Workload {
 public:
  Inference(ThreadPool& pool, int width, int height)
      : context_(pool),
        chain_(initialised(network_).inference_chain()),
        input_(Tensor::empty({1, 1, height, width})),
        output_(Tensor::empty(chain_.output_shape(input_.shape()))) {
    Random random(0, RandomUse::test, 0);
    for (float& value : input_.values<float>()) {
      value = static_cast<float>(random.uniform(0, 1));
    }
  }

  void run() override { chain_.run(context_, input_, output_); }

  SafeTensors state() const override {
    SafeTensors state;
    store_parameters(network_, "student", state.tensors);
    state.tensors["input"] = input_;
    state.tensors["output"] = output_;
    return state;
  }

 private:
  Context context_;
  Fsrcnn network_;
  ConvChain chain_;
  Tensor input_;
  Tensor output_;
};

class Step final : public Workload {
 public:
  Step(ThreadPool& pool, Phase phase)
      : model_(TrainConfig{}, phase, phase == Phase::student ? make_training_teacher() : nullptr),
        adam_(model_.parameters()),
        data_(make_training_images(pool.threads())),
        sampler_(data_, 0, kHighSize),
        step_(model_, adam_, data_, pool, {.batch_size = kBatch, .gt_size = kHighSize}) {}

  void run() override {
    const StepResult result = step_.run(iteration_++, kLearningRate);
    if (!result.applied) {
      throw Error(ErrorKind::numeric, "training step: " + result.failure);
    }
    loss_ = result.loss;
  }

  SafeTensors state() const override {
    SafeTensors state;
    for (const FlatParameters::Entry& entry : model_.parameters().entries()) {
      state.tensors[entry.name] = FlatParameters::part(model_.parameters().values(), entry).clone();
    }
    if (model_.frozen_teacher() != nullptr) {
      store_parameters(*model_.frozen_teacher(), "teacher", state.tensors);
    }
    if (iteration_ > 0) {
      const Tensor high = Tensor::empty({kBatch, 1, kHighSize, kHighSize});
      const Tensor low = Tensor::empty({kBatch, 1, sampler_.low_size(), sampler_.low_size()});
      for (int i = 0; i < kBatch; ++i) {
        sampler_.sample((iteration_ - 1) * kBatch + i, high.slice_outer(i, 1).data<float>(),
                        low.slice_outer(i, 1).data<float>());
      }
      state.tensors["high"] = high;
      state.tensors["low"] = low;
      state.tensors["loss"] = Tensor::full({1}, loss_, DType::f64);
    }
    return state;
  }

 private:
  PhaseModel model_;
  Adam adam_;
  Dataset data_;
  BatchSampler sampler_;
  TrainingStep step_;
  std::int64_t iteration_ = 0;
  double loss_ = 0;
};

/// Multiply-adds per LR pixel, at scale 2, of a layer that works on LR pixels or on the four HR
/// pixels of each.
constexpr std::int64_t layer(std::int64_t in, std::int64_t out, std::int64_t kernel,
                             std::int64_t pixels = 1) {
  return in * out * kernel * kernel * pixels;
}
constexpr std::int64_t kDeconvolution = layer(56, 1, 9);
constexpr std::int64_t kFirstLayer = layer(1, 56, 5);
constexpr std::int64_t kEncoderFirstLayer = layer(1, 56, 5, 4);
constexpr std::int64_t kEncoder =
    kEncoderFirstLayer + layer(56, 56, 5) + layer(56, 12, 3) + layer(12, 1, 3);
constexpr std::int64_t kEstimator = 2 * 2 * layer(56, 56, 1);

}  // namespace

std::unique_ptr<Teacher> make_training_teacher() {
  auto teacher = std::make_unique<Teacher>();
  initialise(*teacher, 1);
  return teacher;
}

Dataset make_training_images(int threads) {
  return built_in_dataset(0, 0, 8, 384, 2, threads);
}

std::unique_ptr<Workload> make_inference(ThreadPool& pool, int width, int height) {
  return std::make_unique<Inference>(pool, width, height);
}

std::unique_ptr<Workload> make_workload(const std::string& name, ThreadPool& pool) {
  if (name == "W1") {
    return make_inference(pool, kWidth, kHeight);
  }
  static const std::map<std::string, Phase> phases = {
      {"W2", Phase::baseline}, {"W3", Phase::teacher}, {"W4", Phase::student}};
  const auto found = phases.find(name);
  if (found == phases.end()) {
    throw Error(ErrorKind::usage, "workload: must be W1, W2, W3 or W4, got '" + name + "'");
  }
  return std::make_unique<Step>(pool, found->second);
}

const std::vector<std::string>& workload_names() {
  static const std::vector<std::string> names = {"W1", "W2", "W3", "W4"};
  return names;
}

std::int64_t inference_multiply_adds(int width, int height) {
  return Fsrcnn().multiply_adds(2 * width, 2 * height).exact;
}

std::int64_t multiply_adds(const std::string& name) {
  // Forward, gradient of the weights, gradient of the input, which the first layer does not need.
  const std::int64_t fsrcnn = inference_multiply_adds(1, 1);
  const std::int64_t step = 3 * fsrcnn - kFirstLayer;
  const std::int64_t teacher_step = 3 * (kEncoder + fsrcnn) - kEncoderFirstLayer;
  const std::int64_t student_step = kEncoder + fsrcnn - kDeconvolution + step + 3 * kEstimator;
  constexpr std::int64_t kPixels = std::int64_t{kBatch} * kHighSize * kHighSize / 4;
  return name == "W1"   ? inference_multiply_adds(kWidth, kHeight)
         : name == "W2" ? kPixels * step
         : name == "W3" ? kPixels * teacher_step
                        : kPixels * student_step;
}

}  // namespace pisr::bench
