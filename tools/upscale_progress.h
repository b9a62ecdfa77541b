#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "tools/progress.h"
#include "tools/upscale_jobs.h"

namespace pisr {

/// Prints how far pisr_upscale has come, and what it has to say beside: all output to stderr goes
/// through it, so that no line is broken by another. Several threads may use it.
class UpscaleProgress {
 public:
  /// `verbose` makes `automatic` a log. `quiet` leaves errors alone.
  UpscaleProgress(ProgressStyle style, bool quiet, bool verbose);
  /// Ends the line being overwritten, if there is one.
  ~UpscaleProgress();
  UpscaleProgress(const UpscaleProgress&) = delete;
  UpscaleProgress& operator=(const UpscaleProgress&) = delete;

  void warn(const std::string& text);
  void note(const std::string& text);
  /// With --verbose alone.
  void say(const std::string& text);
  void error(const Error& error);

  /// So many images are to be done.
  void begin(std::size_t images);
  /// Of the image being done, rows of its output.
  void rows(std::int64_t done, std::int64_t all);
  void image(const UpscaleJob& job);
  /// Frames are written, of `all` if that is known, each of so many pixels.
  void frames(std::int64_t done, std::optional<std::int64_t> all, std::int64_t pixels);

 private:
  // To be called while `mutex_` is held:
  void line(const std::string& text);
  void clear();
  double elapsed() const;
  double eta(double done, double all) const;

  std::mutex mutex_;
  ProgressStyle style_;
  bool quiet_;
  bool verbose_;
  bool drawn_ = false;
  double started_;
  double last_ = 0;  ///< seconds, of the last line about a part
  std::size_t images_ = 0;
  std::size_t ended_ = 0;  ///< of the images, those done, skipped or failed
  std::size_t worked_ = 0;
  double pixels_ = 0;  ///< of the outputs of those done
};

/// "done", "skipped", "failed"; "stopped" of one that waits.
const char* name(JobStatus status);

}  // namespace pisr
