#include "pisr/train/ranks.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <sstream>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/agreement.h"
#include "core/checksum.h"
#include "core/parallel.h"

namespace pisr {
namespace {

/// The processors that the process may use, as a text to compare with that of another one.
std::string own_processors() {
#if defined(__linux__)
  // Linux refuses a set smaller than its own, so larger ones are tried.
  for (int limit = 1024; limit <= (1 << 20); limit *= 2) {
    std::vector<unsigned long> bits(static_cast<std::size_t>(limit) / (8 * sizeof(unsigned long)));
    const std::size_t bytes = bits.size() * sizeof(unsigned long);
    if (sched_getaffinity(0, bytes, reinterpret_cast<cpu_set_t*>(bits.data())) == 0) {
      std::string text;
      for (const unsigned long word : bits) {
        text += message(std::hex, word, ' ');
      }
      return text;
    }
  }
#endif
  return "all";
}

/// The rows of an image that its checksum looks at: enough to tell another picture or another
/// decoder, and little beside the time to decode it.
constexpr int kRowsLookedAt = 16;

std::string line_of(const char* part, const ImagePair& pair) {
  Checksum sum;
  for (const Image8* image : {&pair.high, &pair.low}) {
    sum.add(message(image->width, " x ", image->height, " x ", image->channels));
    const std::size_t row =
        static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->channels);
    const int step = std::max(1, image->height / kRowsLookedAt);
    for (int y = 0; y < image->height; y += step) {
      sum.add(
          std::as_bytes(std::span(image->samples).subspan(static_cast<std::size_t>(y) * row, row)));
    }
  }
  return message(part, " image '", pair.name, "', ", pair.high.width, " x ", pair.high.height,
                 ", checksum ", sum.text());
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

RankShare share_of(const Communicator* ranks, std::size_t count) noexcept {
  if (ranks == nullptr) {
    return {0, count};
  }
  const auto rank = static_cast<std::size_t>(ranks->rank());
  const auto size = static_cast<std::size_t>(ranks->size());
  return {rank * count / size, (rank + 1) * count / size};
}

int threads_of_rank(Communicator* ranks) {
  if (ranks == nullptr) {
    return available_threads();
  }
  const std::string here = message("node ", ranks->node(), ": ", own_processors());
  const std::vector<std::string> all = gather_texts(ranks, here);
  const auto sharing = static_cast<int>(std::count(all.begin(), all.end(), here));
  return std::max(1, available_threads() / sharing);
}

void broadcast_checkpoint(Communicator* ranks, Checkpoint& checkpoint) {
  if (ranks == nullptr) {
    return;
  }
  std::vector<std::byte> bytes;
  if (is_first(ranks)) {
    bytes = serialise_checkpoint(checkpoint);
  }
  auto size = static_cast<std::uint64_t>(bytes.size());
  broadcast_number(ranks, size);
  bytes.resize(size);
  ranks->broadcast(bytes, 0);
  if (!is_first(ranks)) {
    checkpoint = parse_checkpoint(bytes, "of rank 0");
  }
}

void check_same_lines(Communicator* ranks, const std::vector<std::string>& here,
                      const std::string& what, ErrorKind kind, const std::string& hint) {
  if (ranks == nullptr) {
    return;
  }
  std::string text;
  for (const std::string& line : here) {
    text += line + '\n';
  }
  broadcast_text(ranks, text);
  const std::vector<std::string> there = lines_of(text);
  agree(ranks, [&] {
    if (here == there) {
      return;
    }
    const auto line = [](const std::vector<std::string>& lines, std::size_t number) {
      return number < lines.size() ? lines[number] : std::string("nothing");
    };
    std::size_t first = 0;
    while (line(here, first) == line(there, first)) {
      ++first;
    }
    throw Error(kind,
                message("its ", what, " differ from those of rank 0: ", line(here, first),
                        ", rank 0 has ", line(there, first)),
                hint);
  });
}

void check_same_images(Communicator* ranks, const TrainingData& data) {
  if (ranks == nullptr) {
    return;
  }
  std::vector<std::string> lines;
  for (const ImagePair& pair : data.train.images) {
    lines.push_back(line_of("training", pair));
  }
  for (const ImagePair& pair : data.validation.data.images) {
    lines.push_back(line_of("validation", pair));
  }
  check_same_lines(ranks, lines, "images", ErrorKind::input,
                   "each machine needs the same files under the same path");
}

Score evaluate_together(Communicator* ranks, const Validation& validation,
                        const std::function<EvaluationResult(const EvaluationSet&)>& evaluate) {
  if (ranks == nullptr) {
    return evaluate(validation.set).mean;
  }
  const std::vector<ImagePair>& images = validation.set.data.images;
  const RankShare share = share_of(ranks, images.size());
  // PSNR and SSIM of each image, and whether a rank was stopped. Only one rank's are not 0.
  std::vector<double> scores(2 * images.size() + 1);
  if (share.size() > 0) {
    EvaluationSet part{validation.set.name, {}};
    part.data.scale = validation.set.data.scale;
    part.data.images.assign(images.begin() + static_cast<std::ptrdiff_t>(share.begin),
                            images.begin() + static_cast<std::ptrdiff_t>(share.end));
    try {
      const EvaluationResult result = evaluate(part);
      for (std::size_t i = 0; i < share.size(); ++i) {
        scores[2 * (share.begin + i)] = result.images[i].score.psnr;
        scores[2 * (share.begin + i) + 1] = result.images[i].score.ssim;
      }
    } catch (const EvaluationStopped&) {
      scores.back() = 1;
    }
  }
  ranks->all_reduce_sum(std::span<double>(scores));
  if (scores.back() > 0) {
    throw EvaluationStopped();
  }
  std::vector<ImageResult> all(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    all[i].score = {scores[2 * i], scores[2 * i + 1]};
  }
  return mean_of(all);
}

// A difference shows in the sum of squares: it is the square of the sum over their number only
// where all are equal. The digits are of 4 bits, so both sums are whole numbers below 2^24.
WeightMarks::WeightMarks(const Tensor& values) {
  std::uint64_t sum = 0xcbf29ce484222325U;  // FNV-1a over words, as it is made often
  for (const float value : values.values<float>()) {
    sum = (sum ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3U;
    sum ^= sum >> 29U;
  }
  for (std::size_t digit = 0; digit < kCount / 2; ++digit) {
    const auto value = static_cast<float>(sum >> (4 * digit) & 15U);
    marks_[2 * digit] = value;
    marks_[2 * digit + 1] = value * value;
  }
}

bool WeightMarks::are_equal(std::span<const float, kCount> sum, int size) noexcept {
  for (std::size_t digit = 0; digit < kCount / 2; ++digit) {
    const double linear = sum[2 * digit];
    if (linear * linear != static_cast<double>(size) * sum[2 * digit + 1]) {
      return false;
    }
  }
  return true;
}

}  // namespace pisr
