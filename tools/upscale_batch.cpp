#include "tools/upscale_batch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include "core/joining_thread.h"
#include "core/printable.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"
#include "pisr/inference/file_upscaler.h"
#include "tools/interruption.h"
#include "tools/program.h"
#include "tools/upscale_command.h"
#include "tools/upscale_pipe.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// Whether all other jobs would fail in the same way.
bool ends_all(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const NoSpaceError&) {
    return true;
  } catch (const Error& error) {
    return error.kind() == ErrorKind::device;
  } catch (...) {
    return false;
  }
}

/// The error with the input's name in front, where it names neither input nor output.
Error naming(const UpscaleJob& job, const Error& error) {
  const std::string text = error.what();
  const auto names = [&](const fs::path& path) {
    return !path.empty() && text.find("'" + path.string() + "'") != std::string::npos;
  };
  if (names(job.input) || names(job.output) || job.input == kStdin) {
    return error;
  }
  return {error.kind(), message("'", job.input.string(), "': ", text), error.hint()};
}

/// A line on stderr; hints, which are alike, only where there is one job.
void say_failure(const UpscaleJobs& jobs, const Error& failure, UpscaleProgress& progress) {
  progress.error(jobs.several ? Error(failure.kind(), failure.what()) : failure);
}

int exit_code(const UpscaleJobs& jobs) {
  const auto failed = std::ranges::count(jobs.jobs, JobStatus::failed, &UpscaleJob::status);
  if (failed == 0) {
    return 0;
  }
  if (!jobs.several) {
    return static_cast<int>(jobs.jobs.front().failure->kind());
  }
  std::cerr << kUpscaleProgram << ": " << failed << " of " << jobs.jobs.size()
            << " inputs failed\n";
  return 1;
}

void make_folder_of(const fs::path& output) {
  std::error_code failure;
  fs::create_directories(output.parent_path(), failure);
  if (failure) {
    throw Error(ErrorKind::output,
                message("cannot write '", output.string(), "': its folder: ", failure.message()));
  }
}

/// False where it was cancelled.
bool enlarge(Context& context, const SrNetwork& network, const UpscaleCommand& command,
             bool into_folder, const UpscaleJob& job, const UpscaleOptions& options) {
  if (into_folder) {
    make_folder_of(job.output);
  }
  if (job.input == kStdin || job.output == kStdout) {
    return upscale_pipe(context, network, job, command.format, options);
  }
  return upscale_file(context, network, job.input, job.output, options);
}

/// The jobs, done by one thread or two: while one waits for a file or has little to do at the ends
/// of an image, the other computes. What becomes of the jobs is reported in their order.
class JobLanes {
 public:
  JobLanes(const SrNetwork& network, const UpscaleCommand& command, UpscaleJobs& jobs,
           UpscaleProgress& progress)
      : network_(network),
        command_(command),
        jobs_(jobs),
        progress_(progress),
        into_folder_(is_folder(command, jobs.several)),
        ended_(jobs.jobs.size(), false) {}

  /// Does jobs until there are none, in a context of the thread's own.
  void run(Context& context) {
    UpscaleOptions options = upscale_options(command_, progress_);
    options.cancelled = [this] { return stopped_ || Interruption::signal() != 0; };
    while (const auto index = next()) {
      UpscaleJob job = jobs_.jobs[*index];
      const auto start = std::chrono::steady_clock::now();
      bool ends = false;
      if (job.status == JobStatus::waiting) {
        options.started = [&job](const ImageInfo& image, const ImageInfo& large) {
          job.sizes = {image.width, image.height, large.width, large.height};
        };
        try {
          if (!enlarge(context, network_, command_, into_folder_, job, options)) {
            return;
          }
          job.status = JobStatus::done;
        } catch (...) {
          const std::exception_ptr failure = std::current_exception();
          ends = ends_all(failure);
          job.failure = naming(job, described(kUpscaleProgram, failure));
          job.status = JobStatus::failed;
        }
      }
      job.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      end(*index, std::move(job), ends);
    }
  }

  /// After all threads: reports what ended behind a job that was stopped.
  void report_rest() {
    for (; reported_ < ended_.size(); ++reported_) {
      if (ended_[reported_]) {
        report(jobs_.jobs[reported_]);
      }
    }
  }

