#include "pisr/model/weight_metadata.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/error.h"
#include "pisr/model/architectures.h"
#include "pisr/model/padding.h"

namespace pisr {
namespace {

constexpr const char* kFormatVersion = "1";
constexpr const char* kHourglass = "hourglass";

int channels_of(const Metadata& metadata, const Architecture& row) {
  std::string colours;
  for (const int channels : row.channels) {
    if (metadata.text("colour") == colour_name(channels)) {
      return channels;
    }
    colours += message(colours.empty() ? "'" : " or '", colour_name(channels), '\'');
  }
  metadata.refuse("colour", colours);
}

/// "2,3,4" and what may follow in words: weights for several scales. Empty for any other text.
std::vector<int> several_scales(const std::string& text) {
  std::vector<int> scales;
  std::size_t at = 0;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
    scales.push_back(text[at] - '0');
    if (++at == text.size() || text[at] != ',') {
      break;
    }
    ++at;
  }
  return scales.size() > 1 ? scales : std::vector<int>{};
}

/// The first word of a text in lower case: what "RGB 0..1, mean shift inside" says of colour.
std::string first_word(const std::string& text) {
  std::string word;
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      break;
    }
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

}  // namespace

std::map<std::string, std::string> describe(const ImageModel& model,
                                            const std::map<std::string, std::string>& notes) {
  const NetworkSpec& spec = model.spec();
  std::map<std::string, std::string> metadata = {
      {"format_version", kFormatVersion},
      {"architecture", model.sees_truth() ? kTeacherArchitecture : spec.architecture},
      {"scale", std::to_string(spec.scale)},
      {"colour", colour_name(spec.channels)},
  };
  if (model.sees_truth()) {
    metadata["decoder"] = spec.architecture;
  }
  if (const auto* const teacher = dynamic_cast<const Teacher*>(&model);
      teacher != nullptr && !teacher->hourglass()) {
    metadata[kHourglass] = "false";
  }
  for (const auto& [option, value] : spec.options) {
    metadata[option] = to_text(value);
  }
  metadata.insert(notes.begin(), notes.end());
  return metadata;
}

bool are_ours(const Metadata& metadata) {
  return metadata.has("format_version") && metadata.has("architecture");
}

NetworkSpec described_spec(const Metadata& metadata, bool teacher) {
  const std::string& architecture = metadata.text("architecture");
  if (teacher) {
    metadata.want("architecture", kTeacherArchitecture);
  } else if (architecture == kTeacherArchitecture) {
    metadata.refuse("architecture", "that of a network, not of a teacher");
  }
  const std::string key = teacher ? "decoder" : "architecture";
  // Teachers of format 1 that do not name their decoder have that of the table's first row.
  const std::string value =
      metadata.has(key) ? metadata.text(key) : std::string(architectures().front().name);
  const Architecture* const row = find_architecture(value);
  if (row == nullptr) {
    metadata.refuse(key, "one of " + architecture_names());
  }
  metadata.want("format_version", kFormatVersion);
  NetworkSpec spec;
  spec.architecture = row->name;
  spec.scale = metadata.number("scale");
  spec.channels = channels_of(metadata, *row);
  for (const NetworkOption& option : row->options) {
    if (metadata.has(option.name) || !option.added_later) {
      spec.options[option.name] = metadata.value(option);
    }
  }
  return spec;
}

bool has_hourglass(const Metadata& metadata) {
  // Teachers from before there was a choice have it.
  return !metadata.has(kHourglass) || metadata.flag(kHourglass);
}

std::string known_architecture(const Metadata& metadata) {
  return metadata.has("architecture") && find_architecture(metadata.text("architecture")) != nullptr
             ? metadata.text("architecture")
             : "";
}

int known_scale(const Metadata& metadata, int wanted) {
  const std::string told = metadata.has("scale") ? metadata.text("scale") : "";
  const bool is_digit = told.size() == 1 && std::isdigit(static_cast<unsigned char>(told[0])) != 0;
  return is_digit ? told[0] - '0' : wanted;
}

int scale_of(const Metadata& metadata, int wanted) {
  const std::vector<int> several =
      metadata.has("scale") ? several_scales(metadata.text("scale")) : std::vector<int>{};
  if (wanted != 0 && std::ranges::find(several, wanted) != several.end()) {
    return wanted;
  }
  if (!several.empty()) {
    fail_weights(metadata.file_name(),
                 message("these weights are for the scales ", metadata.text("scale")),
                 "-s chooses one");
  }
  if (metadata.has("scale")) {
    return metadata.number("scale");
  }
  if (wanted == 0) {
    fail_weights(metadata.file_name(), "metadata lack 'scale'", "-s tells it: 2, 3 or 4");
  }
  return wanted;
}

void check_claims(const Metadata& metadata, const NetworkSpec& spec) {
  // Others may name their networks as they like, but not by our name of another one.
  if (!known_architecture(metadata).empty()) {
    metadata.want("architecture", spec.architecture);
  }
  if (known_scale(metadata, 0) != 0) {
    metadata.want("scale", std::to_string(spec.scale));
  }
  if (metadata.has("range")) {
    metadata.want("range", "0..1");
  }
  const std::string colour = metadata.has("colour") ? first_word(metadata.text("colour")) : "";
  if ((colour == "y" || colour == "rgb") && colour != colour_name(spec.channels)) {
    metadata.refuse("colour",
                    message("'", colour_name(spec.channels), "' for tensors of these shapes"));
  }
  if (metadata.has("padding") && metadata.text("padding") == "replicate" &&
      !spec.options.contains(kReplicatePadding)) {
    metadata.refuse("padding", message("'zero' for ", spec.architecture));
  }
}

}  // namespace pisr
