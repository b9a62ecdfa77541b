#include "tools/upscale_jobs.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "pisr/image/image_io.h"
#include "tools/output_name.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// Which folder a path leads to, through links.
using FolderId = std::pair<dev_t, ino_t>;

std::optional<FolderId> folder_id(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  return FolderId{status.st_dev, status.st_ino};
}

UpscaleJob failed_job(const fs::path& input, const Error& failure) {
  UpscaleJob job;
  job.input = input;
  job.status = JobStatus::failed;
  job.failure = failure;
  return job;
}

/// Reads folders.
class FolderWalk {
 public:
  FolderWalk(bool recursive, const std::string& output, UpscaleJobs& jobs)
      : recursive_(recursive), output_(folder_id(output)), jobs_(jobs) {}

  void read(const fs::path& folder, const fs::path& within) {
    const std::optional<FolderId> id = folder_id(folder);
    if (!id) {
      jobs_.jobs.push_back(failed_job(
          folder, {ErrorKind::input, message("cannot read the folder '", folder.string(), "'")}));
      return;
    }
    if (!within.empty() && id == output_) {
      jobs_.warnings.push_back(
          message("'", folder.string(), "' is the output folder: its images are not enlarged"));
      return;
    }
    if (std::ranges::find(above_, *id) != above_.end()) {
      jobs_.warnings.push_back(
          message("'", folder.string(), "' leads to a folder above it: it is not followed"));
      return;
    }
    above_.push_back(*id);
    try {
      read_images(folder, within);
      if (recursive_) {
        for (const fs::path& inner : list_folders(folder)) {
          read(inner, within / inner.filename());
        }
      }
    } catch (const Error& failure) {
      jobs_.jobs.push_back(failed_job(folder, failure));
    }
    above_.pop_back();
  }

 private:
  void read_images(const fs::path& folder, const fs::path& within) {
    for (const fs::path& image : list_images(folder)) {
      UpscaleJob& job = jobs_.jobs.emplace_back();
      job.input = image;
      job.within = within;
    }
    // What list_images() does not take for a file may have been meant as one.
    std::vector<fs::path> dangling;
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      std::error_code none;
      if (entry->is_symlink(none) && !entry->exists(none) && has_image_extension(entry->path()) &&
          !entry->path().filename().native().starts_with('.')) {
        dangling.push_back(entry->path());
      }
    }
    std::ranges::sort(dangling);
    for (const fs::path& link : dangling) {
      jobs_.jobs.push_back(failed_job(
          link, {ErrorKind::input,
                 message("cannot read '", link.string(), "': the link leads to no file")}));
    }
  }

  bool recursive_;
  std::optional<FolderId> output_;
  UpscaleJobs& jobs_;
  std::vector<FolderId> above_;  ///< the folder that is read and those on the way to it
};

/// Whether sub-folders of `folder` hold images.
bool has_images_below(const fs::path& folder) {
  std::error_code none;
  return std::ranges::any_of(list_folders(folder), [](const fs::path& inner) {
    return ::access(inner.c_str(), R_OK | X_OK) == 0 && !list_images(inner).empty();
  });
}

/// Throws where `folder` cannot be made or written to; `dry`: without trying.
void check_output_folder(const fs::path& folder, bool dry) {
  std::error_code none;
  fs::path there = fs::absolute(folder, none);
  while (!fs::exists(there, none) && there.has_parent_path() && there != there.parent_path()) {
    there = there.parent_path();
  }
  if (!fs::is_directory(there, none)) {
    throw Error(ErrorKind::output, message("cannot write into '", folder.string(), "': '",
                                           there.string(), "' is no folder"));
  }
  if (dry) {
    if (::access(there.c_str(), W_OK | X_OK) != 0) {
      throw Error(ErrorKind::output, message("cannot write into '", there.string(), "'"));
    }
    return;
  }
  check_writable(there / "any");
}

/// One path for each file, whatever links and dots lead to it, and whether it is there or not.
fs::path identity(const fs::path& path) {
  std::error_code failure;
  const fs::path canonical = fs::weakly_canonical(path, failure);
  return failure ? fs::absolute(path, failure).lexically_normal() : canonical;
}

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

/// Throws where two jobs would write one file, or one replaces what another reads.
void check_collisions(bool overwrite, UpscaleJobs& jobs) {
  std::map<fs::path, const UpscaleJob*> writers;
  std::map<std::string, const UpscaleJob*> alike;
  int differ_by_case = 0;
  for (const UpscaleJob& job : jobs.jobs) {
    if (job.status == JobStatus::failed) {
      continue;
    }
    const fs::path path = identity(job.output);
    const auto [other, is_new] = writers.emplace(path, &job);
    if (!is_new) {
      throw Error(ErrorKind::usage,
                  message("'", other->second->input.string(), "' and '", job.input.string(),
                          "' would both be written to '", job.output.string(), "'"),
                  "--name with {name} keeps extensions apart; folders can be done one by one");
    }
    const auto [similar, differs] = alike.emplace(in_lower_case(path.native()), &job);
    if (!differs && differ_by_case++ == 0) {
      jobs.warnings.push_back(message("'", similar->second->output.string(), "' and '",
                                      job.output.string(),
                                      "' differ by case only: on some disks they are one file"));
    }
  }
  for (const UpscaleJob& job : jobs.jobs) {
    if (!overwrite || job.status == JobStatus::failed || job.input == kStdin) {
      continue;
    }
    const auto writer = writers.find(identity(job.input));
    if (writer != writers.end() && writer->second != &job) {
      throw Error(ErrorKind::usage,
                  message("'", writer->second->input.string(), "' would be written to '",
                          job.input.string(), "', which is an input too"),
                  "another output folder or --name");
    }
  }
}

