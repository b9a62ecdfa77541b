#include "pisr/train/training_data.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "core/printable.h"
#include "pisr/train/stepper.h"

namespace pisr {

namespace {

/// Held-out built-in images are those from this index on, however many are trained on.
constexpr std::uint64_t kFirstHeldOut = 1'000'000;

std::vector<std::filesystem::path> as_paths(const std::vector<std::string>& texts) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& text : texts) {
    paths.push_back(path_from_text(text));
  }
  return paths;
}

bool is_div2k(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path / "DIV2K_train_HR", ignored);
}

/// The names of validation images that are training images too: the same samples, whatever the
/// files are called.
std::vector<std::string> trained_and_validated(const Dataset& train, const Dataset& validation) {
  using Size = std::pair<int, int>;
  std::multimap<Size, const ImagePair*> trained;
  for (const ImagePair& pair : train.images) {
    trained.emplace(Size(pair.high.width, pair.high.height), &pair);
  }
  std::vector<std::string> names;
  for (const ImagePair& pair : validation.images) {
    const auto [first, last] = trained.equal_range({pair.high.width, pair.high.height});
    if (std::any_of(first, last, [&](const auto& candidate) {
          return candidate.second->high.samples == pair.high.samples;
        })) {
      names.push_back(pair.name);
    }
  }
  return names;
}

void warn_of_shared_images(TrainingData& data) {
  const std::vector<std::string> names = trained_and_validated(data.train, data.validation.data);
  if (names.empty()) {
    return;
  }
  const std::size_t count = data.validation.data.images.size();
  data.warnings.push_back(message(
      names.size(), " of ", count, count == 1 ? " validation image is" : " validation images are",
      " trained on too (", list_of_images(names), "): the scores do not tell how new images fare"));
}

}  // namespace

Validation make_validation(const EvaluationSet& set, Protocol protocol) {
  Checksum sum;
  for (const ImagePair& pair : set.data.images) {
    for (const Image8* image : {&pair.high, &pair.low}) {
      sum.add(message(image->width, " x ", image->height, " x ", image->channels));
      sum.add(std::as_bytes(std::span(image->samples)));
    }
  }
  return {set, protocol, message(name(protocol), ' ', sum.text())};
}

TrainingData load_training_data(const TrainConfig& config) {
  const DataConfig& data = config.data;
  TrainingData result;
  if (data.train.empty()) {
    result.train = built_in_dataset(data.built_in.seed, 0, data.built_in.count, data.built_in.size,
                                    config.network.scale, config.threads);
    if (!data.exclude.empty()) {
      result.warnings.emplace_back(
          "data.exclude leaves out images of data.train alone, there is no such folder");
    }
  } else {
    DatasetOptions options;
    options.scale = config.network.scale;
    options.exclude = data.exclude;
    options.gt_size = config.train.gt_size;
    options.threads = config.threads;
    result.train = load_dataset(as_paths(data.train), options);
  }
  result.validation = load_validation_set(config);
  for (const Dataset* dataset : {&result.train, &result.validation.data}) {
    result.warnings.insert(result.warnings.end(), dataset->warnings.begin(),
                           dataset->warnings.end());
  }
  warn_of_shared_images(result);
  return result;
}

EvaluationSet load_validation_set(const TrainConfig& config) {
  const DataConfig& data = config.data;
  DatasetOptions options;
  options.scale = config.network.scale;
  options.part = DataPart::validation;
  options.threads = config.threads;
  const std::vector<std::filesystem::path> folders = as_paths(data.validation);
  if (folders.size() == 1) {
    return load_evaluation_set(folders.front(), options.scale, options.threads);
  }
  EvaluationSet set;
  if (!folders.empty()) {
    set = {"validation", load_dataset(folders, options)};
  } else if (data.train.size() == 1 && is_div2k(path_from_text(data.train.front()))) {
    set = {"DIV2K validation", load_dataset(as_paths(data.train), options)};
  } else {
    const int side = smallest_side(options.scale);
    if (data.built_in.size < side) {
      throw Error(ErrorKind::usage, message("data.built_in.size must be at least ", side,
                                            " to be validated on at scale ", options.scale,
                                            ", got ", data.built_in.size));
    }
    set = {"built-in held-out",
           built_in_dataset(data.built_in.seed, kFirstHeldOut, data.built_in.validation_count,
                            data.built_in.size, options.scale, config.threads)};
  }
  check_sizes(set.data);
  return set;
}

}  // namespace pisr
