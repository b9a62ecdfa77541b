#pragma once

#include <map>
#include <string>

#include "pisr/train/training_data.h"

namespace pisr {

/// load_training_data for a configuration that names no folder. Images of one kind are made only
/// once a program: making them takes longer than what most tests do with them.
inline const TrainingData& training_images(const TrainConfig& config) {
  static std::map<std::string, TrainingData> made;
  TrainConfig images;  // what the images depend on, and nothing else
  images.data = config.data;
  images.network.scale = config.network.scale;
  const std::string key = config_json(images);
  const auto found = made.find(key);
  return found != made.end() ? found->second
                             : made.emplace(key, load_training_data(config)).first->second;
}

}  // namespace pisr
