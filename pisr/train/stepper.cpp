#include "pisr/train/stepper.h"

#include <algorithm>

#include "core/error.h"

namespace pisr {

EvaluationResult evaluate_trained(Context& context, ThreadPool& pool, const EvaluationSet& set,
                                  Protocol protocol, const PhaseModel& model,
                                  ExponentialMovingAverage* average, const StopCheck& stop) {
  const AverageInPlace in_place(average);
  return evaluate(context, pool, set, protocol, phase_name(model.phase()), model.trained(), stop);
}

std::string list_of_images(const std::vector<std::string>& names) {
  constexpr std::size_t kMaxNames = 4;
  std::vector<std::string> images;
  for (const std::string& image : names) {
    if (std::find(images.begin(), images.end(), image) == images.end()) {
      images.push_back(image);
    }
  }
  std::string text = images.size() == 1 ? "image" : "images";
  for (std::size_t i = 0; i < std::min(images.size(), kMaxNames); ++i) {
    text += (i == 0 ? " " : ", ") + images[i];
  }
  if (images.size() > kMaxNames) {
    text += message(" and ", images.size() - kMaxNames, " more");
  }
  return text;
}

}  // namespace pisr
