#pragma once

#include <string>

#include "pisr/data/dataset.h"
#include "pisr/image/image.h"

namespace pisr {

/// How a super-resolved image is compared with the truth: on luminance. In all protocols HR is
/// cropped at the right and bottom to a multiple of the scale, the output is clamped and rounded to
/// 8 bits, and `scale` samples at each side do not count.
enum class Protocol {
  /// LR = Y, not rounded, of the 8-bit RGB image made by imresize; HR Y not rounded. As trained.
  pisr,
  /// HR Y rounded to 8 bits; LR = imresize of that Y in floating point, not rounded. The pipeline
  /// behind the published bicubic figures.
  matlab,
  /// That of networks on RGB: LR = the 8-bit RGB image made by imresize; the output rounded to 8
  /// bits in RGB, then turned into Y; Y not rounded on either side. A grey image is RGB with
  /// r = g = b.
  rgb,
};

/// The protocol for networks of so many channels where `wanted` is that for luminance: rgb for 3,
/// `wanted` for 1. Error usage, which calls it `network`, where it is on luminance and `wanted`
/// rgb.
Protocol protocol_for(Protocol wanted, int channels, const std::string& network = "the network");

/// "pisr", "matlab", "rgb".
const char* name(Protocol protocol);
/// The protocol of that name; Error usage, which lists the names, for any other.
Protocol protocol_from_name(const std::string& name);

/// A network's input and the truth its output is compared with, on 0..255, the truth exactly
/// `scale` times as large.
struct EvaluationPair {
  Plane low;       ///< Y [h, w], or R, G, B [h, w, 3] under protocol rgb
  Plane high;      ///< Y
  Plane high_rgb;  ///< R, G, B under protocol rgb, for a teacher, which sees them; otherwise empty
};

/// The smallest side of an HR image that can be measured: without `scale` samples at each side,
/// after the crop to a multiple of the scale, SSIM's window must still fit.
int smallest_side(int scale);

/// The pair of an HR image (grey or RGB; alpha ignored), LR made from it. Error input where the
/// image is smaller than the scale.
EvaluationPair evaluation_pair(const Image8& hr, int scale, Protocol protocol);

/// The pair of an HR image and an LR image that exists already (a folder LR_bicubic/X2), of exactly
/// 1 / scale of the size of the cropped HR image (Error input otherwise). Error usage for protocol
/// matlab, whose LR has no 8-bit form.
EvaluationPair evaluation_pair(const Image8& hr, const Image8& lr, int scale,
                               Protocol protocol = Protocol::pisr);

/// The pair of an image of a data set: with its LR image under protocols pisr and rgb, with one
/// made from HR under matlab.
EvaluationPair evaluation_pair(const ImagePair& image, int scale, Protocol protocol);

/// How close an image is to the truth.
struct Score {
  double psnr = 0;  ///< dB; infinite where output and truth are equal
  double ssim = 0;
};

/// Compares a network's output (Y or R, G, B on 0..255, any real values) with EvaluationPair::high.
/// Error usage where sizes differ, numeric where a value of the output is not finite.
Score score(const Plane& output, const Plane& high, int scale);

/// The bicubic row of a table: `pair.low` enlarged, [h scale, w scale, c]. R, G, B are 8 bits all
/// the way, rounded after each pass.
Plane enlarge_bicubic(const EvaluationPair& pair, int scale);
/// Its score.
Score score_bicubic(const EvaluationPair& pair, int scale);

}  // namespace pisr
