#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json_names.h"
#include "pisr/train/config.h"
#include "pisr/train/config_network.h"
#include "pisr/train/config_values.h"

namespace pisr {

namespace {

using Json = ConfigJson;

/// The number of insertions, deletions and replacements between two words (Levenshtein).
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string last_part(const std::string& key) {
  return key.substr(key.rfind('.') + 1);
}

/// Every key of a value or a section.
std::vector<std::string> all_keys(const std::vector<ConfigField>& fields) {
  std::vector<std::string> keys;
  for (const ConfigField& field : fields) {
    for (std::size_t dot = field.key.find('.'); dot != std::string::npos;
         dot = field.key.find('.', dot + 1)) {
      const std::string section = field.key.substr(0, dot);
      if (std::find(keys.begin(), keys.end(), section) == keys.end()) {
        keys.push_back(section);
      }
    }
    keys.push_back(field.key);
  }
  return keys;
}

[[noreturn]] void fail_unknown(const std::string& source, const std::string& key,
                               const std::vector<ConfigField>& fields) {
  std::string nearest;
  std::size_t least = std::string::npos;
  for (const std::string& known : all_keys(fields)) {
    // The right name in the wrong section is as near as one letter.
    const bool same_name = last_part(known) == last_part(key);
    const std::size_t distance = same_name ? 1 : edit_distance(key, known);
    if (distance < least) {
      least = distance;
      nearest = known;
    }
  }
  const bool near = least <= std::max<std::size_t>(3, key.size() / 3);
  refuse(message(source, ": unknown key ", quoted(Json(key))),
         near ? "did you mean '" + nearest + "'?" : "pisr_train --help-config lists all keys");
}

/// Throws for a key that is neither a field's nor a section's.
void check_keys(const Json& object, const std::string& prefix, const std::string& source,
                const std::vector<ConfigField>& fields) {
  for (const auto& [name, value] : object.items()) {
    std::string key = prefix;
    key.append(prefix.empty() ? "" : ".").append(name);
    const bool is_field = std::any_of(fields.begin(), fields.end(),
                                      [&](const ConfigField& field) { return field.key == key; });
    if (is_field) {
      continue;
    }
    const bool is_section =
        std::any_of(fields.begin(), fields.end(), [&](const ConfigField& field) {
          return field.key.compare(0, key.size() + 1, key + ".") == 0;
        });
    if (!is_section) {
      fail_unknown(source, key, fields);
    }
    if (!value.is_object()) {
      refuse(message(source, ": ", key, " must be an object, got ", quoted(value)));
    }
    check_keys(value, key, source, fields);
  }
}

/// The value at a path of names joined by dots; null where there is none.
const Json* find(const Json& root, const std::string& key) {
  const Json* place = &root;
  std::istringstream parts(key);
  for (std::string part; std::getline(parts, part, '.');) {
    const auto found = place->find(part);
    if (found == place->end()) {
      return nullptr;
    }
    place = &*found;
  }
  return place;
}

void put(Json& root, const std::string& key, Json value) {
  Json* place = &root;
  std::istringstream parts(key);
  for (std::string part; std::getline(parts, part, '.');) {
    if (!place->is_object()) {
      *place = Json::object();
    }
    place = &(*place)[part];
  }
  *place = std::move(value);
}

Json to_json(const TrainConfig& config) {
  TrainConfig copy = config;
  Json root = Json::object();
  for (const ConfigField& field : config_fields(copy)) {
    put(root, field.key, value_of(field));
  }
  return root;
}

/// JSON with comments; keys given twice, which a JSON library overlooks, are an error.
Json parse_json(std::string_view text, const std::string& source) {
  RepeatedNames<Json> repeated;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (repeated.find(event, parsed) != nullptr) {
      refuse(message(source, ": key ", quoted(parsed), " is given twice"));
    }
    return true;
  };
  Json root;
  try {
    root = Json::parse(text.begin(), text.end(), callback, true, true);
  } catch (const Json::parse_error& error) {
    // The library's text begins with its own error number in brackets.
    std::string what = error.what();
    what = what.substr(what.find(']') + 1);
    std::replace_if(
        what.begin(), what.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    refuse(message(source, ": not JSON:", what));
  } catch (const Json::exception&) {
    refuse(message(source, ": not JSON: a number is too large"));
  }
  if (!root.is_object()) {
    refuse(message(source, ": must be a JSON object, got ", quoted(root)));
  }
  return root;
}

void apply_setting(Json& root, const std::string& setting, const std::vector<ConfigField>& fields) {
  const std::size_t equals = setting.find('=');
  if (equals == 0 || equals == std::string::npos) {
    refuse(message("--set must be key=value, got ", quoted(Json(setting))));
  }
  const std::string key = setting.substr(0, equals);
  const std::string text = setting.substr(equals + 1);
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&](const ConfigField& f) { return f.key == key; });
  if (field == fields.end()) {
    const std::vector<std::string> known = all_keys(fields);
    if (std::find(known.begin(), known.end(), key) != known.end()) {
      refuse("--set: " + key + " is a section, not a value");
    }
    fail_unknown("--set", key, fields);
  }
  Json value = Json::parse(text, nullptr, false);
  // What a person types for a name, 302003 or 1e5, need not be JSON's text.
  const bool is_name = std::holds_alternative<std::string*>(field->member) ||
                       (std::holds_alternative<std::vector<std::string>*>(field->member) &&
                        !value.is_array() && !value.is_object() && !value.is_string());
  if (value.is_discarded() || is_name) {
    value = text;
  }
  read_value(value, *field, "--set");
  put(root, key, std::move(value));
}

}  // namespace

TrainConfig parse_config(std::string_view json, const std::string& source,
                         const std::vector<std::string>& settings) {
  TrainConfig config;
  Json root = parse_json(json, source);
  choose_architecture(root, source, settings, config.network);
  const std::vector<ConfigField> fields = config_fields(config);
  spell_out_symbols(root, source, config.network);
  check_keys(root, "", source, fields);
  for (const std::string& setting : settings) {
    apply_setting(root, spelled_out(setting, config.network), fields);
  }
  for (const ConfigField& field : fields) {
    if (const Json* value = find(root, field.key)) {
      read_value(*value, field, source);
    }
  }
  check_config(config);
  return config;
}

TrainConfig read_config(const std::filesystem::path& path,
                        const std::vector<std::string>& settings) {
  const auto cannot_read = [&](const std::string& why) {
    refuse(message("cannot read configuration '", path.string(), "': ", why));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    cannot_read("is a folder");
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream.is_open()) {
    cannot_read(std::strerror(errno));
  }
  std::ostringstream buffer;
  buffer << stream.rdbuf();
  const std::string text = buffer.str();
  return parse_config(text, path.string(), settings);
}

std::string config_json(const TrainConfig& config) {
  try {
    return to_json(config).dump(2) + "\n";
  } catch (const Json::type_error&) {
    refuse("configuration: a path or name is not UTF-8");
  }
}

std::vector<ConfigDifference> config_differences(const TrainConfig& before,
                                                 const TrainConfig& after) {
  const Json first = to_json(before);
  const Json second = to_json(after);
  std::vector<ConfigDifference> differences;
  const auto add = [&](const std::string& key) {
    // An option that only one of two architectures has differs from nothing.
    const Json* const a = find(first, key);
    const Json* const b = find(second, key);
    if (a != nullptr && b != nullptr && *a != *b) {
      differences.push_back({key, quoted(*a), quoted(*b)});
    }
  };
  TrainConfig copy = before;
  for (const ConfigField& field : config_fields(copy)) {
    add(field.key);
  }
  return differences;
}

}  // namespace pisr
