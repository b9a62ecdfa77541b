#include "pisr/eval/evaluate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <system_error>

#include "core/error.h"
#include "core/printable.h"
#include "pisr/data/named_path.h"
#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "pisr/inference/inference.h"
#include "pisr/model/network.h"

namespace pisr {
namespace {

using Clock = std::chrono::steady_clock;

/// Calls body() and puts the image's name before the message of an Error that it throws.
template <class Body>
auto naming(const std::string& image, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.kind(), message("image '", image, "': ", error.what()), error.hint());
  }
}

void stop_if_asked(const StopCheck& stop) {
  if (stop && stop()) {
    throw EvaluationStopped();
  }
}

void check_scale(int network, const EvaluationSet& set) {
  if (network != set.data.scale) {
    throw Error(ErrorKind::weights,
                message("the network enlarges ", network, " times, the images of '", set.name,
                        "' were made for ", set.data.scale));
  }
}

struct KnownBicubic {
  const char* set;
  std::size_t images;
  int scale;
  Score matlab;
  Score pisr;
  Score rgb;
};

}  // namespace

Score mean_of(const std::vector<ImageResult>& images) {
  Score mean;
  for (const ImageResult& image : images) {
    mean.psnr += image.score.psnr / static_cast<double>(images.size());
    mean.ssim += image.score.ssim / static_cast<double>(images.size());
  }
  return mean;
}

double EvaluationResult::mean_milliseconds() const {
  double sum = 0;
  for (const ImageResult& image : images) {
    sum += image.milliseconds;
  }
  return images.empty() ? 0 : sum / static_cast<double>(images.size());
}

EvaluationSet load_evaluation_set(const std::filesystem::path& path, int scale, int threads) {
  DatasetOptions options;
  options.scale = scale;
  options.part = DataPart::validation;
  options.threads = threads;
  EvaluationSet set;
  set.data = load_dataset({path}, options);
  check_sizes(set.data);
  std::error_code unreadable;
  const std::filesystem::path named = named_path(path);
  std::filesystem::path name =
      std::filesystem::is_directory(path, unreadable) ? named.filename() : named.stem();
  if ((name == "HR" || name == "hr") && named.has_parent_path()) {
    name = named.parent_path().filename();
  }
  set.name = printable(name);
  return set;
}

void check_sizes(const Dataset& data) {
  const int side = smallest_side(data.scale);
  for (const ImagePair& pair : data.images) {
    if (pair.high.width < side || pair.high.height < side) {
      throw Error(ErrorKind::input,
                  message("image '", printable(pair.file), "' is ", pair.file_width, " x ",
                          pair.file_height, ", too small to be measured at scale ", data.scale,
                          ": must be at least ", side, " x ", side));
    }
  }
}

std::vector<std::filesystem::path> find_evaluation_sets(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> sets;
  std::error_code unreadable;
  if (std::filesystem::is_directory(path, unreadable) && list_images(path).empty() &&
      !std::filesystem::exists(path / "HR", unreadable)) {
    std::vector<std::filesystem::path> plain;
    for (const std::filesystem::path& folder : list_folders(path)) {
      if (std::filesystem::is_directory(folder / "HR", unreadable)) {
        sets.push_back(folder);
      } else if (!list_images(folder).empty()) {
        plain.push_back(folder);
      }
    }
    if (!sets.empty()) {
      sets.insert(sets.end(), plain.begin(), plain.end());
      std::sort(sets.begin(), sets.end());
    }
  }
  return sets.empty() ? std::vector{path} : sets;
}

EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                          const std::string& model, const Enlarge& enlarge, const StopCheck& stop) {
  EvaluationResult result{set.name, model, {}, {}, protocol};
  const std::vector<ImagePair>& images = set.data.images;
  result.images.resize(images.size());
  // A few images at a time, so that a large set is never in memory as planes.
  const auto batch = static_cast<std::size_t>(std::max(1, pool.threads()));
  struct Work {
    EvaluationPair pair;
    Plane output;
  };
  std::vector<Work> work(batch);
  for (std::size_t first = 0; first < images.size(); first += batch) {
    const std::size_t count = std::min(batch, images.size() - first);
    stop_if_asked(stop);
    pool.parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t task, int) {
      const ImagePair& image = images[first + static_cast<std::size_t>(task)];
      work[static_cast<std::size_t>(task)].pair =
          naming(image.name, [&] { return evaluation_pair(image, set.data.scale, protocol); });
    });
    for (std::size_t i = 0; i < count; ++i) {
      stop_if_asked(stop);
      ImageResult& image = result.images[first + i];
      image.name = images[first + i].name;
      const Clock::time_point start = Clock::now();
      work[i].output = naming(image.name, [&] { return enlarge(work[i].pair); });
      image.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }
    stop_if_asked(stop);
    pool.parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t task, int) {
      ImageResult& image = result.images[first + static_cast<std::size_t>(task)];
      const Work& done = work[static_cast<std::size_t>(task)];
      image.score =
          naming(image.name, [&] { return score(done.output, done.pair.high, set.data.scale); });
    });
  }
  result.mean = mean_of(result.images);
  return result;
}

