#include "tools/progress.h"

#include <chrono>
#include <cmath>
#include <iostream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/error.h"
#include "core/printable.h"

namespace pisr {

namespace {

using Json = nlohmann::ordered_json;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// JSON has no infinities and no NaN.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

void print(const Json& event) {
  std::cout << event.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace

ProgressStyle progress_style_from_name(const std::string& name) {
  if (name == "auto") return ProgressStyle::automatic;
  if (name == "line") return ProgressStyle::line;
  if (name == "log") return ProgressStyle::log;
  if (name == "json") return ProgressStyle::json;
  if (name == "none") return ProgressStyle::none;
  throw Error(ErrorKind::usage,
              "--progress: must be auto, line, log, json or none, got '" + name + "'");
}

TrainingProgress::TrainingProgress(ProgressStyle style) : style_(style) {
  if (style_ == ProgressStyle::automatic) {
    style_ = ::isatty(STDERR_FILENO) != 0 ? ProgressStyle::line : ProgressStyle::log;
  }
}

TrainingProgress::~TrainingProgress() {
  clear();
}

TrainCallbacks TrainingProgress::callbacks() {
  TrainCallbacks callbacks;
  if (style_ == ProgressStyle::none) {
    return callbacks;
  }
  callbacks.line = [this](const std::string& text) { line(text); };
  callbacks.report = [this](const StepReport& r) { report(r); };
  callbacks.validation = [this](const ValidationReport& r) { validation(r); };
  if (style_ == ProgressStyle::line) {
    callbacks.step = [this](const StepReport& r) { step(r); };
  }
  return callbacks;
}

void TrainingProgress::line(const std::string& words) {
  const std::string text = printable(words);
  if (style_ == ProgressStyle::json) {
    print({{"event", "message"}, {"text", text}});
    return;
  }
  clear();
  std::cerr << text << '\n';
}

void TrainingProgress::step(const StepReport& report) {
  constexpr double kRedrawSeconds = 0.2;
  const double now = seconds_now();
  if (now - last_drawn_ < kRedrawSeconds) {
    return;
  }
  last_drawn_ = now;
  clear();
  std::cerr << to_text(report) << std::flush;
  drawn_ = true;
}

void TrainingProgress::report(const StepReport& r) {
  if (style_ == ProgressStyle::json) {
    Json event = {{"event", "step"},
                  {"phase", phase_name(r.phase)},
                  {"iteration", r.iteration},
                  {"total_iter", r.total_iter},
                  {"loss", number(r.values.loss)},
                  {"reconstruction", number(r.values.reconstruction)}};
    if (*r.auxiliary_name != '\0') {
      event[r.auxiliary_name] = number(r.values.auxiliary);
    }
    event["gradient_norm"] = number(r.values.gradient_norm);
    event["learning_rate"] = r.learning_rate;
    event["iterations_per_second"] = number(r.iterations_per_second);
    event["eta_seconds"] = number(r.eta_seconds);
    event["data_share"] = number(r.data_share);
    print(event);
  } else if (style_ == ProgressStyle::log) {
    std::cerr << to_text(r) << '\n';
  }
}

void TrainingProgress::validation(const ValidationReport& r) {
  if (style_ == ProgressStyle::json) {
    print({{"event", "validation"},
           {"phase", phase_name(r.phase)},
           {"iteration", r.iteration},
           {"set", r.set},
           {"psnr", number(r.score.psnr)},
           {"ssim", number(r.score.ssim)},
           {"bicubic_psnr", number(r.bicubic.psnr)},
           {"bicubic_ssim", number(r.bicubic.ssim)},
           {"best", r.best}});
    return;
  }
  clear();
  std::cerr << to_text(r) << '\n';
}

void TrainingProgress::clear() {
  if (drawn_) {
    std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
  }
}

}  // namespace pisr
