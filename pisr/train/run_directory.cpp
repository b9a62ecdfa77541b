#include "pisr/train/run_directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "pisr/train/checkpoint.h"

namespace pisr {

namespace {

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path,
                       const std::string& why, const std::string& hint = "") {
  throw Error(ErrorKind::output, what + " '" + path.string() + "': " + why, hint);
}

/// What write_file_atomically leaves when the process is killed.
bool is_temporary(const std::string& file) {
  return file.rfind(".pisr-", 0) == 0 && file.size() > 4 &&
         file.compare(file.size() - 4, 4, ".tmp") == 0;
}

/// Removes the files of `folder` that `is_ours` accepts.
template <class Predicate>
void remove_files(const std::filesystem::path& folder, Predicate is_ours) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_ours(entry->path().filename().string())) {
      files.push_back(entry->path());
    }
  }
  for (const std::filesystem::path& file : files) {
    if (!std::filesystem::remove(file, error) && error) {
      fail("cannot remove", file, error.message());
    }
  }
}

}  // namespace

AppendFile::AppendFile(const std::filesystem::path& path)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    fail("cannot write", path_, std::strerror(errno));
  }
}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

void AppendFile::append(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(descriptor_, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) {
      fail("cannot write", path_, std::strerror(errno));
    }
    done += written < 0 ? 0 : static_cast<std::size_t>(written);
  }
}

bool AppendFile::empty() const {
  struct stat status {};
  return ::fstat(descriptor_, &status) == 0 && status.st_size == 0;
}

RunDirectory::RunDirectory(const std::filesystem::path& path, RunMode mode)
    : path_(path), mode_(mode) {
  std::error_code error;
  for (std::filesystem::path folder = path_;
       !folder.empty() && !std::filesystem::exists(folder, error); folder = folder.parent_path()) {
    made_.push_back(folder);
  }
  std::filesystem::create_directories(path_, error);
  if (error) {
    fail("cannot make run directory", path_, error.message());
  }
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) {
    fail("cannot open run directory", path_, std::strerror(errno));
  }
  try {
    if (::access(path_.c_str(), W_OK | X_OK) != 0) {
      fail("cannot write run directory", path_, std::strerror(errno));
    }
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      fail("run directory", path_, "another run is using it");
    }
    if (mode == RunMode::fresh && !std::filesystem::is_empty(path_, error)) {
      fail("run directory", path_, "is not empty",
           "--resume auto continues the run in it, --overwrite starts over");
    }
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

RunDirectory::~RunDirectory() {
  ::close(lock_);
  for (const std::filesystem::path& folder : made_) {
    ::rmdir(folder.c_str());  // Fails, as it should, where there is something in it.
  }
}

void RunDirectory::start_over(const std::vector<TrainingPhase>& phases) const {
  remove_files(path_, [&](const std::string& file) {
    return std::any_of(phases.begin(), phases.end(), [&](TrainingPhase phase) {
      return file == best_weights(phase).filename() || file == last_weights(phase).filename();
    });
  });
  remove_files(checkpoints(), [&](const std::string& file) {
    return std::any_of(phases.begin(), phases.end(), [&](TrainingPhase phase) {
      return file.rfind(std::string(phase_name(phase)) + "_", 0) == 0 &&
             file.find(".safetensors") != std::string::npos;
    });
  });
  for (const TrainingPhase phase : kTrainingPhases) {
    if (std::filesystem::exists(best_weights(phase)) ||
        !list_checkpoints(checkpoints(), {phase}).empty()) {
      return;
    }
  }
  remove_files(path_, [](const std::string& file) {
    return file == "config.json" || file == "train.log" || file == "metrics.csv" ||
           file == "report.html";
  });
  remove_files(tensorboard(),
               [](const std::string& file) { return file.rfind("events.out.tfevents.", 0) == 0; });
  std::error_code not_empty;
  std::filesystem::remove(checkpoints(), not_empty);
  std::filesystem::remove(tensorboard(), not_empty);
}

void RunDirectory::remove_temporaries() const {
  remove_files(path_, is_temporary);
  remove_files(checkpoints(), is_temporary);
}

std::filesystem::path RunDirectory::best_weights(TrainingPhase phase) const {
  return path_ / (std::string(phase_name(phase)) + ".safetensors");
}

std::filesystem::path RunDirectory::last_weights(TrainingPhase phase) const {
  return path_ / (std::string(phase_name(phase)) + "_last.safetensors");
}

}  // namespace pisr
