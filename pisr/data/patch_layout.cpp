#include "pisr/data/patch_layout.h"

namespace pisr {

PatchLayout patch_layout(const Dataset& data) {
  PatchLayout layout;
  for (const ImagePair& pair : data.images) {
    const auto high_bytes = static_cast<std::int64_t>(pair.high.samples.size());
    layout.sources.push_back({layout.bytes, layout.bytes + high_bytes, pair.low.width,
                              pair.low.height, pair.low.channels});
    layout.bytes += high_bytes + static_cast<std::int64_t>(pair.low.samples.size());
  }
  return layout;
}

}  // namespace pisr
