#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/context.h"
#include "pisr/image/float_planes.h"
#include "pisr/image/image_stream.h"
#include "pisr/image/pixel_rows.h"
#include "pisr/inference/inference.h"
#include "pisr/model/network.h"

namespace pisr {

/// How an image goes through the network.
struct EnlargeOptions {
  /// The mean of the network's results for the image turned and mirrored in all eight ways.
  bool self_ensemble = false;
  InferenceOptions inference;
};

/// Enlarges an image strip by strip from the top down. Luminance goes through the network, chroma
/// and alpha through bicubic interpolation; a network on RGB takes colour as it is. Colour is
/// weighted by alpha: with a the alpha, c a colour and B the bicubic interpolation, the result is
///   B(a c) / B(a) + network(c') - B(c'),
/// c' the colour with what is hidden filled (alpha_weighting.h); where alpha is 1 that is
/// network(c). Without the last two terms it is how images are enlarged whose colours were
/// multiplied by alpha. All is in single precision and rounded once. The result does not depend on
/// the strips.
class StripEnlarger {
 public:
  /// `image` describes the image that will come. Keeps references to context and network.
  StripEnlarger(Context& context, const SrNetwork& network, const ImageInfo& image,
                const EnlargeOptions& options = {});

  /// Rows above and below a strip that its result depends on, even; a whole image has no limit:
  /// info.height.
  int margin() const { return margin_; }
  /// About how many bytes of memory a row takes, of a strip that is made at once.
  std::int64_t bytes_of_row() const;

  /// The rows [first, past) enlarged, as samples of the image's type and channels. The strips
  /// follow each other; every one begins at an even row. `rows` are the rows of samples that the
  /// strips before have not been given, up to min(height, past + margin()). Throws Error numeric
  /// where a value is not finite.
  std::vector<std::byte> enlarge(int first, int past, const std::vector<std::byte>& rows);

 private:
  void append(int first, const std::vector<std::byte>& rows);
  void enlarge_by_network(const PlanesView& planes, int first, int past, FloatPlanes& large);
  void enlarge_bicubic(const PlanesView& planes, FloatPlanes& large);
  void weigh_by_alpha(const FloatPlanes& filled);

  Context& context_;
  Context host_;  ///< for what does not run on a device
  ImageInfo image_;
  EnlargeOptions options_;
  Inference inference_;
  int scale_;
  PlaneKind kind_;
  int by_network_;  ///< so many of the planes, the first ones
  int margin_;
  FloatPlanes rows_;  ///< split into planes, alpha last: those of the image from top_ on
  FloatPlanes next_rows_;
  int top_ = 0;
  FloatPlanes network_planes_, chroma_, alpha_;  ///< the strip enlarged
};

}  // namespace pisr
