#include "benchmarks/workloads.h"

#include <map>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "benchmarks/workload_name.h"
#include "core/error.h"
#include "core/philox.h"
#include "core/tape.h"
#include "nn/adam.h"
#include "nn/conv_chain.h"
#include "nn/init.h"
#include "pisr/data/dataset.h"
#include "pisr/data/sampler.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"
#include "pisr/train/config.h"
#include "pisr/train/phase_model.h"
#include "pisr/train/stepper.h"

namespace pisr::bench {
namespace {

constexpr int kBatch = 16;
constexpr int kHighSize = 192;
/// A constant rate.
constexpr CosineSchedule kSchedule{1e-3, 1e-3, 1, 1};

/// A network enlarges an image: as a chain where its layers are one, otherwise layer by layer.
class Inference final : public Workload {
 public:
  Inference(ThreadPool& pool, const InferenceName& name, Backend backend)
      : context_(pool, backend),
        tape_(context_, Tape::Mode::inference),
        network_(make_network(name.spec)),
        input_(Tensor::empty({1, network_->spec().channels, name.height, name.width})) {
    initialise(*network_, 0);
    chain_ = network_->chain(NetworkEnd::image);
    if (chain_) {
      output_ = Tensor::empty(chain_->output_shape(input_.shape()));
    }
    Random random(0, RandomUse::test, 0);
    for (float& value : input_.values<float>()) {
      value = static_cast<float>(random.uniform(0, 1));
    }
  }

  void run() override {
    if (chain_) {
      chain_->run(context_, input_, output_);
      return;
    }
    output_ = Tensor();
    tape_.reset();
    output_ = network_->image(tape_.constant(input_)).value();
  }

  SafeTensors state() const override {
    SafeTensors state;
    store_parameters(*network_, "student", state.tensors);
    state.tensors["input"] = input_;
    state.tensors["output"] = output_;
    nlohmann::json options = nlohmann::json::object();
    const NetworkSpec& spec = network_->spec();
    for (const auto& named : spec.options) {
      std::visit([&](auto value) { options[named.first] = value; }, named.second);
    }
    state.metadata["network"] = nlohmann::json{
        {"architecture", spec.architecture},
        {"scale", spec.scale},
        {"options", options}}.dump();
    return state;
  }

 private:
  Context context_;
  Tape tape_;
  std::unique_ptr<SrNetwork> network_;
  std::optional<ConvChain> chain_;
  Tensor input_;
  Tensor output_;
};

class Step final : public Workload {
 public:
  Step(ThreadPool& pool, TrainingPhase phase, Backend backend)
      : model_(TrainConfig{}, phase,
               phase == TrainingPhase::student ? make_training_teacher() : nullptr),
        adam_(model_.parameters()),
        data_(make_training_images(pool.threads())),
        sampler_(data_, 0, kHighSize),
        stepper_(cpu_stepper({model_, adam_, nullptr}, kSchedule, data_, pool,
                             {.batch_size = kBatch, .gt_size = kHighSize, .backend = backend})) {}

  void run() override {
    const StepResult& result = stepper_->run(iteration_++, 1, 0).front();
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
  std::unique_ptr<Stepper> stepper_;
  std::int64_t iteration_ = 0;
  double loss_ = 0;
};

/// Numbers in the weight of the first layer.
std::int64_t first_weight(const Module& module) {
  return module.parameters().front().parameter->value.count();
}

/// Numbers in the weights of all layers.
std::int64_t weight_count(const Module& module) {
  std::int64_t count = 0;
  for (const NamedParameter& named : module.parameters()) {
    count += named.role == ParameterRole::weight ? named.parameter->value.count() : 0;
  }
  return count;
}

}  // namespace

std::unique_ptr<Teacher> make_training_teacher() {
  auto teacher = std::make_unique<Teacher>(default_spec());
  initialise(*teacher, 1);
  return teacher;
}

Dataset make_training_images(int threads) {
  return built_in_dataset(0, 0, 8, 384, 2, threads);
}

std::unique_ptr<Workload> make_workload(const std::string& name, ThreadPool& pool,
                                        Backend backend) {
  if (const auto inference = parse_inference_name(name)) {
    return std::make_unique<Inference>(pool, *inference, backend);
  }
  static const std::map<std::string, TrainingPhase> phases = {{"W2", TrainingPhase::baseline},
                                                              {"W3", TrainingPhase::teacher},
                                                              {"W4", TrainingPhase::student}};
  const auto found = phases.find(name);
  if (found == phases.end()) {
    throw Error(ErrorKind::usage,
                "workload: must be W1, W2, W3, W4 or W5/NETWORK, got '" + name + "'");
  }
  return std::make_unique<Step>(pool, found->second, backend);
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names = {"W1", "W2", "W3", "W4"};
  for (const Architecture& row : architectures()) {
    names.push_back(message("W5/", row.name));
  }
  return names;
}

std::int64_t multiply_adds(const std::string& name) {
  if (const auto inference = parse_inference_name(name)) {
    const std::int64_t scale = inference->spec.scale;
    return make_network(inference->spec)
        ->multiply_adds(scale * inference->width, scale * inference->height)
        .exact;
  }
  const Teacher teacher(default_spec());
  const SrNetwork& network = teacher.decoder();
  const std::int64_t scale = network.spec().scale;
  constexpr std::int64_t kHighPixels = std::int64_t{kHighSize} * kHighSize;
  const std::int64_t image = network.multiply_adds(kHighSize, kHighSize).exact;
  const std::int64_t feature =
      network.multiply_adds(kHighSize, kHighSize, NetworkEnd::feature).exact;
  const std::int64_t encoder = teacher.encoder()->multiply_adds(kHighSize, kHighSize);
  // Four 1x1 convolutions of the feature's channels, at the size of the LR image.
  const std::int64_t estimator =
      weight_count(Estimator(network.feature_channels())) * kHighPixels / (scale * scale);
  // The first layer of each; its weight meets every pixel of its input once.
  const std::int64_t first = first_weight(network) * kHighPixels / (scale * scale);
  const std::int64_t encoder_first = first_weight(*teacher.encoder()) * kHighPixels;
  // Forward, gradient of the weights, gradient of the input, which the first layer does not need.
  const std::int64_t step = 3 * image - first;
  const std::int64_t per_image = name == "W2"   ? step
                                 : name == "W3" ? 3 * (encoder + image) - encoder_first
                                                : encoder + feature + step + 3 * estimator;
  return kBatch * per_image;
}

}  // namespace pisr::bench
