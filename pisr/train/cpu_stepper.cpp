#include <algorithm>
#include <chrono>
#include <cmath>
#include <sstream>

#include "core/agreement.h"
#include "core/error.h"
#include "core/tape.h"
#include "nn/clip.h"
#include "pisr/data/sampler.h"
#include "pisr/train/stepper.h"

namespace pisr {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What one thread needs.
struct Worker {
  Worker(Backend backend, int channels, int high_size, int low_size)
      : context(backend),
        tape(context),
        high(Tensor::empty({1, channels, high_size, high_size})),
        low(Tensor::empty({1, channels, low_size, low_size})) {}
  Context context;
  Tape tape;
  Tensor high;
  Tensor low;
};

/// What one image of the batch yields.
struct Shard {
  Tensor gradient;
  kernels::StepValues values;  ///< but for the norm
  double data_seconds = 0;
};

/// Behind the gradient: loss, reconstruction, auxiliary, whether to stop, and then now and then
/// marks of the weights.
constexpr std::int64_t kNumbersBehind = 4 + WeightMarks::kCount;

/// Weights that differ go on differing, so this bounds what is lost.
constexpr std::int64_t kIterationsBetweenMarks = 20;

/// Makes of what each rank found the same on all: the first parameter, and all images.
void gather_failures(Communicator* ranks, std::string& parameter,
                     std::vector<std::string>& images) {
  std::string text = parameter;
  for (const std::string& image : images) {
    text += '\n' + image;
  }
  parameter.clear();
  images.clear();
  for (const std::string& found : gather_texts(ranks, text)) {
    std::istringstream lines(found);
    std::string line;
    std::getline(lines, line);
    if (parameter.empty()) {
      parameter = line;
    }
    while (std::getline(lines, line)) {
      images.push_back(line);
    }
  }
}

class CpuStepper final : public Stepper {
 public:
  CpuStepper(const TrainingState& state, const CosineSchedule& schedule, const Dataset& data,
             ThreadPool& pool, const StepOptions& options, const Crew& crew);

  std::span<const StepResult> run(std::int64_t iteration, std::int64_t, std::int64_t) override;
  EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                            const StopCheck& stop) override {
    return evaluate_trained(context_, pool, set, protocol, state_.model, state_.average, stop);
  }
  void update_host() override {}

 private:
  void compute(Shard& shard, Worker& worker, std::int64_t sample, const LossSettings& settings);
  void add_gradients();
  void add_over_ranks(std::int64_t iteration);
  std::string failure(std::int64_t iteration) const;

  TrainingState state_;
  CosineSchedule schedule_;
  const Dataset& data_;
  ThreadPool& pool_;
  StepOptions options_;
  Crew crew_;
  RankShare share_;  ///< of the images of a batch
  BatchSampler sampler_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Shard> shards_;  ///< one for each image of the share
  Context context_;
  Tensor exchanged_;  ///< what is added over the ranks: the gradient, and a few numbers behind it
  Tensor gradient_;   ///< a part of that
  StepResult result_;
};

CpuStepper::CpuStepper(const TrainingState& state, const CosineSchedule& schedule,
                       const Dataset& data, ThreadPool& pool, const StepOptions& options,
                       const Crew& crew)
    : state_(state),
      schedule_(schedule),
      data_(data),
      pool_(pool),
      options_(options),
      crew_(crew),
      share_(share_of(crew.ranks, static_cast<std::size_t>(options.batch_size))),
      sampler_(data, options.seed, options.gt_size, state.model.channels()),
      context_(pool, options.backend),
      exchanged_(Tensor::zeros({state.model.parameters().count() + kNumbersBehind})),
      gradient_(exchanged_.slice_flat(0, {state.model.parameters().count()})) {
  if (crew.ranks != nullptr && crew.ranks->size() > options.batch_size) {
    throw Error(ErrorKind::usage,
                message("train.batch_size: must be at least the number of ranks, ",
                        crew.ranks->size(), ", got ", options.batch_size));
  }
  for (int i = 0; i < pool.threads(); ++i) {
    workers_.push_back(std::make_unique<Worker>(options.backend, state.model.channels(),
                                                sampler_.gt_size(), sampler_.low_size()));
  }
  shards_.resize(share_.size());
  for (Shard& shard : shards_) {
    shard.gradient = state.model.parameters().make_gradient();
  }
}

