#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "pisr/train/config.h"
#include "pisr/train/config_fields.h"

namespace pisr {

namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(const std::string& text, const std::string& hint = "") {
  throw Error(ErrorKind::usage, text, hint);
}

/// One short ASCII line, whatever the value holds.
std::string quoted(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) {
    text.resize(57);
    text += "...";
  }
  return text;
}

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
  fail(message(source, ": unknown key ", quoted(Json(key))),
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
      fail(message(source, ": ", key, " must be an object, got ", quoted(value)));
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

std::string number(double value) {
  // JSON's shortest form; integers as such.
  return std::abs(value) < 1e15 && value == std::floor(value)
             ? std::to_string(static_cast<std::int64_t>(value))
             : Json(value).dump();
}

std::string wanted_number(const char* kind, const Range& range) {
  return std::isinf(range.high)
             ? message(kind, " of at least ", number(range.low))
             : message(kind, " from ", number(range.low), " to ", number(range.high));
}

/// Sets one member from JSON. Each function says in its error what it wants.
struct Reader {
  const Json& value;
  const ConfigField& field;
  const std::string& source;

  [[noreturn]] void must_be(const std::string& wanted) const {
    fail(message(source, ": ", field.key, " must be ", wanted, ", got ", quoted(value)));
  }

  double number_in_range(const char* kind) const {
    const std::string wanted = wanted_number(kind, field.range);
    if (!value.is_number()) {
      must_be(wanted);
    }
    const double result = value.get<double>();
    if (!(result >= field.range.low && result <= field.range.high)) {
      must_be(wanted);
    }
    return result;
  }
  template <class Integer>
  Integer integer() const {
    const double result = number_in_range("an integer");
    if (result != std::floor(result)) {
      must_be(wanted_number("an integer", field.range));
    }
    if (value.is_number_float()) {
      // 1e6 is how people write a million.
      if (!(std::abs(result) < 9e15)) {
        must_be(wanted_number("an integer", field.range));
      }
      return static_cast<Integer>(result);
    }
    return value.get<Integer>();
  }

  void operator()(int* member) const { *member = integer<int>(); }
  void operator()(std::int64_t* member) const { *member = integer<std::int64_t>(); }
  void operator()(std::uint64_t* member) const { *member = integer<std::uint64_t>(); }
  void operator()(double* member) const { *member = number_in_range("a number"); }
  void operator()(std::optional<std::int64_t>* member) const {
    *member = value.is_null() ? std::nullopt : std::optional(integer<std::int64_t>());
  }
  void operator()(std::optional<double>* member) const {
    *member = value.is_null() ? std::nullopt : std::optional(number_in_range("a number"));
  }
  void operator()(bool* member) const {
    if (!value.is_boolean()) {
      must_be("true or false");
    }
    *member = value.get<bool>();
  }
  void operator()(std::string* member) const {
    if (!value.is_string()) {
      must_be("a text");
    }
    *member = value.get<std::string>();
  }
  void operator()(std::vector<std::string>* member) const {
    if (value.is_string()) {
      *member = {value.get<std::string>()};
      return;
    }
    const bool texts = value.is_array() && std::all_of(value.begin(), value.end(),
                                                       [](const Json& v) { return v.is_string(); });
    if (!texts) {
      must_be("a list of texts");
    }
    *member = value.get<std::vector<std::string>>();
  }
  void operator()(const ChoiceMember& member) const {
    std::string names;
    for (std::size_t i = 0; i < member.names.size(); ++i) {
      if (value.is_string() && value.get<std::string>() == member.names[i]) {
        member.set(i);
        return;
      }
      names += i == 0 ? "" : ", ";
      names += member.names[i];
    }
    must_be("one of " + names);
  }
};

/// The JSON of one member.
struct Writer {
  template <class T>
  Json operator()(const T* member) const {
    return Json(*member);
  }
  template <class T>
  Json operator()(const std::optional<T>* member) const {
    return member->has_value() ? Json(**member) : Json(nullptr);
  }
  Json operator()(const ChoiceMember& member) const { return Json(member.names[member.get()]); }
};

Json to_json(const TrainConfig& config) {
  TrainConfig copy = config;
  Json root = Json::object();
  for (const ConfigField& field : config_fields(copy)) {
    put(root, field.key, std::visit(Writer{}, field.member));
  }
  return root;
}

/// JSON with comments; keys given twice, which a JSON library overlooks, are an error.
Json parse_json(std::string_view text, const std::string& source) {
  std::vector<std::set<std::string>> open;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      open.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == Json::parse_event_t::key &&
               !open.back().insert(parsed.get<std::string>()).second) {
      fail(message(source, ": key ", quoted(parsed), " is given twice"));
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
    fail(message(source, ": not JSON:", what));
  } catch (const Json::exception&) {
    fail(message(source, ": not JSON: a number is too large"));
  }
  if (!root.is_object()) {
    fail(message(source, ": must be a JSON object, got ", quoted(root)));
  }
  return root;
}

