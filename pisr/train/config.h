#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/device_choice.h"
#include "kernels/precision.h"
#include "nn/init.h"
#include "pisr/eval/protocol.h"
#include "pisr/model/architectures.h"
#include "pisr/model/distillation.h"
#include "pisr/train/training_phase.h"

/// The configuration of a training run: plain structs with the paper's values as defaults, read
/// from JSON with comments. docs/configuration.md lists every key.
namespace pisr {

/// How the weight of the distillation falls until train.distillation_until.
enum class DistillationDecay { none, linear, cosine };

/// What of the student is compared with the teacher.
enum class DistillationPlace { feature, image };

/// What train.phase may say.
enum class PhaseChoice { baseline, teacher, student, all };

/// The network, and how its weights begin. All options of the architecture are there.
struct NetworkConfig : NetworkSpec {
  NetworkConfig() : NetworkSpec(default_spec()) {}
  Initialisation init = Initialisation::uniform;
  bool zero_last = false;
  bool start_as_interpolation = false;
};

/// Dead-leaves images, used where no folder is named.
struct BuiltInConfig {
  int count = 60;
  int validation_count = 5;
  int size = 384;
  std::uint64_t seed = 0;
};

/// Keys `data.*`.
struct DataConfig {
  std::vector<std::string> train;
  std::vector<std::string> validation;
  std::vector<std::string> exclude;
  BuiltInConfig built_in;
};

/// What differs in one phase; what is not set is as in TrainingConfig.
struct PhaseOverride {
  std::optional<std::int64_t> total_iter;
  std::optional<double> learning_rate;
  std::optional<double> final_learning_rate;
  std::optional<std::int64_t> epoch_iterations;
};

/// Keys `train.*`; docs/configuration.md says what each means.
struct TrainingConfig {
  PhaseChoice phase = PhaseChoice::all;
  std::int64_t total_iter = 1'000'000;
  int batch_size = 16;
  int gt_size = 192;
  double learning_rate = 1e-3;
  double final_learning_rate = 1e-5;
  std::int64_t epoch_iterations = 1000;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double gradient_clip = 0;
  double ema = 0;
  Reconstruction last_loss = Reconstruction::l1;
  double last_loss_share = 0.1;
  bool hourglass = true;
  double imitation_weight = 1e-4;
  Distillation distillation = Distillation::laplace;
  double distillation_weight = 1e-6;
  DistillationPlace distillation_place = DistillationPlace::feature;
  double distillation_until = 1;
  DistillationDecay distillation_decay = DistillationDecay::none;
  bool weight_transfer = true;
  std::string teacher_weights;
  std::string init_weights;
  int max_bad_steps = 10;
  std::int64_t save_checkpoint_freq = 1000;
  std::int64_t print_freq = 100;
  int keep_checkpoints = 3;
  PhaseOverride baseline;
  PhaseOverride teacher;
  PhaseOverride student;
};

/// Keys `val.*`.
struct ValidationConfig {
  std::int64_t val_freq = 1000;
  Protocol protocol = Protocol::pisr;
};

/// The whole configuration of a run, with its defaults.
struct TrainConfig {
  NetworkConfig network;
  DataConfig data;
  TrainingConfig train;
  ValidationConfig val;
  std::uint64_t manual_seed = 0;
  int threads = 0;
  std::string device = "auto";  ///< as parse_device() reads it
  kernels::Precision precision = kernels::Precision::fp32;
  BackendChoice backend = BackendChoice::own;
};

/// Reads JSON, comments allowed; what it does not name keeps its default. `settings` ("a.b=c") are
/// put over it first: c is JSON where it can be read as such, else a text. `source` stands in
/// messages. Throws Error(usage) for an unknown key (the hint names the nearest), one given twice,
/// a wrong type, a value out of range or values that do not fit together: the message names key,
/// wanted and got.
TrainConfig parse_config(std::string_view json, const std::string& source,
                         const std::vector<std::string>& settings = {});
/// parse_config of a file.
TrainConfig read_config(const std::filesystem::path& path,
                        const std::vector<std::string>& settings = {});

/// The checks of parse_config, for a configuration changed by hand.
void check_config(const TrainConfig& config);

/// The whole configuration; parse_config of it gives the same one. Error(usage) where a text is not
/// UTF-8.
std::string config_json(const TrainConfig& config);

/// All keys with type, range, default and meaning, as Markdown: docs/configuration.md.
std::string config_reference();

/// A key whose value is not the same in two configurations, values as JSON.
struct ConfigDifference {
  std::string key;
  std::string before;
  std::string after;
};
std::vector<ConfigDifference> config_differences(const TrainConfig& before,
                                                 const TrainConfig& after);

/// What is optimised how long: the general values with a phase's own over them.
struct PhaseSchedule {
  std::int64_t total_iter;
  double learning_rate;
  double final_learning_rate;
  /// Iterations between two changes of the learning rate: epoch_iterations, but at least a
  /// thousand changes a phase, so that short runs are annealed as smoothly as the paper's.
  std::int64_t epoch_iterations;
};
PhaseSchedule phase_schedule(const TrainConfig& config, TrainingPhase phase);

/// What the network is validated under: val.protocol on luminance, rgb on RGB.
Protocol validation_protocol(const TrainConfig& config);

/// The phases that train.phase asks for, in order.
std::vector<TrainingPhase> phases(const TrainConfig& config);

}  // namespace pisr