/// The extension that an output in a folder gets.
std::string extension_for(const UpscaleCommand& command, const UpscaleJob& job) {
  if (!command.format.empty()) {
    return command.format;
  }
  if (job.input == kStdin) {
    throw Error(ErrorKind::usage, "the standard input has no name that tells the output's format",
                "-f png");
  }
  const std::string extension = job.input.extension().string();
  if (!has_image_extension(job.input)) {
    throw Error(ErrorKind::usage,
                message("the extension of '", job.input.string(), "' names no image format"),
                "-f png, or an output with an extension");
  }
  return extension.substr(1);
}

/// The output of a single input that goes to a file.
fs::path single_output(const UpscaleCommand& command) {
  const fs::path output = command.output;
  check_format(output);
  if (!command.format.empty() &&
      in_lower_case(output.extension().string()) != "." + in_lower_case(command.format)) {
    throw Error(ErrorKind::usage, message("-f ", command.format, " and the extension of '",
                                          output.string(), "' disagree"));
  }
  return output;
}

}  // namespace

bool is_folder(const UpscaleCommand& command, bool several) {
  std::error_code none;
  return !command.writes_to_stdout() &&
         (several || command.output.ends_with('/') || fs::is_directory(command.output, none));
}

UpscaleJobs find_jobs(const UpscaleCommand& command) {
  UpscaleJobs found;
  found.several = command.inputs.size() > 1;
  FolderWalk walk(command.recursive, command.output, found);
  for (const std::string& input : command.inputs) {
    std::error_code failure;
    const fs::file_status status = fs::status(input, failure);
    if (input != kStdin && fs::is_directory(status)) {
      found.several = true;
      const std::size_t before = found.jobs.size();
      walk.read(input, {});
      if (found.jobs.size() == before) {
        const Error none(
            ErrorKind::input, message("no images in the folder '", input, "'"),
            !command.recursive && has_images_below(input) ? "-r reads its sub-folders" : "");
        if (command.inputs.size() == 1) {
          throw none;
        }
        found.jobs.push_back(failed_job(input, none));
      }
    } else if (input != kStdin && !fs::exists(status)) {
      found.jobs.push_back(failed_job(
          input, {ErrorKind::input,
                  message("cannot read '", input, "': ",
                          status.type() == fs::file_type::not_found ? "no such file"
                                                                    : failure.message())}));
    } else {
      found.jobs.emplace_back().input = input;
    }
  }
  if (command.writes_to_stdout()) {
    if (found.several) {
      throw Error(ErrorKind::usage, "-o - takes one image, not a folder");
    }
    return found;
  }
  std::error_code none;
  if (found.several && !command.output.ends_with('/') && !fs::is_directory(command.output, none)) {
    if (fs::exists(command.output, none)) {
      throw Error(ErrorKind::output,
                  message("'", command.output, "' is no folder, which several inputs need"));
    }
    if (has_image_extension(command.output)) {
      throw Error(ErrorKind::usage,
                  command.inputs.size() == 1
                      ? message("'", command.inputs[0], "' is a folder, '", command.output,
                                "' the name of one image")
                      : message("'", command.output, "' is the name of one image, there are ",
                                command.inputs.size(), " inputs"),
                  message("'", command.output, "/' is a folder"));
    }
  }
  if (is_folder(command, found.several)) {
    check_output_folder(command.output, command.dry_run);
  }
  return found;
}

void name_outputs(const UpscaleCommand& command, int scale, const std::string& model,
                  UpscaleJobs& jobs) {
  const OutputName name(command.name);
  const bool folder = is_folder(command, jobs.several);
  if (!folder && command.name_is_told && !command.writes_to_stdout()) {
    throw Error(ErrorKind::usage, "--name is of output folders",
                message("'", command.output, "/' is a folder"));
  }
  for (UpscaleJob& job : jobs.jobs) {
    if (job.status == JobStatus::failed) {
      continue;
    }
    if (command.writes_to_stdout()) {
      job.output = kStdout;
      continue;
    }
    if (folder) {
      const fs::path input = job.input == kStdin ? fs::path("stdin") : job.input;
      job.output = fs::path(command.output) / job.within /
                   name.of({input, extension_for(command, job), scale, model});
      check_format(job.output);
    } else {
      job.output = single_output(command);
    }
  }
  if (command.writes_to_stdout()) {
    return;
  }
  check_collisions(command.overwrite, jobs);
  for (UpscaleJob& job : jobs.jobs) {
    std::error_code none;
    if (command.skip_existing && job.status == JobStatus::waiting && fs::exists(job.output, none)) {
      job.status = JobStatus::skipped;
    }
  }
}

}  // namespace pisr
