#include "pisr/train/config_fields.h"

#include <algorithm>
#include <utility>

#include "pisr/model/architectures.h"

namespace pisr {

namespace {

constexpr double kMaxIterations = 1e12;

/// A member that holds one of the values that stand beside their names.
template <class Enum>
ChoiceMember choice(Enum& member, const std::vector<std::pair<const char*, Enum>>& choices) {
  ChoiceMember result;
  std::vector<Enum> values;
  for (const auto& [name, value] : choices) {
    result.names.emplace_back(name);
    values.push_back(value);
  }
  result.get = [&member, values] {
    return static_cast<std::size_t>(std::ranges::find(values, member) - values.begin());
  };
  result.set = [&member, values](std::size_t index) { member = values[index]; };
  return result;
}

void add_override(std::vector<ConfigField>& fields, const std::string& section,
                  PhaseOverride& phase) {
  const std::string key = "train." + section + ".";
  fields.push_back({key + "total_iter",
                    &phase.total_iter,
                    {1, kMaxIterations},
                    "`train.total_iter` of this phase"});
  fields.push_back(
      {key + "learning_rate", &phase.learning_rate, {}, "`train.learning_rate` of this phase"});
  fields.push_back({key + "final_learning_rate",
                    &phase.final_learning_rate,
                    {},
                    "`train.final_learning_rate` of this phase"});
  fields.push_back({key + "epoch_iterations",
                    &phase.epoch_iterations,
                    {1, kMaxIterations},
                    "`train.epoch_iterations` of this phase"});
}

void add_network(std::vector<ConfigField>& fields, NetworkConfig& network) {
  std::vector<std::string> names;
  for (const Architecture& row : architectures()) {
    names.emplace_back(row.name);
  }
  const auto index = [names, &network] {
    return static_cast<std::size_t>(std::ranges::find(names, network.architecture) - names.begin());
  };
  // The options are those of the architecture, so it is set before these fields are made.
  fields.push_back({"network.architecture",
                    ChoiceMember{names, index, [](std::size_t) {}},
                    {},
                    "the network; its options are below"});
  fields.push_back({"network.scale", &network.scale, {2, 4}, "factor of enlargement"});
  std::vector<std::pair<const char*, int>> colours;
  for (const int channels : architecture(network.architecture).channels) {
    colours.emplace_back(colour_name(channels), channels);
  }
  fields.push_back({kColourKey, choice<int>(network.channels, colours), {}, "luminance or RGB"});
  for (const NetworkOption& option : architecture(network.architecture).options) {
    OptionValue& value = network.options.at(option.name);
    ConfigField field;
    field.key = option_key(option.name);
    field.range = {static_cast<double>(option.lowest), static_cast<double>(option.highest)};
    field.help = option.help;
    if (bool* const flag = std::get_if<bool>(&value)) {
      field.member = flag;
    } else {
      field.member = &std::get<int>(value);
    }
    fields.push_back(std::move(field));
  }
  fields.push_back({"network.init",
                    choice<Initialisation>(network.init, {{"uniform", Initialisation::uniform},
                                                          {"he", Initialisation::he}}),
                    {},
                    "initial weights: uniform in +-1/sqrt(fan_in), or He's normal"});
  fields.push_back({"network.zero_last",
                    &network.zero_last,
                    {},
                    "whether weights and bias of the last layer begin as 0 instead"});
  fields.push_back({"network.start_as_interpolation",
                    &network.start_as_interpolation,
                    {},
                    "whether a network without a path from input to output begins as an "
                    "interpolation"});
}

void add_data(std::vector<ConfigField>& fields, DataConfig& data) {
  fields.push_back(
      {"data.train", &data.train, {}, "folders of training images; empty: the built-in images"});
  fields.push_back({"data.validation",
                    &data.validation,
                    {},
                    "folders of validation images; empty: DIV2K's 0801-0810 if `data.train` is "
                    "DIV2K, otherwise held-out built-in images"});
  fields.push_back({"data.exclude",
                    &data.exclude,
                    {},
                    "names of training images to leave out, with or without extension, several "
                    "perhaps joined by commas",
                    true});
  fields.push_back(
      {"data.built_in.count", &data.built_in.count, {1, 100000}, "built-in training images"});
  fields.push_back({"data.built_in.validation_count",
                    &data.built_in.validation_count,
                    {1, 1000},
                    "held-out built-in images"});
  fields.push_back({"data.built_in.size",
                    &data.built_in.size,
                    {8, 8192},
                    "side of a built-in image, in pixels"});
  fields.push_back({"data.built_in.seed", &data.built_in.seed, {}, "seed of the built-in images"});
}

void add_training(std::vector<ConfigField>& fields, TrainingConfig& train) {
  fields.push_back({"train.phase",
                    choice<PhaseChoice>(train.phase, {{"baseline", PhaseChoice::baseline},
                                                      {"teacher", PhaseChoice::teacher},
                                                      {"student", PhaseChoice::student},
                                                      {"all", PhaseChoice::all}}),
                    {},
                    "what to train; `all` is the teacher, then the student"});
  fields.push_back({"train.total_iter",
                    &train.total_iter,
                    {1, kMaxIterations},
                    "iterations (updates) of each phase"});
  fields.push_back({"train.batch_size", &train.batch_size, {1, 4096}, "patches per update"});
  fields.push_back({"train.gt_size",
                    &train.gt_size,
                    {1, 4096},
                    "side of a high-resolution patch in pixels, a multiple of the scale"});
  fields.push_back({"train.learning_rate", &train.learning_rate, {}, "learning rate at the start"});
  fields.push_back({"train.final_learning_rate",
                    &train.final_learning_rate,
                    {},
                    "learning rate at the end of the cosine"});
  fields.push_back({"train.epoch_iterations",
                    &train.epoch_iterations,
                    {1, kMaxIterations},
                    "iterations between two steps of the cosine; fewer if a phase would otherwise "
                    "have fewer than 1000 steps"});
  fields.push_back({"train.adam_beta1", &train.adam_beta1, {0, 0.999999}, "Adam's beta 1"});
  fields.push_back({"train.adam_beta2", &train.adam_beta2, {0, 0.9999999}, "Adam's beta 2"});
  fields.push_back({"train.adam_epsilon", &train.adam_epsilon, {1e-30, 1}, "Adam's epsilon"});
  fields.push_back({"train.gradient_clip",
                    &train.gradient_clip,
                    {},
                    "largest norm of the gradient, clipped to it; 0: not clipped"});
  fields.push_back(
      {"train.ema",
       &train.ema,
       {0, 0.999999},
       "decay of the moving average of the weights, which is then validated and saved; 0: off"});
  fields.push_back(
      {"train.last_loss",
       choice<Reconstruction>(train.last_loss, {{"l1", Reconstruction::l1},
                                                {"l2", Reconstruction::l2},
                                                {"charbonnier", Reconstruction::charbonnier}}),
       {},
       "the reconstruction loss of a phase's last updates; before them it is `l1`"});
  fields.push_back({"train.last_loss_share",
                    &train.last_loss_share,
                    {0, 1},
                    "share of a phase's updates that have `train.last_loss`"});
  fields.push_back({"train.hourglass",
                    &train.hourglass,
                    {},
                    "whether the teacher is an encoder and a decoder; otherwise a network that "
                    "keeps the size looks at the truth itself, and its features are averaged over "
                    "blocks"});
  fields.push_back({"train.imitation_weight",
                    &train.imitation_weight,
                    {},
                    "weight of L1(X, X^) in the teacher's loss"});
  fields.push_back(
      {"train.distillation",
       choice<Distillation>(train.distillation, {{"none", Distillation::none},
                                                 {"mae", Distillation::mae},
                                                 {"laplace", Distillation::laplace},
                                                 {"gaussian", Distillation::gaussian}}),
       {},
       "the student's distillation loss"});
  fields.push_back({"train.distillation_weight",
                    &train.distillation_weight,
                    {},
                    "weight of the distillation loss"});
  fields.push_back(
      {"train.distillation_place",
       choice<DistillationPlace>(train.distillation_place, {{"feature", DistillationPlace::feature},
                                                            {"image", DistillationPlace::image}}),
       {},
       "what the student learns from the teacher: its feature or its image"});
  fields.push_back({"train.distillation_until",
                    &train.distillation_until,
                    {0, 1},
                    "share of the student's updates after which nothing is distilled"});
  fields.push_back(
      {"train.distillation_decay",
       choice<DistillationDecay>(train.distillation_decay, {{"none", DistillationDecay::none},
                                                            {"linear", DistillationDecay::linear},
                                                            {"cosine", DistillationDecay::cosine}}),
       {},
       "how `train.distillation_weight` falls to 0 until then, in the steps of the learning rate"});
  fields.push_back({"train.weight_transfer",
                    &train.weight_transfer,
                    {},
                    "whether the student starts from the weights of the teacher's decoder"});
  fields.push_back({"train.teacher_weights",
                    &train.teacher_weights,
                    {},
                    "the student's teacher; empty: the best one of the run directory"});
  fields.push_back(
      {"train.init_weights",
       &train.init_weights,
       {},
       "weights or a checkpoint that each phase starts from: every tensor that has the "
       "name and shape of a parameter; the others, and a student with "
       "`train.weight_transfer`, start as without it"});
  fields.push_back(
      {"train.max_bad_steps",
       &train.max_bad_steps,
       {1, 1000000},
       "the run stops after so many steps in a row whose loss or gradient is not finite"});
  fields.push_back({"train.save_checkpoint_freq",
                    &train.save_checkpoint_freq,
                    {1, kMaxIterations},
                    "iterations between two checkpoints"});
  fields.push_back({"train.print_freq",
                    &train.print_freq,
                    {1, kMaxIterations},
                    "iterations between two lines of log and metrics"});
  fields.push_back({"train.keep_checkpoints",
                    &train.keep_checkpoints,
                    {1, 1000000},
                    "checkpoints kept for each phase, besides that of the last iteration"});
  add_override(fields, "baseline", train.baseline);
  add_override(fields, "teacher", train.teacher);
  add_override(fields, "student", train.student);
}

}  // namespace

std::string option_key(const std::string& option) {
  return "network." + option;
}

std::vector<ConfigField> config_fields(TrainConfig& config) {
  std::vector<ConfigField> fields;
  add_network(fields, config.network);
  add_data(fields, config.data);
  add_training(fields, config.train);
  fields.push_back({"val.val_freq",
                    &config.val.val_freq,
                    {1, kMaxIterations},
                    "iterations between two validations; the last iteration is always validated"});
  fields.push_back(
      {"val.protocol",
       choice<Protocol>(config.val.protocol,
                        {{"pisr", Protocol::pisr}, {"matlab", Protocol::matlab}}),
       {},
       "evaluation protocol of the validation of a network on luminance; on RGB it is `rgb`"});
  fields.push_back({"manual_seed", &config.manual_seed, {}, "seed of weights and batches"});
  fields.push_back(
      {"threads", &config.threads, {0, 1024}, "threads; 0: all that the process may use"});
  fields.push_back({"device",
                    &config.device,
                    {},
                    "where updates and validation run: `cpu`, `cuda`, `cuda:N`, or `auto`, which "
                    "is `cuda` if a CUDA device can be used"});
  fields.push_back(
      {"precision",
       choice<kernels::Precision>(config.precision, {{"fp32", kernels::Precision::fp32},
                                                     {"tf32", kernels::Precision::tf32}}),
       {},
       "precision of convolutions on a CUDA device"});
  fields.push_back({"backend",
                    choice<BackendChoice>(config.backend, {{"own", BackendChoice::own},
                                                           {"eigen", BackendChoice::eigen},
                                                           {"cudnn", BackendChoice::cudnn}}),
                    {},
                    "whose kernels run: `own`, on the CPU or a CUDA device, `eigen`, on the CPU "
                    "alone, or `cudnn`, whose convolutions run on a CUDA device alone"});
  return fields;
}

}  // namespace pisr
