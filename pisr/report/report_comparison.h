#pragma once

#include <string>
#include <vector>

#include "core/context.h"
#include "pisr/data/dataset.h"
#include "pisr/report/report.h"

namespace pisr {

class SrNetwork;

/// A network and how the comparison calls it.
struct ComparedNetwork {
  std::string label;
  const SrNetwork* network;
};

/// The piece of an image, at most 120 x 90 pixels, where bicubic interpolation is furthest from the
/// truth. It is shown in colour as in the truth, by bicubic interpolation and by each network, with
/// PSNR and SSIM of the whole image. The choice does not depend on the networks and favours none.
ReportComparison compare_pictures(Context& context, const ImagePair& image, Protocol protocol,
                                  const std::vector<ComparedNetwork>& networks);

}  // namespace pisr
