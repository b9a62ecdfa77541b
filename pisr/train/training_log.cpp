#include "pisr/train/training_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>

#include "core/atomic_file.h"

namespace pisr {

namespace {

constexpr const char* kHeader =
    "phase,iteration,loss,reconstruction,auxiliary,gradient_norm,learning_rate,"
    "iterations_per_second,data_share,psnr,ssim\n";

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 320> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string duration(double seconds) {
  if (!(seconds < 1e9)) {
    return "?";
  }
  const std::int64_t s = std::llround(seconds);
  if (s < 3600) {
    return format("%d:%02d", static_cast<int>(s / 60), static_cast<int>(s % 60));
  }
  return format("%d:%02d:%02d", static_cast<int>(s / 3600), static_cast<int>(s / 60 % 60),
                static_cast<int>(s % 60));
}

}  // namespace

std::string to_text(const StepReport& r) {
  std::string text =
      format("%s %lld/%lld  loss %.5f", phase_name(r.phase), static_cast<long long>(r.iteration),
             static_cast<long long>(r.total_iter), r.values.loss);
  if (*r.auxiliary_name != '\0') {
    text += format(" (L1 %.5f, %s %.4g)", r.values.reconstruction, r.auxiliary_name,
                   r.values.auxiliary);
  }
  return text + format("  lr %.3g  %.2f it/s  ETA %s  data %.0f%%", r.learning_rate,
                       r.iterations_per_second, duration(r.eta_seconds).c_str(),
                       100 * r.data_share);
}

std::string to_text(const ValidationReport& r) {
  return format("%s %lld: %s PSNR %.3f SSIM %.4f (bicubic %.3f %.4f)%s", phase_name(r.phase),
                static_cast<long long>(r.iteration), r.set.c_str(), r.score.psnr, r.score.ssim,
                r.bicubic.psnr, r.bicubic.ssim, r.best ? ", best so far" : "");
}

TrainingLog::TrainingLog(const RunDirectory& run, std::int64_t first_step)
    : log_(run.log()),
      metrics_(run.metrics()),
      events_(run.tensorboard(), first_step),
      has_bicubic_(!metrics_.empty()) {
  if (metrics_.empty()) {
    metrics_.append(kHeader);
  }
}

void TrainingLog::line(const std::string& text) {
  log_.append(now() + " " + text + "\n");
}

void TrainingLog::bicubic(const Score& score) {
  if (!has_bicubic_) {
    metrics_.append(format("bicubic,0,,,,,,,,%.5f,%.6f\n", score.psnr, score.ssim));
    has_bicubic_ = true;
  }
}

void TrainingLog::step(const StepReport& r) {
  line(to_text(r));
  metrics_.append(format("%s,%lld,%.7g,%.7g,%.7g,%.5g,%.6g,%.4g,%.3f,,\n", phase_name(r.phase),
                         static_cast<long long>(r.iteration), r.values.loss,
                         r.values.reconstruction, r.values.auxiliary, r.values.gradient_norm,
                         r.learning_rate, r.iterations_per_second, r.data_share));
  const std::string phase = std::string(phase_name(r.phase)) + "/";
  events_.scalar(phase + "loss", r.iteration, r.values.loss);
  events_.scalar(phase + "reconstruction", r.iteration, r.values.reconstruction);
  if (*r.auxiliary_name != '\0') {
    events_.scalar(phase + r.auxiliary_name, r.iteration, r.values.auxiliary);
  }
  events_.scalar(phase + "gradient_norm", r.iteration, r.values.gradient_norm);
  events_.scalar(phase + "learning_rate", r.iteration, r.learning_rate);
  events_.scalar(phase + "iterations_per_second", r.iteration, r.iterations_per_second);
  events_.flush();
}

void TrainingLog::validation(const ValidationReport& r) {
  line(to_text(r));
  metrics_.append(format("%s,%lld,,,,,,,,%.5f,%.6f\n", phase_name(r.phase),
                         static_cast<long long>(r.iteration), r.score.psnr, r.score.ssim));
  const std::string phase = std::string(phase_name(r.phase)) + "/";
  events_.scalar(phase + "psnr", r.iteration, r.score.psnr);
  events_.scalar(phase + "ssim", r.iteration, r.score.ssim);
  events_.flush();
}

void filter_metrics(
    const std::filesystem::path& path,
    const std::function<bool(const std::string& phase, std::int64_t iteration)>& keep) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return;
  }
  const auto columns = std::count(kHeader, kHeader + std::char_traits<char>::length(kHeader), ',');
  std::string kept;
  bool dropped = false;
  for (std::string line; std::getline(stream, line);) {
    const bool whole = !stream.eof() && std::count(line.begin(), line.end(), ',') == columns;
    const std::size_t comma = line.find(',');
    std::int64_t iteration = 0;
    const bool header = line + "\n" == kHeader;
    const bool parsed =
        whole && !header &&
        std::from_chars(line.data() + comma + 1, line.data() + line.size(), iteration).ec ==
            std::errc();
    if (whole && (header || (parsed && keep(line.substr(0, comma), iteration)))) {
      kept += line + "\n";
    } else {
      dropped = true;
    }
  }
  if (dropped) {
    write_file_atomically(path, std::string_view(kept));
  }
}

}  // namespace pisr
