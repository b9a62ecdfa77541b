#include "pisr/model/untold_options.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

#include "core/error.h"
#include "pisr/model/padding.h"

namespace pisr {
namespace {

/// What others wrote about the network, in lower case.
std::string prose_of(const Metadata& metadata) {
  std::string prose;
  for (const char* const key : {"arch", "architecture"}) {
    prose += metadata.has(key) ? metadata.text(key) + "\n" : "";
  }
  std::ranges::transform(prose, prose.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return prose;
}

/// What the entries of the metadata say in so many words.
std::optional<OptionValue> stated(const NetworkOption& option, const Metadata& metadata) {
  if (metadata.has(option.name)) {
    return metadata.value(option);
  }
  if (option.name != std::string(kReplicatePadding) || !metadata.has("padding")) {
    return std::nullopt;
  }
  const std::string& padding = metadata.text("padding");
  if (padding != "zero" && padding != "replicate") {
    metadata.refuse("padding", "'zero' or 'replicate'");
  }
  return padding == "replicate";
}

}  // namespace

void add_untold_options(NetworkSpec& spec, const Architecture& row, const Metadata& metadata,
                        const WeightsOptions& wanted) {
  for (const NetworkOption& option : row.options) {
    if (option.told_by_shapes) {
      continue;
    }
    std::optional<OptionValue> value = stated(option, metadata);
    const auto by_person = wanted.options.find(option.name);
    if (!value && by_person != wanted.options.end()) {
      value = by_person->second;
    }
    if (!value) {
      value = padding_of_prose(option.name, prose_of(metadata));
    }
    if (value) {
      spec.options[option.name] = *value;
    } else if (option.name == std::string(kReplicatePadding) && wanted.note) {
      wanted.note(message('\'', metadata.file_name(),
                          "': nothing tells the padding of its convolutions: zeros are taken; "
                          "--padding replicate repeats the border"));
    }
  }
  check_options(spec, metadata, wanted);
}

void check_options(const NetworkSpec& spec, const Metadata& metadata,
                   const WeightsOptions& wanted) {
  for (const auto& [name, value] : wanted.options) {
    const auto found = spec.options.find(name);
    if (found == spec.options.end()) {
      fail_weights(metadata.file_name(),
                   message("these weights are of the architecture ", spec.architecture,
                           ", which has no option ", name));
    }
    if (found->second != value) {
      fail_weights(metadata.file_name(),
                   message("these weights have ", name, ' ', to_text(found->second), ", wanted ",
                           to_text(value)));
    }
  }
}

}  // namespace pisr