void apply_setting(Json& root, const std::string& setting, const std::vector<ConfigField>& fields) {
  const std::size_t equals = setting.find('=');
  if (equals == 0 || equals == std::string::npos) {
    fail(message("--set must be key=value, got ", quoted(Json(setting))));
  }
  const std::string key = setting.substr(0, equals);
  const std::string text = setting.substr(equals + 1);
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&](const ConfigField& f) { return f.key == key; });
  if (field == fields.end()) {
    const std::vector<std::string> known = all_keys(fields);
    if (std::find(known.begin(), known.end(), key) != known.end()) {
      fail("--set: " + key + " is a section, not a value");
    }
    fail_unknown("--set", key, fields);
  }
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded() || std::holds_alternative<std::string*>(field->member)) {
    value = text;
  }
  std::visit(Reader{value, *field, "--set"}, field->member);
  put(root, key, std::move(value));
}

/// Which options there are depends on the architecture: it is read before all other keys.
void choose_architecture(const Json& root, const std::string& source,
                         const std::vector<std::string>& settings, NetworkConfig& network) {
  const std::string key = "network.architecture";
  std::optional<Json> chosen;
  std::string where = source;
  if (root.contains("network") && root["network"].is_object() &&
      root["network"].contains("architecture")) {
    chosen = root["network"]["architecture"];
  }
  for (const std::string& setting : settings) {
    if (setting.starts_with(key + "=")) {
      chosen = setting.substr(key.size() + 1);
      where = "--set";
    }
  }
  if (!chosen) {
    return;
  }
  std::string name = chosen->is_string() ? chosen->get<std::string>() : "";
  // Written with quotes it is JSON.
  if (name.size() > 1 && name.front() == '"' && name.back() == '"') {
    name = name.substr(1, name.size() - 2);
  }
  std::string names;
  for (const Architecture& row : architectures()) {
    names += (names.empty() ? "" : ", ") + std::string(row.name);
    if (name == row.name) {
      static_cast<NetworkSpec&>(network) = default_spec(name);
      return;
    }
  }
  fail(message(where, ": ", key, " must be one of ", names, ", got ", quoted(*chosen)));
}

/// The option that a symbol of the paper stands for, e.g. feature_channels for d; null for none.
const char* option_of_symbol(const std::string& symbol, const NetworkConfig& network) {
  for (const NetworkOption& option : architecture(network.architecture).options) {
    if (!symbol.empty() && symbol == option.symbol) {
      return option.name;
    }
  }
  return nullptr;
}

/// Replaces symbols among the keys of "network" by the names that they stand for.
void spell_out_symbols(Json& root, const std::string& source, const NetworkConfig& network) {
  if (!root.contains("network") || !root["network"].is_object()) {
    return;
  }
  Json spelled = Json::object();
  for (const auto& [key, value] : root["network"].items()) {
    const char* const option = option_of_symbol(key, network);
    if (option != nullptr && root["network"].contains(option)) {
      fail(message(source, ": network.", key, " and ", option_key(option), " are the same option"));
    }
    spelled[option == nullptr ? key : std::string(option)] = value;
  }
  root["network"] = std::move(spelled);
}

