#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/safetensors.h"
#include "pisr/train/checkpoint.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

const std::vector<TrainingPhase> kAll{TrainingPhase::baseline, TrainingPhase::teacher,
                                      TrainingPhase::student};

Checkpoint example(TrainingPhase phase = TrainingPhase::student, std::int64_t iteration = 12) {
  Checkpoint checkpoint;
  checkpoint.phase = phase;
  checkpoint.iteration = iteration;
  checkpoint.adam_steps = 11;
  checkpoint.bad_steps = 1;
  checkpoint.best_iteration = 10;
  checkpoint.best_psnr = 100.0 / 3;
  checkpoint.best_ssim = 0.1 + 0.2;
  checkpoint.configuration = config_json(TrainConfig{});
  const float numbers[] = {1.5F, -0.0F, 1e-42F, 3.25F, 4, 5};
  checkpoint.tensors.emplace("weights.a", Tensor::from(std::span<const float>(numbers), {2, 3}));
  checkpoint.tensors.emplace("adam.first", Tensor::full({5}, 0.5));
  return checkpoint;
}

std::vector<char> read_bytes(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void write_bytes(const fs::path& path, const std::vector<char>& bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

TEST_CASE("checkpoint: everything comes back, bit for bit", "[checkpoint]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.safetensors";
  const Checkpoint before = example();
  write_checkpoint(path, before);
  const Checkpoint after = read_checkpoint(path);
  CHECK(after.phase == before.phase);
  CHECK(after.iteration == 12);
  CHECK(after.adam_steps == 11);
  CHECK(after.bad_steps == 1);
  CHECK(after.best_iteration == 10);
  CHECK(after.best_psnr == before.best_psnr);
  CHECK(after.best_ssim == before.best_ssim);
  CHECK(after.configuration == before.configuration);
  REQUIRE(after.tensors.size() == 2);
  for (const auto& [name, tensor] : before.tensors) {
    const Tensor& got = after.tensors.at(name);
    REQUIRE(got.shape() == tensor.shape());
    const auto* a = reinterpret_cast<const char*>(tensor.data<float>());
    const auto* b = reinterpret_cast<const char*>(got.data<float>());
    CHECK(std::equal(a, a + tensor.count() * 4, b));
  }
}

TEST_CASE("checkpoint: a flipped bit anywhere and a cut anywhere are found", "[checkpoint]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.safetensors";
  Checkpoint small = example();
  small.configuration = "{\"threads\": 1}";  // each of its bits is flipped too
  write_checkpoint(path, small);
  const std::vector<char> good = read_bytes(path);
  int accepted = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::vector<char> bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    write_bytes(path, bad);
    const Error error = thrown([&] { read_checkpoint(path); });
    if (error.kind() != ErrorKind::weights) {
      ++accepted;
    }
  }
  CHECK(accepted == 0);
  for (std::size_t size = 0; size < good.size(); size += 7) {
    write_bytes(path, {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
    CHECK(thrown([&] { read_checkpoint(path); }).kind() == ErrorKind::weights);
  }
  write_bytes(path, good);
  CHECK_NOTHROW(read_checkpoint(path));
}

TEST_CASE("checkpoint: other files are refused by name", "[checkpoint]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.safetensors";
  SafeTensors file;
  file.tensors.emplace("a", Tensor::zeros({1}));
  write_safetensors(path, file);
  CHECK(std::string(thrown([&] { read_checkpoint(path); }).what()) ==
        "checkpoint '" + path.string() + "': is not a checkpoint");
  file.metadata["format"] = "pisr checkpoint 99";
  write_safetensors(path, file);
  CHECK(contains(thrown([&] { read_checkpoint(path); }).what(), "is of another format version"));
  CHECK(thrown([&] { read_checkpoint(folder.path() / "absent"); }).kind() == ErrorKind::weights);
}

TEST_CASE("checkpoint: numbers that are not finite are never saved", "[checkpoint]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.safetensors";
  write_checkpoint(path, example());
  const std::vector<char> good = read_bytes(path);
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF, -HUGE_VALF}) {
    Checkpoint bad = example();
    bad.tensors.at("weights.a").data<float>()[5] = value;
    const Error error = thrown([&] { write_checkpoint(path, bad); });
    CHECK(error.kind() == ErrorKind::numeric);
    CHECK(contains(error.what(), "'weights.a' is not finite"));
    CHECK(read_bytes(path) == good);
  }
}

TEST_CASE("checkpoint: the newest valid one is found, and what was skipped is said",
          "[checkpoint]") {
  const TemporaryFolder folder;
  const auto put = [&](TrainingPhase phase, std::int64_t iteration) {
    fs::path path = folder.path() / checkpoint_name(phase, iteration);
    write_checkpoint(path, example(phase, iteration));
    return path;
  };
  CHECK(!find_newest_checkpoint(folder.path(), kAll).checkpoint);
  CHECK(!find_newest_checkpoint(folder.path() / "absent", kAll).checkpoint);
  put(TrainingPhase::teacher, 3000);
  put(TrainingPhase::student, 9);
  const fs::path middle = put(TrainingPhase::student, 10);
  const fs::path newest = put(TrainingPhase::student, 1'000'000'000'000);
  write_file_atomically(folder.path() / "student_x.safetensors", std::string_view("not ours"));
  write_file_atomically(folder.path() / ".pisr-1-2.tmp", std::string_view("left over"));

  FoundCheckpoint found = find_newest_checkpoint(folder.path(), kAll);
  REQUIRE(found.checkpoint);
  CHECK(found.path == newest);
  CHECK(found.checkpoint->iteration == 1'000'000'000'000);
  CHECK(found.skipped.empty());

  fs::resize_file(newest, fs::file_size(newest) - 1);
  std::vector<char> bytes = read_bytes(middle);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 4);
  write_bytes(middle, bytes);
  found = find_newest_checkpoint(folder.path(), kAll);
  REQUIRE(found.checkpoint);
  CHECK(found.path == folder.path() / checkpoint_name(TrainingPhase::student, 9));
  REQUIRE(found.skipped.size() == 2);
  CHECK(contains(found.skipped[0], newest.string()));
  CHECK(contains(found.skipped[1], "is damaged: its checksum does not fit"));

  CHECK(find_newest_checkpoint(folder.path(), {TrainingPhase::teacher}).path ==
        folder.path() / checkpoint_name(TrainingPhase::teacher, 3000));
  CHECK(!find_newest_checkpoint(folder.path(), {TrainingPhase::baseline}).checkpoint);
}

