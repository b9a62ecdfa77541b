#include "pisr/report/report_timing.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "pisr/inference/inference.h"

namespace pisr {

double median_milliseconds(Context& context, const ImageModel& network, int width, int height) {
  constexpr std::size_t kLeast = 3;
  constexpr std::size_t kMost = 7;
  constexpr double kEnough = 500;
  const NetworkSpec& spec = network.spec();
  Plane low((width + spec.scale - 1) / spec.scale, (height + spec.scale - 1) / spec.scale,
            spec.channels);
  for (std::size_t i = 0; i < low.samples.size(); ++i) {
    low.samples[i] = static_cast<double>(i * 37 % 256);
  }
  Inference inference(context, network);
  Plane output;
  inference.run(low, output);
  std::vector<double> times;
  double total = 0;
  while (times.size() < kLeast || (times.size() < kMost && total < kEnough)) {
    const auto start = std::chrono::steady_clock::now();
    inference.run(low, output);
    const std::chrono::duration<double, std::milli> passed =
        std::chrono::steady_clock::now() - start;
    times.push_back(passed.count());
    total += passed.count();
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace pisr
