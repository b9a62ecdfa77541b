#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/agreement.h"
#include "core/safetensors.h"
#include "nn/adam.h"
#include "pisr/train/ranks.h"
#include "pisr/train/run_metrics.h"
#include "pisr/train/stepper.h"
#include "pisr/train/trainer.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"
#include "tests/tensors.h"
#include "tests/thread_ranks.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// Batches of five, which neither two nor four ranks divide evenly.
TrainConfig config_of(const std::vector<std::string>& settings = {}) {
  std::vector<std::string> all = {
      "train.batch_size=5", "train.total_iter=30",           "train.print_freq=5",
      "val.val_freq=10",    "train.save_checkpoint_freq=15", "data.built_in.validation_count=3"};
  all.insert(all.end(), settings.begin(), settings.end());
  return smallest_config(all);
}

struct CrewRun {
  std::vector<TrainOutcome> outcomes;
  int reductions = 0;
};

/// Trains on `size` ranks into `out`, from the newest checkpoint where `mode` is resume. `stop` is
/// asked on each rank, with the updates of this call that are done.
CrewRun train_on(int size, const TrainConfig& config, const fs::path& out,
                 RunMode mode = RunMode::fresh,
                 const std::function<bool(int rank, int updates)>& stop = {}) {
  const TrainingData& data = training_images(config);
  CrewRun result;
  result.outcomes.resize(static_cast<std::size_t>(size));
  result.reductions = on_ranks(size, [&](Communicator& ranks) {
    std::optional<RunDirectory> run;
    std::optional<ResumePoint> resume;
    if (ranks.rank() == 0) {
      run.emplace(out, mode);
      if (mode == RunMode::resume) {
        FoundCheckpoint found = find_newest_checkpoint(run->checkpoints(), phases(config));
        resume = ResumePoint{std::move(found.checkpoint.value()), found.path.string()};
      }
    }
    TrainCallbacks callbacks;
    int updates = 0;
    callbacks.step = [&](const StepReport&) { ++updates; };
    if (stop) {
      callbacks.cancelled = [&] { return stop(ranks.rank(), updates); };
    }
    result.outcomes[static_cast<std::size_t>(ranks.rank())] =
        train_together(&ranks, config, run ? &*run : nullptr, data, resume, callbacks);
  });
  return result;
}

void train_alone(const TrainConfig& config, const fs::path& out) {
  const RunDirectory run(out, RunMode::fresh);
  train(config, run, training_images(config), {}, {});
}

/// The largest difference of two weight files, relative to the largest weight of the tensor.
double difference(const fs::path& a, const fs::path& b) {
  const SafeTensors these = read_safetensors(a);
  const SafeTensors those = read_safetensors(b);
  double worst = these.tensors.size() == those.tensors.size() ? 0 : INFINITY;
  for (const auto& [name, tensor] : these.tensors) {
    double largest = 0;
    for (const float value : tensor.values<float>()) {
      largest = std::max(largest, std::abs(static_cast<double>(value)));
    }
    worst = worse(worst, furthest(tensor, those.tensors.at(name)) / largest);
  }
  return worst;
}

double difference(const std::vector<MetricsRow>& a, const std::vector<MetricsRow>& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    worst = a[i].phase == b[i].phase && a[i].iteration == b[i].iteration ? worst : INFINITY;
    const auto compare = [&](double x, double y) {
      if (!std::isnan(x) || !std::isnan(y)) {
        worst = worse(worst, std::abs(x - y) / std::abs(x));
      }
    };
    compare(a[i].loss, b[i].loss);
    compare(a[i].reconstruction, b[i].reconstruction);
    compare(a[i].psnr, b[i].psnr);
    compare(a[i].ssim, b[i].ssim);
  }
  return worst;
}

