#include "pisr/train/training_data.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "pisr/train/stepper.h"

namespace pisr {

namespace {

/// Held-out built-in images are those from this index on, however many are trained on.
constexpr std::uint64_t kFirstHeldOut = 1'000'000;

std::vector<std::filesystem::path> as_paths(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

bool is_div2k(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path / "DIV2K_train_HR", ignored);
}

/// Photographs smaller than the patch are left out, as the loaders of the literature do (one image
/// of T91 at a patch of 96); when there is no other, that is an error.
void leave_out_small(Dataset& data, int gt_size) {
  const auto is_small = [gt_size](const ImagePair& pair) {
    return std::min(pair.high.width, pair.high.height) < gt_size;
  };
  if (std::all_of(data.images.begin(), data.images.end(), is_small)) {
    const ImagePair& first = data.images.front();
    throw Error(
        ErrorKind::input,
        message("training data: images must be at least ", gt_size, " x ", gt_size,
                " (the HR patch), got ", data.images.size(), " smaller ones, '",
                first.file.string(), "' being ", first.high.width, " x ", first.high.height),
        "lower train.gt_size");
  }
  const auto kept = std::stable_partition(data.images.begin(), data.images.end(),
                                          [&](const ImagePair& pair) { return !is_small(pair); });
  for (auto small = kept; small != data.images.end(); ++small) {
    data.excluded.push_back(message(small->name, " (", small->high.width, " x ", small->high.height,
                                    ", smaller than the HR patch of ", gt_size, " x ", gt_size,
                                    ")"));
  }
  data.images.erase(kept, data.images.end());
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
  } else {
    DatasetOptions options;
    options.scale = config.network.scale;
    options.exclude = data.exclude;
    options.threads = config.threads;
    result.train = load_dataset(as_paths(data.train), options);
    leave_out_small(result.train, config.train.gt_size);
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
  if (data.validation.size() == 1) {
    return load_evaluation_set(data.validation.front(), options.scale);
  }
  if (!data.validation.empty()) {
    return {"validation", load_dataset(as_paths(data.validation), options)};
  }
  if (data.train.size() == 1 && is_div2k(data.train.front())) {
    return {"DIV2K validation", load_dataset(as_paths(data.train), options)};
  }
  return {"built-in held-out",
          built_in_dataset(data.built_in.seed, kFirstHeldOut, data.built_in.validation_count,
                           data.built_in.size, options.scale, config.threads)};
}

}  // namespace pisr
