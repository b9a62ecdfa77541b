#include "pisr/train/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "core/checksum.h"
#include "core/error.h"
#include "core/safetensors.h"

namespace pisr {

namespace {

constexpr const char* kFormat = "pisr checkpoint 1";

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return with_type(tensor.dtype(), [&]<class T>() {
    return std::as_bytes(std::span<const T>(tensor.values<T>()));
  });
}

/// Over everything but the checksum itself.
std::string checksum(const SafeTensors& file) {
  Checksum sum;
  for (const auto& [key, value] : file.metadata) {
    if (key != "checksum") {
      sum.add(key);
      sum.add(value);
    }
  }
  for (const auto& [name, tensor] : file.tensors) {
    sum.add(name);
    sum.add(message(tensor));
    sum.add(bytes_of(tensor));
  }
  return sum.text();
}

std::string exact(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), end.ptr};
}

/// Reads entries of the metadata.
class Entries {
 public:
  Entries(const SafeTensors& file, const std::string& path) : file_(file), path_(path) {}

  const std::string& text(const std::string& key) const {
    const auto found = file_.metadata.find(key);
    if (found == file_.metadata.end()) {
      fail("entry '" + key + "' is missing");
    }
    return found->second;
  }
  std::string text_or(const std::string& key, const std::string& otherwise) const {
    const auto found = file_.metadata.find(key);
    return found == file_.metadata.end() ? otherwise : found->second;
  }
  template <class Number>
  Number number(const std::string& key) const {
    const std::string& digits = text(key);
    Number value{};
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) {
      fail("entry '" + key + "' is not a number");
    }
    return value;
  }
  TrainingPhase phase(const std::string& key) const {
    for (const TrainingPhase phase : kTrainingPhases) {
      if (text(key) == phase_name(phase)) {
        return phase;
      }
    }
    fail("entry '" + key + "' is not a phase");
  }
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::weights, "checkpoint '" + path_ + "': " + why);
  }

 private:
  const SafeTensors& file_;
  const std::string& path_;
};

SafeTensors file_of(const Checkpoint& checkpoint) {
  SafeTensors file;
  file.tensors = checkpoint.tensors;
  file.metadata = {{"format", kFormat},
                   {"phase", phase_name(checkpoint.phase)},
                   {"iteration", std::to_string(checkpoint.iteration)},
                   {"adam_steps", std::to_string(checkpoint.adam_steps)},
                   {"bad_steps", std::to_string(checkpoint.bad_steps)},
                   {"best_iteration", std::to_string(checkpoint.best_iteration)},
                   {"best_psnr", exact(checkpoint.best_psnr)},
                   {"best_ssim", exact(checkpoint.best_ssim)},
                   {"validation", checkpoint.validation},
                   {"configuration", checkpoint.configuration}};
  if (checkpoint.earlier_updates > 0) {
    file.metadata["earlier_updates"] = std::to_string(checkpoint.earlier_updates);
  }
  if (checkpoint.validation_due) {
    file.metadata["validation_due"] = "true";
  }
  file.metadata["checksum"] = checksum(file);
  return file;
}

/// `name` is what errors call the file.
Checkpoint checkpoint_of(SafeTensors file, const std::string& name) {
  const Entries entries(file, name);
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat) {
    entries.fail(format == file.metadata.end() ? "is not a checkpoint"
                                               : "is of another format version");
  }
  if (entries.text("checksum") != checksum(file)) {
    entries.fail("is damaged: its checksum does not fit");
  }
  Checkpoint checkpoint;
  checkpoint.phase = entries.phase("phase");
  checkpoint.iteration = entries.number<std::int64_t>("iteration");
  if (file.metadata.contains("earlier_updates")) {
    checkpoint.earlier_updates = entries.number<std::int64_t>("earlier_updates");
    if (checkpoint.earlier_updates < 0 || checkpoint.earlier_updates > kMostUpdates) {
      entries.fail("earlier_updates is no number of updates");
    }
  }
  checkpoint.adam_steps = entries.number<std::int64_t>("adam_steps");
  checkpoint.bad_steps = entries.number<int>("bad_steps");
  checkpoint.best_iteration = entries.number<std::int64_t>("best_iteration");
  checkpoint.best_psnr = entries.number<double>("best_psnr");
  checkpoint.best_ssim = entries.number<double>("best_ssim");
  // Checkpoints of former versions do not say it: what they measured is then measured again.
  checkpoint.validation = entries.text_or("validation", "");
  checkpoint.validation_due = file.metadata.contains("validation_due");
  checkpoint.configuration = entries.text("configuration");
  checkpoint.tensors = std::move(file.tensors);
  return checkpoint;
}