std::string cause_of(const std::exception_ptr& failure) {
  if (!failure) {
    return "nothing";
  }
  try {
    std::rethrow_exception(failure);
  } catch (const AgreedFailure& agreed) {
    return agreed.cause() ? thrown([&] { std::rethrow_exception(agreed.cause()); }).what()
                          : message("told by rank ", agreed.rank());
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("ranks: any number of them makes the updates of one process", "[train][ranks][threads]") {
  const TemporaryFolder folder;
  // Teacher and student: an auxiliary loss, a teacher handed over, and a moving average.
  const TrainConfig config = config_of({"train.phase=all", "train.ema=0.9"});
  train_alone(config, folder.path() / "alone");
  const std::vector<MetricsRow> alone = read_metrics(folder.path() / "alone" / "metrics.csv");
  for (const int size : {1, 2, 4, 5}) {
    const fs::path out = folder.path() / std::to_string(size);
    const CrewRun run = train_on(size, config, out);
    CAPTURE(size);
    CHECK(run.outcomes ==
          std::vector<TrainOutcome>(static_cast<std::size_t>(size), TrainOutcome::finished));
    CHECK(difference(alone, read_metrics(out / "metrics.csv")) < 1e-5);
    for (const char* weights : {"teacher.safetensors", "teacher_last.safetensors",
                                "student.safetensors", "student_last.safetensors"}) {
      CAPTURE(weights);
      const double furthest = difference(folder.path() / "alone" / weights, out / weights);
      CHECK(furthest < 1e-5);
      if (size == 1) {
        CHECK(furthest == 0);
      }
    }
  }
}

TEST_CASE("ranks: one sum an update", "[train][ranks][threads]") {
  const TemporaryFolder folder;
  const auto sums = [&](int updates) {
    const TrainConfig config =
        config_of({message("train.total_iter=", updates), "val.val_freq=1000",
                   "train.print_freq=100", "train.save_checkpoint_freq=1000"});
    return train_on(2, config, folder.path() / std::to_string(updates)).reductions;
  };
  CHECK(sums(50) - sums(10) == 40);
}

TEST_CASE("ranks: a run goes on with another number of them", "[train][ranks][threads]") {
  const TemporaryFolder folder;
  const TrainConfig config = config_of();
  train_alone(config, folder.path() / "alone");
  const fs::path out = folder.path() / "changing";
  // Two ranks, of which the second is asked to stop in the seventh update; then three, then one.
  const CrewRun first = train_on(2, config, out, RunMode::fresh,
                                 [](int rank, int updates) { return rank == 1 && updates == 6; });
  CHECK(first.outcomes == std::vector(2, TrainOutcome::cancelled));
  CHECK(fs::exists(out / "checkpoints" / "baseline_000000007.safetensors"));
  train_on(3, config, out, RunMode::resume,
           [](int rank, int updates) { return rank == 2 && updates == 11; });
  CHECK(fs::exists(out / "checkpoints" / "baseline_000000019.safetensors"));
  train_on(1, config, out, RunMode::resume);
  CHECK(difference(folder.path() / "alone" / "baseline_last.safetensors",
                   out / "baseline_last.safetensors") < 1e-5);
}

TEST_CASE("ranks: with as many as before, a resumed run has its bits", "[train][ranks][threads]") {
  const TemporaryFolder folder;
  const TrainConfig config = config_of();
  train_on(3, config, folder.path() / "whole");
  train_on(3, config, folder.path() / "cut", RunMode::fresh,
           [](int rank, int updates) { return rank == 0 && updates == 11; });
  train_on(3, config, folder.path() / "cut", RunMode::resume);
  CHECK(difference(folder.path() / "whole" / "baseline_last.safetensors",
                   folder.path() / "cut" / "baseline_last.safetensors") == 0);
}

TEST_CASE("ranks: more of them than images in a batch are refused", "[train][ranks]") {
  const TemporaryFolder folder;
  const TrainConfig config = config_of();
  const TrainingData& data = training_images(config);
  const auto failures = failures_of_ranks(6, [&](Communicator& ranks) {
    std::optional<RunDirectory> run;
    if (ranks.rank() == 0) {
      run.emplace(folder.path() / "run", RunMode::fresh);
    }
    train_together(&ranks, config, run ? &*run : nullptr, data, {}, {});
  });
  CHECK(cause_of(failures[0]) ==
        "train.batch_size: must be at least the number of ranks, 6, got 5");
  CHECK(cause_of(failures[5]) == "told by rank 0");
  CHECK_FALSE(fs::exists(folder.path() / "run"));
}

TEST_CASE("ranks: other images are found before anything is written", "[train][ranks]") {
  const TemporaryFolder folder;
  const TrainConfig config = config_of();
  const TrainingData& data = training_images(config);
  const auto fail_with = [&](const std::function<void(TrainingData&)>& change) {
    TrainingData other = data;
    change(other);
    const auto failures = failures_of_ranks(3, [&](Communicator& ranks) {
      std::optional<RunDirectory> run;
      if (ranks.rank() == 0) {
        run.emplace(folder.path() / "run", RunMode::fresh);
      }
      train_together(&ranks, config, run ? &*run : nullptr, ranks.rank() == 2 ? other : data, {},
                     {});
    });
    CHECK(cause_of(failures[0]) == "told by rank 2");
    CHECK_FALSE(fs::exists(folder.path() / "run"));
    return cause_of(failures[2]);
  };
  CHECK(contains(fail_with([](TrainingData& other) { other.train.images[1].name = "b"; }),
                 "its images differ from those of rank 0: training image 'b', 32 x 32, checksum "));
  CHECK(contains(fail_with([](TrainingData& other) { other.train.images.pop_back(); }),
                 "rank 0 has training image"));
  CHECK(contains(
      fail_with([](TrainingData& other) { other.validation.data.images[0].high.samples[5] ^= 1; }),
      "its images differ from those of rank 0: validation image"));
}

TEST_CASE("ranks: weights that differ end the run", "[train][ranks][threads]") {
  const TrainConfig config = config_of();
  const TrainingData& data = training_images(config);
  std::atomic<int> updates = 0;
  const auto failures = failures_of_ranks(3, [&](Communicator& ranks) {
    ThreadPool pool(1);
    PhaseModel model(config, TrainingPhase::baseline);
    Adam adam(model.parameters());
    const CosineSchedule rate{1e-3, 1e-3, 1, 1};
    const std::unique_ptr<Stepper> stepper =
        cpu_stepper({model, adam, nullptr}, rate, data.train, pool, {5, 8, 1, 0}, {&ranks, {}});
    for (int iteration = 0; iteration < 100; ++iteration) {
      if (iteration == 25 && ranks.rank() == 1) {
        float& weight = model.parameters().values().values<float>()[7];
        weight = std::nextafter(weight, 1.0F);
      }
      stepper->run(iteration, 1, 0);
      updates += ranks.rank() == 0 ? 1 : 0;
    }
  });
  CHECK(updates == 40);
  CHECK(cause_of(failures[0]) == "the ranks have different weights after 40 iterations");
  CHECK(cause_of(failures[1]) == "told by rank 0");
  CHECK(cause_of(failures[2]) == "told by rank 0");
}

TEST_CASE("ranks: an update that is not finite is skipped by all, and its images are named",
          "[train][ranks][threads]") {
  const TrainConfig config = config_of();
  const TrainingData& data = training_images(config);
  const auto failure_of = [&](Communicator* ranks) {
    ThreadPool pool(1);
    PhaseModel model(config, TrainingPhase::baseline);
    model.parameters().values().values<float>()[0] = INFINITY;
    Adam adam(model.parameters());
    const CosineSchedule rate{1e-3, 1e-3, 1, 1};
    const StepResult result =
        cpu_stepper({model, adam, nullptr}, rate, data.train, pool, {5, 8, 1, 0}, {ranks, {}})
            ->run(1, 1, 0)[0];
    return message(result.applied, ' ', result.failure);
  };
  const std::string alone = failure_of(nullptr);
  REQUIRE(contains(alone, "0 the gradient of "));
  std::atomic<int> equal = 0;
  on_ranks(3, [&](Communicator& ranks) { equal += failure_of(&ranks) == alone; });
  CHECK(equal == 3);

  TrainConfig diverging = config_of({"train.max_bad_steps=3"});
  diverging.train.learning_rate = diverging.train.final_learning_rate = 1e30;
  const TemporaryFolder folder;
  const auto failures = failures_of_ranks(2, [&](Communicator& ranks) {
    std::optional<RunDirectory> run;
    if (ranks.rank() == 0) {
      run.emplace(folder.path() / "run", RunMode::fresh);
    }
    train_together(&ranks, diverging, run ? &*run : nullptr, data, {}, {});
  });
  CHECK(contains(cause_of(failures[0]), "3 such steps in a row"));
  CHECK(cause_of(failures[1]) == "told by rank 0");
}

TEST_CASE("ranks: a validation that is cut short on one of them is made again",
          "[train][ranks][threads]") {
  const TemporaryFolder folder;
  const TrainConfig config = config_of({"val.val_freq=4"});
  const CrewRun run = train_on(2, config, folder.path() / "run", RunMode::fresh,
                               [](int rank, int updates) { return rank == 1 && updates == 4; });
  CHECK(run.outcomes == std::vector(2, TrainOutcome::cancelled));
  const fs::path saved = folder.path() / "run" / "checkpoints" / "baseline_000000004.safetensors";
  REQUIRE(fs::exists(saved));
  CHECK(read_checkpoint(saved).validation_due);
  train_on(2, config, folder.path() / "run", RunMode::resume);
  train_alone(config, folder.path() / "alone");
  const auto scores = [&](const char* name) {
    std::vector<MetricsRow> rows = read_metrics(folder.path() / name / "metrics.csv");
    std::erase_if(rows, [](const MetricsRow& row) { return std::isnan(row.psnr); });
    return rows;
  };
  CHECK(scores("run").size() == 9);  // bicubic, every fourth, and the last
  CHECK(difference(scores("alone"), scores("run")) < 1e-5);
}

TEST_CASE("ranks: a validation has the bits of one process, however it is shared",
          "[train][ranks][threads]") {
  EvaluationSet set{"set", {}};
  for (int i = 0; i < 7; ++i) {
    set.data.images.push_back({std::to_string(i), {}, {}, {}});
  }
  const Validation validation{set, Protocol::pisr, ""};
  // Scores whose sum depends on the order.
  static constexpr std::array kScores = {1e17, 1.0, -1e17, 3.0, 1e17, 5.0, -1e17};
  const auto evaluate = [](const EvaluationSet& part) {
    EvaluationResult result;
    for (const ImagePair& image : part.data.images) {
      const double score = kScores.at(std::stoul(image.name));
      result.images.push_back({image.name, {score, -score}});
    }
    result.mean = mean_of(result.images);
    return result;
  };
  const Score alone = evaluate_together(nullptr, validation, evaluate);
  for (const int size : {2, 3, 7, 9}) {
    std::atomic<int> equal = 0;
    std::atomic<int> images = 0;
    on_ranks(size, [&](Communicator& ranks) {
      const Score score = evaluate_together(&ranks, validation, [&](const EvaluationSet& part) {
        images += static_cast<int>(part.data.images.size());
        return evaluate(part);
      });
      equal += score.psnr == alone.psnr && score.ssim == alone.ssim;
    });
    CAPTURE(size);
    CHECK(equal == size);
    CHECK(images == 7);
  }
}

TEST_CASE("ranks: shares cover everything once", "[train][ranks]") {
  on_ranks(4, [](Communicator& ranks) {
    const std::vector<std::size_t> starts[] = {{0, 0, 0, 0, 0}, {0, 0, 1, 2, 3}, {0, 4, 8, 12, 16}};
    for (std::size_t i = 0; const std::size_t count : {0U, 3U, 16U}) {
      const RankShare share = share_of(&ranks, count);
      const auto rank = static_cast<std::size_t>(ranks.rank());
      if (share.begin != starts[i][rank] || share.end != starts[i][rank + 1]) {
        throw std::runtime_error(message("share ", share.begin, " to ", share.end, " of ", count));
      }
      ++i;
    }
  });
  CHECK(share_of(nullptr, 7).size() == 7);
}

TEST_CASE("ranks: threads of one machine are shared out", "[train][ranks]") {
  std::vector<int> threads(3);
  on_ranks(3, [&](Communicator& ranks) {
    threads[static_cast<std::size_t>(ranks.rank())] = threads_of_rank(&ranks);
  });
  CHECK(threads == std::vector<int>(3, std::max(1, available_threads() / 3)));
  CHECK(threads_of_rank(nullptr) == available_threads());
}

TEST_CASE("ranks: marks of weights tell one bit", "[train][ranks]") {
  const Tensor weights = Tensor::zeros({1000});
  const auto sum_of = [&](const std::vector<Tensor>& of_ranks) {
    std::array<float, WeightMarks::kCount> sum{};
    for (const Tensor& one : of_ranks) {
      const WeightMarks marks(one);
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += marks.marks()[i];
      }
    }
    return WeightMarks::are_equal(sum, static_cast<int>(of_ranks.size()));
  };
  for (const std::size_t size : {1U, 3U, 1000U}) {
    CHECK(sum_of(std::vector<Tensor>(size, weights)));
  }
  for (const std::size_t place : {0U, 499U, 999U}) {
    const Tensor other = weights.clone();
    other.values<float>()[place] = 1e-45F;
    CHECK_FALSE(sum_of({weights, weights, other}));
    CHECK_FALSE(sum_of({other, weights}));
  }
}

}  // namespace pisr