std::span<const StepResult> CpuStepper::run(std::int64_t iteration, std::int64_t, std::int64_t) {
  const std::int64_t first =
      iteration * options_.batch_size + static_cast<std::int64_t>(share_.begin);
  const LossSettings settings = state_.model.loss_schedule().at(iteration);
  pool_.parallel_for(static_cast<std::int64_t>(share_.size()), [&](std::int64_t task, int worker) {
    compute(shards_[static_cast<std::size_t>(task)], *workers_[static_cast<std::size_t>(worker)],
            first + task, settings);
  });
  add_gradients();

  result_ = {};
  const double share = 1.0 / options_.batch_size;
  for (const Shard& shard : shards_) {
    result_.loss += share * shard.values.loss;
    result_.reconstruction += share * shard.values.reconstruction;
    result_.auxiliary += share * shard.values.auxiliary;
    result_.data_seconds += shard.data_seconds / pool_.threads();
  }
  if (crew_.ranks != nullptr) {
    add_over_ranks(iteration);
  }
  result_.gradient_norm = gradient_norm(context_, gradient_);
  if (!std::isfinite(result_.loss) || !std::isfinite(result_.gradient_norm)) {
    result_.failure = failure(iteration);
    return {&result_, 1};
  }
  state_.adam.step(context_, gradient_, schedule_.rate(iteration),
                   clip_scale(result_.gradient_norm, options_.gradient_clip));
  if (state_.average != nullptr) {
    state_.average->update(context_);
  }
  result_.applied = true;
  return {&result_, 1};
}

void CpuStepper::compute(Shard& shard, Worker& worker, std::int64_t sample,
                         const LossSettings& settings) {
  const auto start = Clock::now();
  sampler_.sample(sample, worker.high.data<float>(), worker.low.data<float>());
  shard.data_seconds = seconds_since(start);

  worker.tape.reset();
  const PhaseModel::Losses losses =
      state_.model.losses(worker.tape, worker.high, worker.low, settings);
  shard.values.loss = losses.total.value().item();
  shard.values.reconstruction = losses.reconstruction.value().item();
  shard.values.auxiliary = losses.auxiliary.defined() ? losses.auxiliary.value().item() : 0;
  shard.gradient.set_zero();
  // All shards are equally large, so the mean of their means is the mean over the batch.
  worker.tape.backward(losses.total, shard.gradient, 1.0 / options_.batch_size);
}

void CpuStepper::add_gradients() {
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

/// Adds up gradients and losses, with one call of the communicator.
void CpuStepper::add_over_ranks(std::int64_t iteration) {
  const std::span<float> all = exchanged_.values<float>();
  const std::span<float> numbers = all.last(static_cast<std::size_t>(kNumbersBehind));
  numbers[0] = static_cast<float>(result_.loss);
  numbers[1] = static_cast<float>(result_.reconstruction);
  numbers[2] = static_cast<float>(result_.auxiliary);
  numbers[3] = crew_.stop && crew_.stop() ? 1 : 0;
  const bool is_checked = iteration % kIterationsBetweenMarks == 0;
  const std::span<float> marks = numbers.last(WeightMarks::kCount);
  if (is_checked) {
    std::ranges::copy(WeightMarks(state_.model.parameters().values()).marks(), marks.begin());
  }
  crew_.ranks->all_reduce_sum(is_checked ? all : all.first(all.size() - marks.size()));
  result_.loss = numbers[0];
  result_.reconstruction = numbers[1];
  result_.auxiliary = numbers[2];
  result_.stop_wanted = numbers[3] > 0;
  if (is_checked &&
      !WeightMarks::are_equal(marks.first<WeightMarks::kCount>(), crew_.ranks->size())) {
    fail_together(
        crew_.ranks,
        Error(ErrorKind::numeric,
              message("the ranks have different weights after ", iteration, " iterations"),
              "their processors or programs may differ: PISR_ISA chooses one instruction "
              "set; --resume auto goes on from the last checkpoint"));
  }
}

std::string CpuStepper::failure(std::int64_t iteration) const {
  std::string parameter;
  std::vector<std::string> images;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const std::string bad = first_non_finite(state_.model.parameters(), shards_[i].gradient);
    if (bad.empty() && std::isfinite(shards_[i].values.loss)) {
      continue;
    }
    if (parameter.empty()) {
      parameter = bad;
    }
    const auto choice = sampler_.choice(iteration * options_.batch_size +
                                        static_cast<std::int64_t>(share_.begin + i));
    images.push_back(data_.images[choice.image].name);
  }
  gather_failures(crew_.ranks, parameter, images);
  const std::string text = parameter.empty() ? "the loss is not finite"
                                             : "the gradient of '" + parameter + "' is not finite";
  return text + (images.empty() ? " in the sum over the batch" : ", " + list_of_images(images));
}

}  // namespace

std::unique_ptr<Stepper> cpu_stepper(const TrainingState& state, const CosineSchedule& schedule,
                                     const Dataset& data, ThreadPool& pool,
                                     const StepOptions& options, const Crew& crew) {
  return std::make_unique<CpuStepper>(state, schedule, data, pool, options, crew);
}

}  // namespace pisr
