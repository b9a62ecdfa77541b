#include "tools/option_list.h"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace pisr {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> others) {
  return std::ranges::find(others, text) != others.end();
}

/// Those of "{one,other}" or "{one, other}"; none where there are no braces.
std::vector<std::string> choices_of(const std::string& type) {
  std::vector<std::string> choices;
  const std::size_t begin = type.find('{');
  if (begin != std::string::npos && type.back() == '}') {
    std::istringstream words(type.substr(begin + 1, type.size() - begin - 2));
    for (std::string word; std::getline(words >> std::ws, word, ',');) {
      choices.push_back(word);
    }
  }
  return choices;
}

/// `type` as CLI11 tells it: "INT", "INT:{2,3,4}", "INT:INT in [0 - 9]", "{one, other}".
void describe_value(const std::string& type, ProgramOption& option) {
  option.choices = choices_of(type);
  option.value_name = type.substr(0, type.find(':'));
  const std::string& name = option.value_name;
  if (!option.choices.empty()) {
    option.value = ProgramOption::Value::choice;
    option.value_name = "VALUE";
  } else if (is_one_of(name, {"INT", "UINT", "FLOAT"})) {
    option.value = ProgramOption::Value::number;
  } else if (is_one_of(name, {"FILE", "PATH"})) {
    option.value = ProgramOption::Value::file;
  } else if (name == "FOLDER") {
    option.value = ProgramOption::Value::folder;
  } else {
    option.value = ProgramOption::Value::other;
  }
}

}  // namespace

std::vector<ProgramOption> options_of(const CLI::App& app) {
  std::vector<ProgramOption> list;
  for (const CLI::Option* const item : app.get_options()) {
    if (item->get_group().empty()) {
      continue;
    }
    ProgramOption option;
    option.short_names = item->get_snames();
    option.long_names = item->get_lnames();
    if (item->get_positional()) {
      option.positional = item->get_name(true);
    }
    if (item->get_items_expected_max() > 0) {
      describe_value(item->get_type_name(), option);
    }
    option.description = item->get_description();
    option.default_value = item->get_default_str();
    option.takes_several = item->get_items_expected_max() > 1;
    option.required = item->get_required();
    list.push_back(option);
  }
  return list;
}

std::string up_to(const std::string& text, std::initializer_list<const char*> marks) {
  std::size_t end = text.size();
  for (const char* const mark : marks) {
    end = std::min(end, text.find(mark));
  }
  return text.substr(0, end);
}

}  // namespace pisr