  std::optional<ErrorKind> what_ended_all() const { return what_ended_all_; }

 private:
  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (stopped_ || Interruption::signal() != 0 || next_ == jobs_.jobs.size()) {
      return std::nullopt;
    }
    return next_++;
  }

  void end(std::size_t index, UpscaleJob job, bool ends) {
    const std::lock_guard lock(mutex_);
    if (ends && what_ended_all_) {
      return;  // the same failure, of a job that would have been stopped
    }
    if (ends) {
      what_ended_all_ = job.failure->kind();
      stopped_ = true;
    }
    jobs_.jobs[index] = std::move(job);
    ended_[index] = true;
    for (; reported_ < ended_.size() && ended_[reported_]; ++reported_) {
      report(jobs_.jobs[reported_]);
    }
  }

  void report(const UpscaleJob& job) {
    if (job.failure) {
      say_failure(jobs_, *job.failure, progress_);
    }
    progress_.image(job);
  }

  const SrNetwork& network_;
  const UpscaleCommand& command_;
  UpscaleJobs& jobs_;
  UpscaleProgress& progress_;
  bool into_folder_;
  std::mutex mutex_;  ///< of what follows, and of the jobs
  std::vector<bool> ended_;
  std::size_t next_ = 0;
  std::size_t reported_ = 0;
  std::optional<ErrorKind> what_ended_all_;
  std::atomic<bool> stopped_{false};
};

/// Reads the header of an input.
UpscaleJob::Sizes planned_sizes(const UpscaleCommand& command, int scale, const UpscaleJob& job) {
  std::error_code none;
  if (job.output != kStdout && !command.overwrite && fs::exists(job.output, none)) {
    throw Error(ErrorKind::output, message("'", job.output.string(), "' exists"),
                "--overwrite replaces it");
  }
  if (job.input == kStdin) {
    return {};
  }
  ReadOptions limits;
  limits.max_pixels = command.max_pixels;
  limits.scale = scale;
  const auto source = file_source(job.input);
  const auto reader = open_image(*source, job.input.string(), limits);
  const ImageInfo& info = reader->info();
  return {info.width, info.height, info.width * scale, info.height * scale};
}

}  // namespace

int run_jobs(Context& context, const SrNetwork& network, const UpscaleCommand& command,
             UpscaleJobs& jobs, UpscaleProgress& progress) {
  progress.begin(jobs.jobs.size());
  JobLanes lanes(network, command, jobs, progress);
  ThreadPool* const pool = context.pool();
  const bool two =
      jobs.jobs.size() > 1 && context.device() == nullptr && pool != nullptr && pool->threads() > 1;
  if (two) {
    Context other(*pool, context.backend());
    const JoiningThread second([&] { lanes.run(other); });
    lanes.run(context);
  } else {
    lanes.run(context);
  }
  lanes.report_rest();
  if (const auto ended = lanes.what_ended_all()) {
    return static_cast<int>(*ended);
  }
  if (Interruption::signal() != 0) {
    std::cerr << kUpscaleProgram << ": stopped\n";
    return Interruption::exit_code();
  }
  return exit_code(jobs);
}

int plan_jobs(const UpscaleCommand& command, int scale, UpscaleJobs& jobs,
              UpscaleProgress& progress) {
  for (UpscaleJob& job : jobs.jobs) {
    if (job.status == JobStatus::waiting) {
      try {
        job.sizes = planned_sizes(command, scale, job);
      } catch (...) {
        job.failure = naming(job, described(kUpscaleProgram, std::current_exception()));
        job.status = JobStatus::failed;
      }
    }
    if (job.failure) {
      say_failure(jobs, *job.failure, progress);
    } else if (job.status == JobStatus::waiting && command.report != kStdout) {
      std::cout << printable(message("'", job.input.string(), "' -> '", job.output.string(), "'",
                                     job.sizes.width > 0
                                         ? message(" ", job.sizes.width, "x", job.sizes.height)
                                         : ""))
                << '\n';
    }
  }
  return exit_code(jobs);
}

}  // namespace pisr