/// The same for a setting "network.d=56".
std::string spelled_out(const std::string& setting, const NetworkConfig& network) {
  const std::string section = "network.";
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || !setting.starts_with(section)) {
    return setting;
  }
  const char* const option =
      option_of_symbol(setting.substr(section.size(), equals - section.size()), network);
  return option == nullptr ? setting : option_key(option) + setting.substr(equals);
}

std::string type_name(const ConfigField& field) {
  struct Namer {
    const Range& range;
    std::string integer() const { return wanted_number("integer", range); }
    std::string operator()(const int*) const { return integer(); }
    std::string operator()(const std::int64_t*) const { return integer(); }
    std::string operator()(const std::uint64_t*) const { return integer(); }
    std::string operator()(const double*) const { return wanted_number("number", range); }
    std::string operator()(const bool*) const { return "true or false"; }
    std::string operator()(const std::string*) const { return "text"; }
    std::string operator()(const std::vector<std::string>*) const { return "list of texts"; }
    std::string operator()(const std::optional<std::int64_t>*) const {
      return integer() + ", or null";
    }
    std::string operator()(const std::optional<double>*) const {
      return wanted_number("number", range) + ", or null";
    }
    std::string operator()(const ChoiceMember& member) const {
      std::string names;
      for (const std::string& choice : member.names) {
        names.append(names.empty() ? "`" : ", `").append(choice).append("`");
      }
      return names;
    }
  };
  return std::visit(Namer{field.range}, field.member);
}

std::string reference_row(const ConfigField& field, const std::string& help) {
  return message("| `", field.key, "` | ", type_name(field), " | `",
                 std::visit(Writer{}, field.member).dump(), "` | ", help, " |\n");
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
      std::visit(Reader{*value, field, source}, field.member);
    }
  }
  check_config(config);
  return config;
}

TrainConfig read_config(const std::filesystem::path& path,
                        const std::vector<std::string>& settings) {
  const auto cannot_read = [&](const std::string& why) {
    fail(message("cannot read configuration '", path.string(), "': ", why));
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
    fail("configuration: a path or name is not UTF-8");
  }
}

std::string config_reference() {
  TrainConfig config;
  std::ostringstream text;
  text << "# Configuration\n\n"
          "`pisr_train --config FILE` reads JSON; `//` and `/* */` comments are allowed. Every key "
          "has a default, so a\n"
          "file names only what differs. `--set a.b=c` puts one value over the file's; "
          "`--print-config` prints the result.\n"
          "A key that is not in this table is an error. This page is what `pisr_train "
          "--help-config` prints.\n\n"
          "| key | value | default | meaning |\n|---|---|---|---|\n";
  std::vector<std::string> options;
  for (const Architecture& row : architectures()) {
    for (const NetworkOption& option : row.options) {
      options.push_back(option_key(option.name));
    }
  }
  const auto is_option = [&](const ConfigField& field) {
    return std::ranges::find(options, field.key) != options.end();
  };
  for (const ConfigField& field : config_fields(config)) {
    if (!is_option(field)) {
      text << reference_row(field, field.help);
    }
  }
  text << "\nThe options of a network depend on `network.architecture`. The letter of the paper, "
          "where "
          "there is one, is understood too.\n";
  for (const Architecture& row : architectures()) {
    static_cast<NetworkSpec&>(config.network) = default_spec(row.name);
    text << "\n`" << row.name << "`:\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
    std::size_t next = 0;
    for (const ConfigField& field : config_fields(config)) {
      if (is_option(field)) {
        const std::string symbol = row.options[next++].symbol;
        text << reference_row(field,
                              field.help + (symbol.empty() ? "" : " (`network." + symbol + "`)"));
      }
    }
  }
  return text.str();
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
