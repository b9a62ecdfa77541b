#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/export.h"
#include "pisr/model/network.h"

namespace pisr {

/// A system that PISR's table 2 compares, as published.
struct PublishedResult {
  std::string name;
  std::int64_t parameters;     ///< as the table prints them, in thousands
  MultiplyAdds multiply_adds;  ///< of an output of 1280x720; paper: as the table prints them
  double psnr;                 ///< on Set5, dB
};

/// The systems of table 2 at a scale, 2, 3 or 4, by PSNR at x2: all but SRFBN.
/// MultiplyAdds::exact is what our network of that name counts.
PISR_API std::vector<PublishedResult> published_results(int scale);

}  // namespace pisr