bool contains(const std::vector<TrainingPhase>& phases, TrainingPhase phase) {
  return std::find(phases.begin(), phases.end(), phase) != phases.end();
}

std::optional<CheckpointFile> parse_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  const std::size_t underscore = stem.rfind('_');
  if (path.extension() != ".safetensors" || underscore == std::string::npos) {
    return std::nullopt;
  }
  std::int64_t iteration = 0;
  const char* end = stem.data() + stem.size();
  const auto result = std::from_chars(stem.data() + underscore + 1, end, iteration);
  if (result.ec != std::errc() || result.ptr != end || iteration < 0) {
    return std::nullopt;
  }
  for (const TrainingPhase phase : kTrainingPhases) {
    if (path.filename() == checkpoint_name(phase, iteration)) {
      return CheckpointFile{path, phase, iteration};
    }
  }
  return std::nullopt;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!all_finite(tensor)) {
      throw Error(ErrorKind::numeric,
                  message("checkpoint of ", phase_name(checkpoint.phase), " iteration ",
                          checkpoint.iteration, ": '", name, "' is not finite; not written"));
    }
  }
  write_safetensors(path, file_of(checkpoint));
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  return checkpoint_of(read_safetensors(path), path.string());
}

std::vector<std::byte> serialise_checkpoint(const Checkpoint& checkpoint) {
  return serialise_safetensors(file_of(checkpoint));
}

Checkpoint parse_checkpoint(std::span<const std::byte> bytes, const std::string& name) {
  return checkpoint_of(parse_safetensors(bytes, name), name);
}

bool is_checkpoint(const std::filesystem::path& path) {
  try {
    return read_safetensors(path).metadata["format"].starts_with("pisr checkpoint");
  } catch (const Error&) {
    return false;
  }
}

std::string checkpoint_name(TrainingPhase phase, std::int64_t iteration) {
  std::string digits = std::to_string(iteration);
  digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
  return std::string(phase_name(phase)) + "_" + digits + ".safetensors";
}

std::vector<CheckpointFile> list_checkpoints(const std::filesystem::path& folder,
                                             const std::vector<TrainingPhase>& wanted) {
  std::vector<CheckpointFile> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (auto file = parse_name(entry->path()); file && contains(wanted, file->phase)) {
      files.push_back(std::move(*file));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(ErrorKind::weights,
                "cannot read folder '" + folder.string() + "': " + error.message());
  }
  std::sort(files.begin(), files.end(), [](const CheckpointFile& a, const CheckpointFile& b) {
    return std::pair(a.phase, a.iteration) < std::pair(b.phase, b.iteration);
  });
  return files;
}

FoundCheckpoint find_newest_checkpoint(const std::filesystem::path& folder,
                                       const std::vector<TrainingPhase>& wanted) {
  FoundCheckpoint found;
  const std::vector<CheckpointFile> files = list_checkpoints(folder, wanted);
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    try {
      found.checkpoint = read_checkpoint(file->path);
      found.path = file->path;
      return found;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::weights) {
        throw;
      }
      found.skipped.push_back(error.what());
    }
  }
  if (!files.empty()) {
    throw Error(ErrorKind::weights,
                "no valid checkpoint in '" + folder.string() + "': " + found.skipped.front(),
                "--overwrite starts over");
  }
  return found;
}

void supersede_checkpoints(const std::filesystem::path& folder,
                           const std::vector<TrainingPhase>& wanted, TrainingPhase phase,
                           std::int64_t iteration) {
  for (const CheckpointFile& file : list_checkpoints(folder, wanted)) {
    if (std::pair(file.phase, file.iteration) <= std::pair(phase, iteration)) {
      continue;
    }
    std::error_code error;
    std::filesystem::rename(file.path, file.path.string() + ".superseded", error);
    if (error) {
      throw Error(ErrorKind::output,
                  "cannot rename '" + file.path.string() + "': " + error.message());
    }
  }
}

void prune_checkpoints(const std::filesystem::path& folder, TrainingPhase phase, int keep,
                       std::int64_t last) {
  std::vector<CheckpointFile> files = list_checkpoints(folder, {phase});
  std::erase_if(files, [&](const CheckpointFile& file) { return file.iteration == last; });
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < files.size(); ++i) {
    std::error_code ignored;  // A checkpoint too many does no harm.
    std::filesystem::remove(files[i].path, ignored);
  }
}

}  // namespace pisr
