#include "pisr/train/training_step.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "nn/clip.h"
#include "nn/flat_parameters.h"

namespace pisr {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::string list_of_images(const std::vector<std::string>& names) {
  constexpr std::size_t kMaxNames = 4;
  std::vector<std::string> images;
  for (const std::string& image : names) {
    if (std::find(images.begin(), images.end(), image) == images.end()) {
      images.push_back(image);
    }
  }
  std::string text = images.size() == 1 ? "image" : "images";
  for (std::size_t i = 0; i < std::min(images.size(), kMaxNames); ++i) {
    text += (i == 0 ? " " : ", ") + images[i];
  }
  if (images.size() > kMaxNames) {
    text += message(" and ", images.size() - kMaxNames, " more");
  }
  return text;
}

/// What one thread needs.
struct TrainingStep::Worker {
  Worker(int high_size, int low_size)
      : tape(context),
        high(Tensor::empty({1, 1, high_size, high_size})),
        low(Tensor::empty({1, 1, low_size, low_size})) {}
  Context context;
  Tape tape;
  Tensor high;
  Tensor low;
};

/// What one image of the batch yields.
struct TrainingStep::Shard {
  Tensor gradient;
  double loss = 0;
  double reconstruction = 0;
  double auxiliary = 0;
  double data_seconds = 0;
};

TrainingStep::TrainingStep(const PhaseModel& model, Adam& adam, const Dataset& data,
                           ThreadPool& pool, const StepOptions& options)
    : model_(model),
      adam_(adam),
      data_(data),
      pool_(pool),
      options_(options),
      sampler_(data, options.seed, options.gt_size),
      gradient_(model.parameters().make_gradient()) {
  for (int i = 0; i < pool.threads(); ++i) {
    workers_.push_back(std::make_unique<Worker>(sampler_.gt_size(), sampler_.low_size()));
  }
  shards_.resize(static_cast<std::size_t>(options.batch_size));
  for (Shard& shard : shards_) {
    shard.gradient = model.parameters().make_gradient();
  }
}

TrainingStep::~TrainingStep() = default;

StepResult TrainingStep::run(std::int64_t iteration, double learning_rate) {
  iteration_ = iteration;
  const std::int64_t first = iteration * options_.batch_size;
  pool_.parallel_for(options_.batch_size, [&](std::int64_t task, int worker) {
    compute(shards_[static_cast<std::size_t>(task)], *workers_[static_cast<std::size_t>(worker)],
            first + task);
  });
  add_gradients();

  StepResult result;
  const double share = 1.0 / options_.batch_size;
  for (const Shard& shard : shards_) {
    result.loss += share * shard.loss;
    result.reconstruction += share * shard.reconstruction;
    result.auxiliary += share * shard.auxiliary;
    result.data_seconds += shard.data_seconds / pool_.threads();
  }
  result.gradient_norm = gradient_norm(context_, gradient_);
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm)) {
    result.failure = failure();
    return result;
  }
  adam_.step(context_, gradient_, learning_rate,
             clip_scale(result.gradient_norm, options_.gradient_clip));
  result.applied = true;
  return result;
}

void TrainingStep::compute(Shard& shard, Worker& worker, std::int64_t sample) {
  const auto start = Clock::now();
  sampler_.sample(sample, worker.high.data<float>(), worker.low.data<float>());
  shard.data_seconds = seconds_since(start);

  worker.tape.reset();
  const PhaseModel::Losses losses = model_.losses(worker.tape, worker.high, worker.low);
  shard.loss = losses.total.value().item();
  shard.reconstruction = losses.reconstruction.value().item();
  shard.auxiliary = losses.auxiliary.defined() ? losses.auxiliary.value().item() : 0;
  shard.gradient.set_zero();
  // All shards are equally large, so the mean of their means is the mean over the batch.
  worker.tape.backward(losses.total, shard.gradient, 1.0 / options_.batch_size);
}

void TrainingStep::add_gradients() {
  constexpr std::int64_t kBlock = 4096;
  const std::int64_t count = gradient_.count();
  float* sum = gradient_.data<float>();
  pool_.parallel_for((count + kBlock - 1) / kBlock, [&](std::int64_t task, int) {
    const std::int64_t begin = task * kBlock;
    const std::int64_t end = std::min(count, begin + kBlock);
    std::copy(shards_[0].gradient.data<float>() + begin, shards_[0].gradient.data<float>() + end,
              sum + begin);
    for (std::size_t shard = 1; shard < shards_.size(); ++shard) {
      const float* part = shards_[shard].gradient.data<float>();
      for (std::int64_t i = begin; i < end; ++i) {
        sum[i] += part[i];
      }
    }
  });
}

std::string TrainingStep::failure() const {
  std::string parameter;
  std::vector<std::string> images;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const std::string bad = first_non_finite(model_.parameters(), shards_[i].gradient);
    if (bad.empty() && std::isfinite(shards_[i].loss)) {
      continue;
    }
    if (parameter.empty()) {
      parameter = bad;
    }
    const auto choice =
        sampler_.choice(iteration_ * options_.batch_size + static_cast<std::int64_t>(i));
    images.push_back(data_.images[choice.image].name);
  }
  const std::string text = parameter.empty() ? "the loss is not finite"
                                             : "the gradient of '" + parameter + "' is not finite";
  return text + (images.empty() ? " in the sum over the batch" : ", " + list_of_images(images));
}

}  // namespace pisr
