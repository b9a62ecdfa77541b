#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "tools/upscale_command.h"

namespace pisr {

enum class JobStatus {
  waiting,  ///< to be done, or left undone by a program that stopped
  done,
  skipped,  ///< its output was there
  failed
};

/// One image to be enlarged, and what became of it.
struct UpscaleJob {
  std::filesystem::path input;   ///< kStdin: the standard input; a folder that cannot be read
  std::filesystem::path within;  ///< the folder of the output below the output folder; may be empty
  std::filesystem::path output;  ///< kStdout: the standard output; empty where it failed before
  JobStatus status = JobStatus::waiting;
  std::optional<Error> failure;  ///< of a job that failed
  /// Of input and output; 0 where they are not known.
  struct Sizes {
    int input_width = 0;
    int input_height = 0;
    int width = 0;
    int height = 0;
  } sizes;
  std::int64_t frames = 0;  ///< of a video: how many were written
  double seconds = 0;
};

struct UpscaleJobs {
  std::vector<UpscaleJob> jobs;
  /// Whether the command names several inputs or a folder, so that one that fails is one of many.
  bool several = false;
  std::vector<std::string> warnings;
};

/// The images that the inputs name, in their order; those of a folder are sorted by name, its own
/// before those of its sub-folders. Hidden ones are passed over. A link to a folder above it is not
/// followed, nor is the output folder read, which is a warning. Inputs that cannot be read have
/// failed. Throws Error input where the only input is a folder without images, usage and output
/// where several inputs cannot be written to `command.output`.
UpscaleJobs find_jobs(const UpscaleCommand& command);

/// Sets the outputs of all jobs that have not failed, and skips those that are there if the command
/// says so. `model` stands for {model}. Throws Error usage for an unknown format, and where two
/// inputs would write one output, or one the input of another.
void name_outputs(const UpscaleCommand& command, int scale, const std::string& model,
                  UpscaleJobs& jobs);

/// Whether the output of the command is a folder, which need not be there yet.
bool is_folder(const UpscaleCommand& command, bool several);

}  // namespace pisr
