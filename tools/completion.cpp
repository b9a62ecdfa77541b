#include "tools/completion.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

#include "tools/option_list.h"

namespace pisr {
namespace {

using Value = ProgramOption::Value;

/// Puts `escape` before each of `characters`.
std::string escaped(const std::string& text, std::string_view characters, std::string_view escape) {
  std::string result;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos) {
      result += escape;
    }
    result += c;
  }
  return result;
}

/// Between single quotes, as all three shells read it: 'it'\''s'.
std::string quoted(const std::string& text) {
  return "'" + escaped(text, "'", "'\\'") + "'";
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : between) + word;
  }
  return text;
}

/// "-s", "--scale".
std::vector<std::string> dashed_names(const ProgramOption& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.short_names) {
    names.push_back("-" + name);
  }
  for (const std::string& name : option.long_names) {
    names.push_back("--" + name);
  }
  return names;
}

std::string line_of(const ProgramOption& option) {
  return up_to(option.description, {";", ". "});
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const std::string program = app.get_name();
  std::vector<std::string> all;
  std::ostringstream cases;
  for (const ProgramOption& option : options_of(app)) {
    const std::vector<std::string> names = dashed_names(option);
    all.insert(all.end(), names.begin(), names.end());
    if (names.empty() || option.value == Value::none) {
      continue;
    }
    cases << "    " << joined(names, "|") << ") ";
    if (option.value == Value::choice) {
      cases << "mapfile -t COMPREPLY < <(compgen -W " << quoted(joined(option.choices, " "))
            << " -- \"$word\"); return ;;\n";
    } else if (option.value == Value::file) {
      cases << "kind=-f ;;\n";
    } else if (option.value == Value::folder) {
      cases << "kind=-d ;;\n";
    } else {
      cases << "return ;;\n";
    }
  }
  std::ostringstream out;
  out << "# Completion of " << program << " by bash, made by " << program << " --generate bash.\n"
      << '_' << program << "() {\n"
      << "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} kind=\n"
      << "  COMPREPLY=()\n"
      << "  # --name=value is three words.\n"
      << "  if [[ $word == = ]]; then\n"
      << "    word=\n"
      << "  elif [[ $before == = ]]; then\n"
      << "    before=${COMP_WORDS[COMP_CWORD - 2]}\n"
      << "  fi\n"
      << "  case $before in\n"
      << cases.str() << "  esac\n"
      << "  if [[ -z $kind && $word == -* ]]; then\n"
      << "    mapfile -t COMPREPLY < <(compgen -W " << quoted(joined(all, " "))
      << " -- \"$word\")\n"
      << "    return\n"
      << "  fi\n"
      << "  compopt -o filenames 2>/dev/null\n"
      << "  mapfile -t COMPREPLY < <(compgen \"${kind:--f}\" -- \"$word\")\n"
      << "}\n"
      << "complete -F _" << program << ' ' << program << '\n';
  return out.str();
}

std::string zsh_completion(const CLI::App& app) {
  const std::string program = app.get_name();
  std::ostringstream out;
  out << "#compdef " << program << "\n# Made by " << program << " --generate zsh.\n_arguments -s";
  for (const ProgramOption& option : options_of(app)) {
    std::string value;
    if (option.value != Value::none) {
      // A colon is between the parts of a specification.
      value = ":" + escaped(option.value_name, ":\\", "\\") + ":";
      if (option.value == Value::choice) {
        value += "(" + joined(option.choices, " ") + ")";
      } else if (option.value == Value::file) {
        value += "_files";
      } else if (option.value == Value::folder) {
        value += "_files -/";
      }
    }
    const std::vector<std::string> names = dashed_names(option);
    const std::string text = "[" + escaped(line_of(option), "[]\\", "\\") + "]";
    for (const std::string& name : names) {
      const std::string others = option.takes_several ? "*" : "(" + joined(names, " ") + ")";
      const bool is_long = name.starts_with("--") && option.value != Value::none;
      out << " \\\n  " << quoted(others + name + (is_long ? "=" : "") + text + value);
    }
    if (!option.positional.empty()) {
      out << " \\\n  " << quoted("*:" + option.positional + ":_files");
    }
  }
  out << '\n';
  return out.str();
}

std::string fish_completion(const CLI::App& app) {
  const std::string program = app.get_name();
  std::ostringstream out;
  out << "# Completion of " << program << " by fish, made by " << program << " --generate fish.\n";
  for (const ProgramOption& option : options_of(app)) {
    if (!option.is_option()) {
      continue;
    }
    out << "complete -c " << program;
    for (const std::string& name : option.short_names) {
      out << " -s " << name;
    }
    for (const std::string& name : option.long_names) {
      out << " -l " << name;
    }
    switch (option.value) {
      case Value::none:
        break;
      case Value::choice:
        out << " -x -a " << quoted(joined(option.choices, " "));
        break;
      case Value::file:
        out << " -r -F";
        break;
      case Value::folder:
        out << " -x -a '(__fish_complete_directories)'";
        break;
      case Value::number:
      case Value::other:
        out << " -x";
        break;
    }
    // fish, alone of the three, takes a backslash between quotes for its own.
    out << " -d '" << escaped(line_of(option), "'\\", "\\") << "'\n";
  }
  return out.str();
}

}  // namespace pisr