TEST_CASE("checkpoint: where all are damaged, none is an error and no fresh start",
          "[checkpoint]") {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / checkpoint_name(TrainingPhase::teacher, 5),
                        std::string_view("garbage"));
  const Error error = thrown([&] { find_newest_checkpoint(folder.path(), kAll); });
  CHECK(error.kind() == ErrorKind::weights);
  CHECK(contains(error.what(), "no valid checkpoint"));
  CHECK(error.hint() == "--overwrite starts over");
}

TEST_CASE("checkpoint: old ones are removed, later ones set aside", "[checkpoint]") {
  const TemporaryFolder folder;
  for (const std::int64_t iteration : {1, 2, 3, 4, 5}) {
    write_checkpoint(folder.path() / checkpoint_name(TrainingPhase::teacher, iteration),
                     example(TrainingPhase::teacher, iteration));
  }
  write_checkpoint(folder.path() / checkpoint_name(TrainingPhase::student, 1), example());
  prune_checkpoints(folder.path(), TrainingPhase::teacher, 2, 1);
  std::vector<std::int64_t> left;
  for (const CheckpointFile& file : list_checkpoints(folder.path(), kAll)) {
    left.push_back(file.iteration);
  }
  CHECK(left == std::vector<std::int64_t>{1, 4, 5, 1});
  supersede_checkpoints(folder.path(), {TrainingPhase::teacher, TrainingPhase::student},
                        TrainingPhase::teacher, 4);
  left.clear();
  for (const CheckpointFile& file : list_checkpoints(folder.path(), kAll)) {
    left.push_back(file.iteration);
  }
  CHECK(left == std::vector<std::int64_t>{1, 4});
  CHECK(fs::exists(folder.path() / (checkpoint_name(TrainingPhase::student, 1) + ".superseded")));
}

}  // namespace
}  // namespace pisr
