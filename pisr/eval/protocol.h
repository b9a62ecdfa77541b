#pragma once

#include <string>

#include "pisr/data/dataset.h"
#include "pisr/image/image.h"

namespace pisr {

/// How a super-resolved image is compared with the truth. In both protocols HR is cropped at the
/// right and bottom to a multiple of the scale, the output is clamped and rounded to 8 bits in Y,
/// and `scale` samples at each side do not count.
enum class Protocol {
  /// LR = Y, not rounded, of the 8-bit RGB image made by imresize; HR Y not rounded. As trained.
  pisr,
  /// HR Y rounded to 8 bits; LR = imresize of that Y in floating point, not rounded. The pipeline
  /// behind the published bicubic figures.
  matlab,
};

/// "pisr", "matlab".
const char* name(Protocol protocol);
/// The protocol of that name; Error usage, which lists the names, for any other.
Protocol protocol_from_name(const std::string& name);

/// A network's input and the truth its output is compared with: Y on 0..255, `high` exactly `scale`
/// times as large as `low`.
struct EvaluationPair {
  Plane low;
  Plane high;
};

/// The smallest side of an HR image that can be measured: without `scale` samples at each side,
/// after the crop to a multiple of the scale, SSIM's window must still fit.
int smallest_side(int scale);

/// The pair of an HR image (grey or RGB; alpha ignored), LR made from it. Error input where the
/// image is smaller than the scale.
EvaluationPair evaluation_pair(const Image8& hr, int scale, Protocol protocol);

/// The pair of an HR image and an LR image that exists already (a folder LR_bicubic/X2), of exactly
/// 1 / scale of the size of the cropped HR image (Error input otherwise). This is protocol pisr:
/// matlab's LR has no 8-bit form.
EvaluationPair evaluation_pair(const Image8& hr, const Image8& lr, int scale);

/// The pair of an image of a data set: with its LR image under protocol pisr, with one made from HR
/// under matlab.
EvaluationPair evaluation_pair(const ImagePair& image, int scale, Protocol protocol);

struct Score {
  double psnr = 0;  ///< dB; infinite where output and truth are equal
  double ssim = 0;
};

/// Compares a network's output (Y on 0..255, any real values) with `high`, both of one
/// EvaluationPair: the same under both protocols, which differ in the pair alone. Error usage where
/// sizes differ, numeric where a value of the output is not finite.
Score score(const Plane& output, const Plane& high, int scale);

/// The bicubic row of a table: `pair.low` enlarged.
Score score_bicubic(const EvaluationPair& pair, int scale);

}  // namespace pisr
