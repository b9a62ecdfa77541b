#include "pisr/export/glsl.h"

#include "pisr/export/shader_text.h"
#include "pisr/model/architectures.h"

namespace pisr {
namespace {

/// mpv takes "//!" for the beginning of a pass wherever it stands.
std::string without_directives(std::string text) {
  for (std::size_t at = 0; (at = text.find("//!", at)) != std::string::npos;) {
    text.replace(at, 3, "/ /!");
  }
  return text;
}

}  // namespace

std::string glsl_shader(const SrNetwork& network, const Facts& facts, ShaderVariant variant) {
  const ConvPlan plan = plan_of(network);
  const std::string name = message(title(network.spec()), " x", network.spec().scale);
  return without_directives(facts_as_lines(network, facts, "// ")) +
         (variant == ShaderVariant::fragment ? fragment_passes(plan, name)
                                             : compute_passes(plan, name));
}

}  // namespace pisr
