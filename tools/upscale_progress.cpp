#include "tools/upscale_progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/printable.h"
#include "tools/program.h"
#include "tools/table.h"

namespace pisr {
namespace {

using Json = nlohmann::ordered_json;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// "1:02:03", "2:03".
std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(std::clamp(seconds, 0.0, 1e9)));
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::int64_t hours = whole / 3600;
  const std::string minutes = hours > 0 ? two(whole / 60 % 60) : std::to_string(whole / 60);
  return (hours > 0 ? std::to_string(hours) + ":" : "") + minutes + ":" + two(whole % 60);
}

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

void print(const Json& event) {
  std::cout << event.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace

const char* name(JobStatus status) {
  switch (status) {
    case JobStatus::done:
      return "done";
    case JobStatus::skipped:
      return "skipped";
    case JobStatus::failed:
      return "failed";
    case JobStatus::waiting:
      break;
  }
  return "stopped";
}

UpscaleProgress::UpscaleProgress(ProgressStyle style, bool quiet, bool verbose)
    : style_(style), quiet_(quiet), verbose_(verbose && !quiet), started_(seconds_now()) {
  if (quiet_) {
    style_ = ProgressStyle::none;
  } else if (style_ == ProgressStyle::automatic) {
    style_ = verbose_                       ? ProgressStyle::log
             : ::isatty(STDERR_FILENO) != 0 ? ProgressStyle::line
                                            : ProgressStyle::none;
  }
}

UpscaleProgress::~UpscaleProgress() {
  const std::lock_guard lock(mutex_);
  clear();
}

void UpscaleProgress::warn(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (!quiet_) {
    clear();
    pisr::warn(kUpscaleProgram, text);
  }
}

void UpscaleProgress::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (!quiet_) {
    clear();
    pisr::note(kUpscaleProgram, text);
  }
}

void UpscaleProgress::say(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (verbose_) {
    clear();
    std::cerr << kUpscaleProgram << ": " << printable(text) << '\n';
  }
}

void UpscaleProgress::error(const Error& error) {
  const std::lock_guard lock(mutex_);
  clear();
  print_error(kUpscaleProgram, error);
}

void UpscaleProgress::begin(std::size_t images) {
  const std::lock_guard lock(mutex_);
  images_ = images;
  started_ = seconds_now();
}

void UpscaleProgress::rows(std::int64_t done, std::int64_t all) {
  const std::lock_guard lock(mutex_);
  constexpr double kRedrawSeconds = 0.2;
  if (style_ != ProgressStyle::line || seconds_now() - last_ < kRedrawSeconds || all < 1) {
    return;
  }
  const double part = static_cast<double>(done) / static_cast<double>(all);
  const double remaining =
      eta(static_cast<double>(worked_) + part, static_cast<double>(images_ - ended_ + worked_));
  line(message(ended_, "/", images_, ", ", std::lround(100 * part), " % of the next",
               std::isfinite(remaining) ? ", ETA " + clock_text(remaining) : ""));
}

void UpscaleProgress::image(const UpscaleJob& job) {
  const std::lock_guard lock(mutex_);
  ++ended_;
  if (job.status == JobStatus::done) {
    pixels_ += static_cast<double>(job.sizes.width) * job.sizes.height;
  }
  if (job.status != JobStatus::skipped) {
    ++worked_;
  }
  const double rate = pixels_ / 1e6 / elapsed();
  const double remaining =
      eta(static_cast<double>(worked_), static_cast<double>(images_ - ended_ + worked_));
  if (style_ == ProgressStyle::json) {
    Json event = {{"event", "image"},
                  {"n", ended_},
                  {"of", images_},
                  {"input", printable(job.input)},
                  {"output", printable(job.output)},
                  {"status", name(job.status)}};
    if (job.failure) {
      event["error"] = printable(std::string(job.failure->what()));
    }
    event["seconds"] = job.seconds;
    event["megapixels_per_second"] = number(rate);
    event["eta_seconds"] = number(remaining);
    print(event);
    return;
  }
  const std::string rest = message(decimal(rate, 2), " Mpx/s, ETA ",
                                   std::isfinite(remaining) ? clock_text(remaining) : "-");
  if (style_ == ProgressStyle::line) {
    line(message(ended_, "/", images_, ", ", rest));
  } else if (style_ == ProgressStyle::log && job.status != JobStatus::failed) {
    std::cerr << printable(message("[", ended_, "/", images_, "] '", job.input.string(), "' -> '",
                                   job.output.string(), "': ",
                                   job.status == JobStatus::done
                                       ? message(job.sizes.width, "x", job.sizes.height, ", ",
                                                 decimal(job.seconds, 2), " s, ", rest)
                                       : std::string(name(job.status))))
              << '\n';
  }
}

void UpscaleProgress::frames(std::int64_t done, std::optional<std::int64_t> all,
                             std::int64_t pixels) {
  const std::lock_guard lock(mutex_);
  const double seconds = style_ == ProgressStyle::line   ? 0.2
                         : style_ == ProgressStyle::json ? 1
                                                         : 5;
  if (style_ == ProgressStyle::none || seconds_now() - last_ < seconds) {
    return;
  }
  last_ = seconds_now();
  const double rate = static_cast<double>(done) / elapsed();
  const double megapixels = rate * static_cast<double>(pixels) / 1e6;
  const double remaining =
      all ? eta(static_cast<double>(done), static_cast<double>(*all)) : INFINITY;
  if (style_ == ProgressStyle::json) {
    print({{"event", "frames"},
           {"n", done},
           {"of", all ? Json(*all) : Json(nullptr)},
           {"frames_per_second", number(rate)},
           {"megapixels_per_second", number(megapixels)},
           {"eta_seconds", number(remaining)}});
    return;
  }
  const std::string text =
      message("frame ", done, all ? message("/", *all) : "", ", ", decimal(rate, 1), " frames/s, ",
              decimal(megapixels, 2), " Mpx/s",
              std::isfinite(remaining) ? ", ETA " + clock_text(remaining) : "");
  if (style_ == ProgressStyle::line) {
    line(text);
  } else {
    std::cerr << text << '\n';
  }
}

void UpscaleProgress::line(const std::string& text) {
  clear();
  std::cerr << text << std::flush;
  drawn_ = true;
  last_ = seconds_now();
}

void UpscaleProgress::clear() {
  if (drawn_) {
    std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
  }
}

double UpscaleProgress::elapsed() const {
  return std::max(1e-9, seconds_now() - started_);
}

double UpscaleProgress::eta(double done, double all) const {
  return done > 0 ? elapsed() * (all - done) / done : INFINITY;
}

}  // namespace pisr
