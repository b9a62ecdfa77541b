#pragma once

#include <string>
#include <vector>

#include "core/context.h"
#include "pisr/data/dataset.h"
#include "pisr/report/report.h"

namespace pisr {

class Encoder;

/// An encoder and how the figure calls it.
struct ShownEncoder {
  std::string label;
  int colour;
  const Encoder* encoder;
};

/// What encoders make of `image`, as in figure 3 of the paper: X, X^ of each encoder and Y as
/// pictures of the piece that `piece` shows, their spectra and histograms. These are of the
/// luminance of the whole image, or of a window of 640 x 640 about the piece where it is larger.
/// Throws Error(numeric) where a value of X^ is not finite.
ReportCompact show_compact(Context& context, const ImagePair& image, Protocol protocol,
                           const ReportComparison& piece,
                           const std::vector<ShownEncoder>& encoders);

}  // namespace pisr
