// Every key of the configuration sets the member that its name says, and no other.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/train/config.h"
#include "pisr/train/config_fields.h"
#include "tests/catch.h"

namespace pisr {
namespace {

struct Key {
  std::string setting;  ///< key=value, the value not being the default
  std::function<bool(const TrainConfig&)> is_set;
};

/// Where the value of a setting has to be.
#define PISR_KEY(key, json, member, value)                                 \
  {                                                                        \
    key "=" json, [](const TrainConfig& c) { return c.member == (value); } \
  }

std::vector<Key> keys_of_phase(const std::string& phase, PhaseOverride TrainingConfig::*own,
                               int number) {
  const std::string section = "train." + phase + ".";
  return {{message(section, "total_iter=", 200 + number),
           [=](const TrainConfig& c) { return (c.train.*own).total_iter == 200 + number; }},
          {message(section, "learning_rate=", 10 + number),
           [=](const TrainConfig& c) { return (c.train.*own).learning_rate == 10 + number; }},
          {message(section, "final_learning_rate=0.0000", number),
           [=](const TrainConfig& c) {
             return (c.train.*own).final_learning_rate == std::stod(message("0.0000", number));
           }},
          {message(section, "epoch_iterations=", 300 + number),
           [=](const TrainConfig& c) { return (c.train.*own).epoch_iterations == 300 + number; }}};
}

std::vector<Key> all_keys() {
  using Texts = std::vector<std::string>;
  std::vector<Key> all = {
      PISR_KEY("network.scale", "3", network.scale, 3),
      PISR_KEY("network.colour", "\"rgb\"", network.channels, 3),
      PISR_KEY("network.feature_channels", "11", network.options.at("feature_channels"),
               OptionValue(11)),
      PISR_KEY("network.shrink_channels", "7", network.options.at("shrink_channels"),
               OptionValue(7)),
      PISR_KEY("network.mapping_layers", "3", network.options.at("mapping_layers"), OptionValue(3)),
      PISR_KEY("network.slope_per_channel", "true", network.options.at("slope_per_channel"),
               OptionValue(true)),
      PISR_KEY("network.replicate_padding", "true", network.options.at("replicate_padding"),
               OptionValue(true)),
      PISR_KEY("network.deconvolution_padding", "3", network.options.at("deconvolution_padding"),
               OptionValue(3)),
      PISR_KEY("network.depth_to_space", "true", network.options.at("depth_to_space"),
               OptionValue(true)),
      PISR_KEY("network.init", "he", network.init, Initialisation::he),
      PISR_KEY("network.zero_last", "true", network.zero_last, true),
      PISR_KEY("network.start_as_interpolation", "true", network.start_as_interpolation, true),
      PISR_KEY("data.train", "[\"a\"]", data.train, Texts{"a"}),
      PISR_KEY("data.validation", "[\"b\"]", data.validation, Texts{"b"}),
      PISR_KEY("data.exclude", "[\"c\"]", data.exclude, Texts{"c"}),
      PISR_KEY("data.built_in.count", "61", data.built_in.count, 61),
      PISR_KEY("data.built_in.validation_count", "6", data.built_in.validation_count, 6),
      PISR_KEY("data.built_in.size", "396", data.built_in.size, 396),
      PISR_KEY("data.built_in.seed", "4", data.built_in.seed, 4),
      PISR_KEY("train.phase", "teacher", train.phase, PhaseChoice::teacher),
      PISR_KEY("train.total_iter", "1001", train.total_iter, 1001),
      PISR_KEY("train.batch_size", "5", train.batch_size, 5),
      PISR_KEY("train.gt_size", "24", train.gt_size, 24),
      PISR_KEY("train.learning_rate", "0.25", train.learning_rate, 0.25),
      PISR_KEY("train.final_learning_rate", "0.0005", train.final_learning_rate, 0.0005),
      PISR_KEY("train.epoch_iterations", "1002", train.epoch_iterations, 1002),
      PISR_KEY("train.adam_beta1", "0.125", train.adam_beta1, 0.125),
      PISR_KEY("train.adam_beta2", "0.375", train.adam_beta2, 0.375),
      PISR_KEY("train.adam_epsilon", "0.5", train.adam_epsilon, 0.5),
      PISR_KEY("train.gradient_clip", "0.625", train.gradient_clip, 0.625),
      PISR_KEY("train.ema", "0.75", train.ema, 0.75),
      PISR_KEY("train.last_loss", "l2", train.last_loss, Reconstruction::l2),
      PISR_KEY("train.last_loss_share", "0.375", train.last_loss_share, 0.375),
      PISR_KEY("train.hourglass", "false", train.hourglass, false),
      PISR_KEY("train.imitation_weight", "0.875", train.imitation_weight, 0.875),
      PISR_KEY("train.distillation", "mae", train.distillation, Distillation::mae),
      PISR_KEY("train.distillation_weight", "1.5", train.distillation_weight, 1.5),
      PISR_KEY("train.distillation_place", "image", train.distillation_place,
               DistillationPlace::image),
      PISR_KEY("train.distillation_until", "0.4375", train.distillation_until, 0.4375),
      PISR_KEY("train.distillation_decay", "linear", train.distillation_decay,
               DistillationDecay::linear),
      PISR_KEY("train.weight_transfer", "false", train.weight_transfer, false),
      PISR_KEY("train.teacher_weights", "d", train.teacher_weights, "d"),
      PISR_KEY("train.init_weights", "e", train.init_weights, "e"),
      PISR_KEY("train.max_bad_steps", "12", train.max_bad_steps, 12),
      PISR_KEY("train.save_checkpoint_freq", "1003", train.save_checkpoint_freq, 1003),
      PISR_KEY("train.print_freq", "1004", train.print_freq, 1004),
      PISR_KEY("train.keep_checkpoints", "8", train.keep_checkpoints, 8),
      PISR_KEY("val.val_freq", "1005", val.val_freq, 1005),
      PISR_KEY("val.protocol", "matlab", val.protocol, Protocol::matlab),
      PISR_KEY("manual_seed", "9", manual_seed, 9),
      PISR_KEY("threads", "2", threads, 2),
      PISR_KEY("device", "cuda:3", device, "cuda:3"),
      PISR_KEY("precision", "tf32", precision, kernels::Precision::tf32),
      PISR_KEY("backend", "eigen", backend, BackendChoice::eigen)};
  for (const auto& phase : {keys_of_phase("baseline", &TrainingConfig::baseline, 1),
                            keys_of_phase("teacher", &TrainingConfig::teacher, 2),
                            keys_of_phase("student", &TrainingConfig::student, 3)}) {
    all.insert(all.end(), phase.begin(), phase.end());
  }
  return all;
}
#undef PISR_KEY

std::string key_of(const Key& key) {
  return key.setting.substr(0, key.setting.find('='));
}

TEST_CASE("config keys: each one sets its member and no other", "[config]") {
  std::set<std::string> tested{"network.architecture"};  // tests of its own
  const std::vector<Key> keys = all_keys();
  for (const Key& key : keys) {
    CAPTURE(key.setting);
    const TrainConfig config = parse_config("{}", "test", {key.setting});
    CHECK(tested.insert(key_of(key)).second);
    for (const Key& other : keys) {
      CAPTURE(other.setting);
      CHECK(other.is_set(config) == (&key == &other));
    }
    const auto differences = config_differences(TrainConfig{}, config);
    REQUIRE(differences.size() == 1);
    CHECK(differences[0].key == key_of(key));
    // And is printed so that it can be read again.
    CHECK(key.is_set(parse_config(config_json(config), "printed")));
  }
  TrainConfig config;
  for (const ConfigField& field : config_fields(config)) {
    CAPTURE(field.key);
    CHECK(tested.contains(field.key));
  }
}

TEST_CASE("config keys: every name of a choice is its value", "[config]") {
  const auto with = [](const std::string& setting) {
    return parse_config("{}", "test", {setting});
  };
  CHECK(with("train.phase=baseline").train.phase == PhaseChoice::baseline);
  CHECK(with("train.phase=teacher").train.phase == PhaseChoice::teacher);
  CHECK(with("train.phase=student").train.phase == PhaseChoice::student);
  CHECK(with("train.phase=all").train.phase == PhaseChoice::all);
  CHECK(with("train.distillation=none").train.distillation == Distillation::none);
  CHECK(with("train.distillation=mae").train.distillation == Distillation::mae);
  CHECK(with("train.distillation=laplace").train.distillation == Distillation::laplace);
  CHECK(with("train.distillation=gaussian").train.distillation == Distillation::gaussian);
  CHECK(with("train.last_loss=l1").train.last_loss == Reconstruction::l1);
  CHECK(with("train.last_loss=l2").train.last_loss == Reconstruction::l2);
  CHECK(with("train.last_loss=charbonnier").train.last_loss == Reconstruction::charbonnier);
  CHECK(with("train.distillation_place=feature").train.distillation_place ==
        DistillationPlace::feature);
  CHECK(with("train.distillation_place=image").train.distillation_place ==
        DistillationPlace::image);
  CHECK(with("train.distillation_decay=none").train.distillation_decay == DistillationDecay::none);
  CHECK(with("train.distillation_decay=linear").train.distillation_decay ==
        DistillationDecay::linear);
  CHECK(with("train.distillation_decay=cosine").train.distillation_decay ==
        DistillationDecay::cosine);
  CHECK(with("network.init=uniform").network.init == Initialisation::uniform);
  CHECK(with("network.init=he").network.init == Initialisation::he);
  CHECK(with("val.protocol=pisr").val.protocol == Protocol::pisr);
  CHECK(with("val.protocol=matlab").val.protocol == Protocol::matlab);
  CHECK(with("precision=fp32").precision == kernels::Precision::fp32);
  CHECK(with("precision=tf32").precision == kernels::Precision::tf32);
  CHECK(with("backend=own").backend == BackendChoice::own);
  CHECK(with("backend=eigen").backend == BackendChoice::eigen);
  CHECK(with("backend=cudnn").backend == BackendChoice::cudnn);
  for (const std::string phase : {"baseline", "teacher", "student"}) {
    const auto wanted = phases(with("train.phase=" + phase));
    REQUIRE(wanted.size() == 1);
    CHECK(phase_name(wanted.front()) == phase);
  }
  CHECK(phases(with("train.phase=all")) ==
        std::vector<TrainingPhase>{TrainingPhase::teacher, TrainingPhase::student});
}

TEST_CASE("config keys: the bounds that are documented hold, both ends", "[config]") {
  const auto accepts = [](const std::string& setting) {
    try {
      TrainConfig config = parse_config("{}", "test", {setting, "train.final_learning_rate=0"});
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  struct Bounds {
    std::string key;
    std::string low, below, high, above;  ///< empty: not tried
  };
  for (const Bounds& row : std::vector<Bounds>{
           {"network.scale", "2", "1", "4", "5"},
           {"data.built_in.count", "1", "0", "100000", "100001"},
           {"data.built_in.validation_count", "1", "0", "1000", "1001"},
           {"data.built_in.size", "", "6", "8192", "8194"},
           {"train.total_iter", "1", "0", "1000000000000", "1000000000001"},
           {"train.batch_size", "1", "0", "4096", "4097"},
           {"train.gt_size", "2", "0", "384", "4098"},
           {"train.learning_rate", "0", "-0.001", "1e9", ""},
           {"train.epoch_iterations", "1", "0", "1000000000000", "1000000000001"},
           {"train.adam_beta1", "0", "-0.001", "0.999999", "1"},
           {"train.adam_beta2", "0", "-0.001", "0.9999999", "1"},
           {"train.adam_epsilon", "1e-30", "0", "1", "1.001"},
           {"train.gradient_clip", "0", "-0.001", "1e9", ""},
           {"train.ema", "0", "-0.001", "0.999999", "1"},
           {"train.last_loss_share", "0", "-0.001", "1", "1.001"},
           {"train.distillation_until", "0", "-0.001", "1", "1.001"},
           {"train.imitation_weight", "0", "-0.001", "1e9", ""},
           {"train.distillation_weight", "0", "-0.001", "1e9", ""},
           {"train.max_bad_steps", "1", "0", "1000000", "1000001"},
           {"train.save_checkpoint_freq", "1", "0", "1000000000000", "1000000000001"},
           {"train.print_freq", "1", "0", "1000000000000", "1000000000001"},
           {"train.keep_checkpoints", "1", "0", "1000000", "1000001"},
           {"train.teacher.total_iter", "1", "0", "1000000000000", "1000000000001"},
           {"train.student.learning_rate", "0", "-0.001", "1e9", ""},
           {"train.baseline.final_learning_rate", "0", "-0.001", "0.001", "0.002"},
           {"train.student.epoch_iterations", "1", "0", "1000000000000", "1000000000001"},
           {"val.val_freq", "1", "0", "1000000000000", "1000000000001"},
           {"manual_seed", "0", "-1", "18446744073709551615", ""},
           {"threads", "0", "-1", "1024", "1025"}}) {
    CAPTURE(row.key);
    CHECK((row.low.empty() || accepts(row.key + "=" + row.low)));
    CHECK(!accepts(row.key + "=" + row.below));
    CHECK(accepts(row.key + "=" + row.high));
    CHECK((row.above.empty() || !accepts(row.key + "=" + row.above)));
  }
}

}  // namespace
}  // namespace pisr
