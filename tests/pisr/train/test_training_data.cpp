// Which images a configuration names.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/train/training_data.h"
#include "tests/catch.h"
#include "tests/pisr/train/small_run.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_of(const Dataset& data) {
  std::vector<std::string> names;
  for (const ImagePair& pair : data.images) {
    names.push_back(pair.name);
  }
  return names;
}

TEST_CASE("training data: built-in images are as many, as large and of the seed that is named",
          "[training_data]") {
  const TrainingData data = load_training_data(
      smallest_config({"data.built_in.count=3", "data.built_in.validation_count=2",
                       "data.built_in.size=28", "data.built_in.seed=7"}));
  REQUIRE(data.train.images.size() == 3);
  REQUIRE(data.validation.data.images.size() == 2);
  CHECK(data.train.scale == 2);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(data.train.images[i].high.samples == dead_leaves(7, i, 28, 28).samples);
    CHECK(data.train.images[i].low.width == 14);
  }
  for (const ImagePair& pair : data.validation.data.images) {
    CHECK(pair.high.width == 28);
  }
}

TEST_CASE("training data: no built-in image is both trained on and held out", "[training_data]") {
  // More to train on than to hold out, and the reverse: neither may run into the other.
  for (const auto& [count, held_out] : {std::pair(3, 2), std::pair(1, 3)}) {
    const TrainConfig config =
        smallest_config({"data.built_in.size=16", "data.built_in.count=" + std::to_string(count),
                         "data.built_in.validation_count=" + std::to_string(held_out)});
    const TrainingData data = load_training_data(config);
    const EvaluationSet again = load_validation_set(config);
    std::set<std::vector<std::uint8_t>> images;
    for (const ImagePair& pair : data.train.images) {
      images.insert(pair.high.samples);
    }
    for (const ImagePair& pair : data.validation.data.images) {
      images.insert(pair.high.samples);
    }
    CHECK(images.size() == static_cast<std::size_t>(count) + static_cast<std::size_t>(held_out));
    REQUIRE(again.data.images.size() == data.validation.data.images.size());
    CHECK(again.data.images[1].high.samples == data.validation.data.images[1].high.samples);
    // They are of the seed too.
    const EvaluationSet other = load_validation_set(smallest_config(
        {"data.built_in.size=16", "data.built_in.validation_count=2", "data.built_in.seed=1"}));
    CHECK(other.data.images[0].high.samples != again.data.images[0].high.samples);
  }
}

TEST_CASE("training data: folders to train on, to validate on, and names to leave out",
          "[training_data]") {
  const TemporaryFolder folder;
  const auto make = [&](const std::string& set, const std::vector<std::string>& names) {
    fs::create_directories(folder.path() / set);
    for (std::size_t i = 0; i < names.size(); ++i) {
      write_image(folder.path() / set / (names[i] + ".png"), dead_leaves(1, i, 24, 24));
    }
    return (folder.path() / set).string();
  };
  const std::string one = make("one", {"a", "b", "c"});
  const std::string two = make("two", {"d", "e"});
  const std::string seen = make("seen", {"v", "a"});
  const auto list = [](const std::vector<std::string>& texts) {
    std::string json = "[";
    for (const std::string& text : texts) {
      json += (json.size() > 1 ? ", \"" : "\"") + text + "\"";
    }
    return json + "]";
  };
  const TrainingData data = load_training_data(
      smallest_config({"data.train=" + list({one, two}), "data.validation=" + list({seen}),
                       "data.exclude=" + list({"a", "e"})}));
  using Names = std::vector<std::string>;
  CHECK(names_of(data.train) == Names{"b", "c", "d"});
  CHECK(data.train.excluded.size() == 2);
  CHECK(data.validation.name == "seen");
  CHECK(names_of(data.validation.data) == Names{"a", "v"});  // what is left out is not trained on
  const TrainingData both = load_training_data(
      smallest_config({"data.validation=" + list({one, two}), "network.scale=4"}));
  CHECK(both.train.images.size() == 3);
  CHECK(both.train.images[0].low.width == 8);
  CHECK(both.validation.name == "validation");
  CHECK(names_of(both.validation.data) == Names{"a", "b", "c", "d", "e"});
  CHECK(both.validation.data.images[0].low.width == 6);
  // Images smaller than the patch are left out by its size.
  write_image(fs::path(two) / "f.png", dead_leaves(1, 9, 16, 24));
  CHECK(names_of(
            load_training_data(smallest_config({"data.train=" + list({two}), "train.gt_size=16"}))
                .train) == Names{"d", "e", "f"});
  CHECK(names_of(
            load_training_data(smallest_config({"data.train=" + list({two}), "train.gt_size=18"}))
                .train) == Names{"d", "e"});
}

}  // namespace
}  // namespace pisr
