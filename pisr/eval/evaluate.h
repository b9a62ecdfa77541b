#pragma once

#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/parallel.h"
#include "pisr/data/dataset.h"
#include "pisr/eval/protocol.h"

namespace pisr {

class ImageModel;

/// Images to measure on, in memory as bytes, so that a validation during training decodes nothing.
struct EvaluationSet {
  std::string name;  ///< "Set5"
  Dataset data;
};

/// A folder in any layout of load_dataset, or one image. The set has the folder's name, or for
/// `Set5/HR` that of the folder above. `threads` as in DatasetOptions. Throws what load_dataset and
/// check_sizes throw.
EvaluationSet load_evaluation_set(const std::filesystem::path& path, int scale, int threads = 0);

/// Throws Error(input), which names the file, its size and the smallest one, where an image is too
/// small to be measured: smaller than smallest_side() (protocol.h).
void check_sizes(const Dataset& data);

/// The sets in a folder where it has no images of its own but sub-folders with images in HR
/// (`benchmark` -> benchmark/B100, benchmark/Set5, ...): those, and its sub-folders of images, by
/// name; otherwise the folder itself. Names that begin with a dot are passed over.
std::vector<std::filesystem::path> find_evaluation_sets(const std::filesystem::path& path);

/// One image of a set.
struct ImageResult {
  std::string name;
  Score score;
  double milliseconds = 0;  ///< wall time of the enlargement alone
};

/// The means over the images, added in their order.
Score mean_of(const std::vector<ImageResult>& images);

/// One model on one set.
struct EvaluationResult {
  std::string set;
  std::string model;
  Score mean;  ///< means over the images
  std::vector<ImageResult> images;
  Protocol protocol = Protocol::pisr;  ///< that it was measured under
  /// Why the weights are suspect: what compare_with_bicubic() says. Empty where they are not.
  std::string suspicion = {};

  double mean_milliseconds() const;
};

/// The name of the model in evaluate_bicubic's result.
inline constexpr const char* kBicubicModel = "bicubic";

/// Makes Y, or R, G, B, on 0..255 of the size of `pair.high`.
using Enlarge = std::function<Plane(const EvaluationPair& pair)>;

/// Asked before each image, on the thread that evaluates; true abandons the evaluation. May be
/// empty.
using StopCheck = std::function<bool()>;

/// Thrown by an evaluation that was abandoned. No Error, as nothing has failed.
class EvaluationStopped : public std::exception {
 public:
  const char* what() const noexcept override { return "the evaluation was stopped"; }
};

/// Measures `enlarge` on each image under the protocol. Scores are computed on the pool, the
/// enlargements one after another on the calling thread, so that their times mean something.
/// Errors of enlarge() and score() name the image. Throws EvaluationStopped where `stop` says so.
EvaluationResult evaluate(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                          const std::string& model, const Enlarge& enlarge,
                          const StopCheck& stop = {});

/// A model: a network, or a teacher, which is given the truth. One on RGB is measured under
/// protocol rgb, whatever `protocol` says (protocol_for). Its scale must be the set's; otherwise
/// throws Error(weights). `name` is EvaluationResult::model.
EvaluationResult evaluate(Context& context, ThreadPool& pool, const EvaluationSet& set,
                          Protocol protocol, const std::string& name, const ImageModel& model,
                          const StopCheck& stop = {});

/// Bicubic interpolation: the row that every table starts with.
EvaluationResult evaluate_bicubic(ThreadPool& pool, const EvaluationSet& set, Protocol protocol,
                                  const StopCheck& stop = {});

/// What bicubic interpolation reaches on the well-known test sets: with `matlab` the figures of the
/// literature, with `pisr` and `rgb` those of an independent numpy implementation. Empty for a set
/// of another name or number of images.
std::optional<Score> known_bicubic(const std::string& set, std::size_t images, int scale,
                                   Protocol protocol);

/// One line where a bicubic result is further than 0.005 dB from known_bicubic: the images are not
/// those everybody compares on. Empty otherwise.
std::string compare_with_known(const EvaluationResult& bicubic, int scale, Protocol protocol);

/// One line where a model scores below bicubic interpolation on the same set, which it does when
/// its weights are not what they are taken for. Names the set, both scores and the likely reasons.
/// Empty otherwise.
std::string compare_with_bicubic(const EvaluationResult& result, const EvaluationResult& bicubic);

}  // namespace pisr
