#include "pisr/export/facts.h"

#include "core/printable.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weight_metadata.h"

namespace pisr {

Facts facts_of(const ImageModel& model, const Facts& notes) {
  Facts told = notes;
  // What others say of their layout; the exported network has ours.
  for (const char* const claim : {"padding", "range", "decoder", "deconvolution_padding"}) {
    told.erase(claim);
  }
  return describe(model, told);
}

std::string facts_as_lines(const SrNetwork& network, const Facts& facts,
                           const std::string& before_each_line) {
  const NetworkSpec& spec = network.spec();
  std::string lines = message(before_each_line, title(spec), " x", spec.scale, '\n');
  for (const auto& [name, value] : facts) {
    lines += message(before_each_line, printable(name), ": ", printable(value), '\n');
  }
  return lines;
}

}  // namespace pisr