EvaluationResult evaluate(Context& context, ThreadPool& pool, const EvaluationSet& set,
                          Protocol protocol, const std::string& name, const ImageModel& model,
                          const StopCheck& stop) {
  check_scale(model.spec().scale, set);
  Inference inference(context, model);
  const Enlarge enlarge = [&](const EvaluationPair& pair) {
    Plane output;
    const Plane& truth = model.spec().channels == 3 ? pair.high_rgb : pair.high;
    inference.run(model.sees_truth() ? truth : pair.low, output);
    return output;
  };
  return evaluate(pool, set, protocol_for(protocol, model.spec().channels, message("'", name, "'")),
                  name, enlarge, stop);
}

EvaluationResult evaluate_bicubic(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                                  const StopCheck& stop) {
  const Enlarge enlarge = [&](const EvaluationPair& pair) {
    return enlarge_bicubic(pair, set.data.scale);
  };
  return evaluate(pool, set, protocol, kBicubicModel, enlarge, stop);
}

std::optional<Score> known_bicubic(const std::string& set, std::size_t images, int scale,
                                   Protocol protocol) {
  static constexpr std::array<KnownBicubic, 9> kKnown = {{
      {"Set5", 5, 2, {33.661, 0.9299}, {33.667, 0.9300}, {33.673, 0.9303}},
      {"Set14", 14, 2, {30.232, 0.8687}, {30.221, 0.8687}, {30.325, 0.8699}},
      {"B100", 100, 2, {29.558, 0.8431}, {29.555, 0.8432}, {29.560, 0.8434}},
      {"Set5", 5, 3, {30.392, 0.8682}, {30.397, 0.8685}, {30.403, 0.8689}},
      {"Set14", 14, 3, {27.541, 0.7736}, {27.531, 0.7739}, {27.631, 0.7759}},
      {"B100", 100, 3, {27.207, 0.7384}, {27.206, 0.7387}, {27.209, 0.7391}},
      {"Set5", 5, 4, {28.421, 0.8104}, {28.426, 0.8108}, {28.429, 0.8111}},
      {"Set14", 14, 4, {26.000, 0.7019}, {25.991, 0.7022}, {26.088, 0.7048}},
      {"B100", 100, 4, {25.961, 0.6674}, {25.959, 0.6677}, {25.961, 0.6681}},
  }};
  for (const KnownBicubic& known : kKnown) {
    if (set == known.set && images == known.images && scale == known.scale) {
      return protocol == Protocol::matlab ? known.matlab
             : protocol == Protocol::pisr ? known.pisr
                                          : known.rgb;
    }
  }
  return std::nullopt;
}

std::string compare_with_known(const EvaluationResult& bicubic, int scale, Protocol protocol) {
  const auto known = known_bicubic(bicubic.set, bicubic.images.size(), scale, protocol);
  if (!known || std::abs(bicubic.mean.psnr - known->psnr) <= 0.005) {
    return "";
  }
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(),
                "bicubic reaches %.3f dB here, %.3f dB on the published images (x%d, protocol %s): "
                "the data differ from the published set",
                bicubic.mean.psnr, known->psnr, scale, name(protocol));
  return message("'", bicubic.set, "': ", text.data());
}

std::string compare_with_bicubic(const EvaluationResult& result, const EvaluationResult& bicubic) {
  if (!(result.mean.psnr < bicubic.mean.psnr)) {
    return "";
  }
  std::array<char, 80> scores{};
  std::snprintf(scores.data(), scores.size(), "%.3f dB, below the %.3f dB of bicubic interpolation",
                result.mean.psnr, bicubic.mean.psnr);
  return message("'", result.model, "' scores ", scores.data(), " on '", result.set,
                 "': its weights are suspect; likely reasons: another padding, colour, range of "
                 "values or scale than they were trained with, or too little training");
}

}  // namespace pisr
