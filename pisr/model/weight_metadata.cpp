#include "pisr/model/weight_metadata.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "core/error.h"
#include "core/safetensors_header.h"

namespace pisr {
namespace {

constexpr const char* kFormatVersion = "1";
/// The option that says how a network pads, for those that were published with either way.
constexpr const char* kReplicateOption = "replicate_padding";

std::string to_text(const OptionValue& value) {
  if (const bool* const flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  return std::to_string(std::get<int>(value));
}

/// In metadata.
const char* colour_of(int channels) {
  return channels == 3 ? "rgb" : "y";
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

void fail_weights(const std::string& file, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::weights, message('\'', file, "': ", what), hint);
}

std::map<std::string, std::string> describe(const ImageModel& model,
                                            const std::map<std::string, std::string>& notes) {
  const NetworkSpec& spec = model.spec();
  std::map<std::string, std::string> metadata = {
      {"format_version", kFormatVersion},
      {"architecture", model.sees_truth() ? kTeacherArchitecture : spec.architecture},
      {"scale", std::to_string(spec.scale)},
      {"colour", colour_of(spec.channels)},
  };
  if (model.sees_truth()) {
    metadata["decoder"] = spec.architecture;
  }
  for (const auto& [option, value] : spec.options) {
    metadata[option] = to_text(value);
  }
  metadata.insert(notes.begin(), notes.end());
  return metadata;
}

const std::string& WeightMetadata::text(const std::string& key) const {
  const auto found = file_.metadata.find(key);
  if (found == file_.metadata.end()) {
    fail_weights(name_, message("metadata lack '", key, "'"));
  }
  return found->second;
}

void WeightMetadata::want(const std::string& key, const std::string& wanted) const {
  if (text(key) != wanted) {
    refuse(key, message("'", wanted, "'"));
  }
}

NetworkSpec WeightMetadata::spec(bool teacher) const {
  const std::string& architecture = text("architecture");
  if (teacher) {
    want("architecture", kTeacherArchitecture);
  } else if (architecture == kTeacherArchitecture) {
    refuse("architecture", "that of a network, not of a teacher");
  }
  const std::string key = teacher ? "decoder" : "architecture";
  // Teachers of format 1 that do not name their decoder have that of the table's first row.
  const std::string value = has(key) ? text(key) : std::string(architectures().front().name);
  const Architecture* const row = find_architecture(value);
  if (row == nullptr) {
    refuse(key, "one of " + architecture_names());
  }
  want("format_version", kFormatVersion);
  NetworkSpec spec;
  spec.architecture = row->name;
  spec.scale = number("scale");
  spec.channels = channels(*row);
  for (const NetworkOption& known : row->options) {
    spec.options[known.name] = option(known);
  }
  return spec;
}

std::string WeightMetadata::known_architecture() const {
  const auto found = file_.metadata.find("architecture");
  return found != file_.metadata.end() && find_architecture(found->second) != nullptr
             ? found->second
             : "";
}

int WeightMetadata::known_scale(int wanted) const {
  if (wanted != 0 || !has("scale")) {
    return wanted;
  }
  const std::string& told = text("scale");
  const bool is_digit = told.size() == 1 && std::isdigit(static_cast<unsigned char>(told[0])) != 0;
  return is_digit ? told[0] - '0' : 0;
}

int WeightMetadata::scale(int wanted) const {
  const std::vector<int> several =
      has("scale") ? several_scales(text("scale")) : std::vector<int>{};
  if (wanted != 0 && std::ranges::find(several, wanted) != several.end()) {
    return wanted;
  }
  if (!several.empty()) {
    fail_weights(name_, message("these weights are for the scales ", text("scale")),
                 "-s chooses one");
  }
  if (has("scale")) {
    return number("scale");
  }
  if (wanted == 0) {
    fail_weights(name_, "metadata lack 'scale'", "-s tells it: 2, 3 or 4");
  }
  return wanted;
}

void WeightMetadata::add_options(const Architecture& row, NetworkSpec& spec) const {
  bool pads_either_way = false;
  for (const NetworkOption& known : row.options) {
    pads_either_way = pads_either_way || known.name == std::string(kReplicateOption);
    if (has(known.name)) {
      spec.options[known.name] = option(known);
    }
  }
  if (!has("padding")) {
    return;
  }
  const std::string& padding = text("padding");
  if (padding != "zero" && padding != "replicate") {
    refuse("padding", "'zero' or 'replicate'");
  }
  if (pads_either_way) {
    spec.options[kReplicateOption] = padding == "replicate";
  } else if (padding == "replicate") {
    refuse("padding", message("'zero' for ", row.name));
  }
}

void WeightMetadata::check_images(const NetworkSpec& spec) const {
  if (has("range")) {
    want("range", "0..1");
  }
  const std::string colour = has("colour") ? first_word(text("colour")) : "";
  if ((colour == "y" || colour == "rgb") && colour != colour_of(spec.channels)) {
    refuse("colour", message("'", colour_of(spec.channels), "' for tensors of these shapes"));
  }
}

int WeightMetadata::number(const std::string& key) const {
  const std::string& digits = text(key);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    refuse(key, "a number");
  }
  return value;
}

bool WeightMetadata::flag(const std::string& key) const {
  const std::string& word = text(key);
  if (word != "true" && word != "false") {
    refuse(key, "'true' or 'false'");
  }
  return word == "true";
}

OptionValue WeightMetadata::option(const NetworkOption& option) const {
  if (std::holds_alternative<bool>(option.default_value)) {
    return flag(option.name);
  }
  return number(option.name);
}

int WeightMetadata::channels(const Architecture& row) const {
  std::string colours;
  for (const int channels : row.channels) {
    if (text("colour") == colour_of(channels)) {
      return channels;
    }
    colours += message(colours.empty() ? "'" : " or '", colour_of(channels), '\'');
  }
  refuse("colour", colours);
}

void WeightMetadata::refuse(const std::string& key, const std::string& wanted) const {
  fail_weights(name_,
               message("metadata '", key, "' must be ", wanted, ", got ", in_quotes(text(key))));
}

}  // namespace pisr
