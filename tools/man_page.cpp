#include "tools/man_page.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>
#include <vector>

#include "core/error.h"
#include "tools/option_list.h"
#include "tools/program.h"

namespace pisr {
namespace {

/// docs/exit-codes.md tells more.
constexpr std::array<std::pair<int, const char*>, 9> kExitCodes = {{
    {0, "done"},
    {1, "some of several inputs failed; the others were done"},
    {static_cast<int>(ErrorKind::usage), "a wrong argument, configuration value or shape"},
    {static_cast<int>(ErrorKind::input), "an image or data set that cannot be read"},
    {static_cast<int>(ErrorKind::output), "a file or folder that cannot be written"},
    {static_cast<int>(ErrorKind::weights), "weights or a checkpoint that cannot be used"},
    {static_cast<int>(ErrorKind::device), "a device that is missing or has failed"},
    {static_cast<int>(ErrorKind::memory),
     "not enough memory or threads, or a size above its limit"},
    {static_cast<int>(ErrorKind::numeric), "a value that is not finite, or an internal error"},
}};

/// Text of a line: what troff would take for its own is escaped.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (c == '\'') {
      result += "\\(aq";
    } else if (c == '\n') {
      result += ' ';
    } else if (c == '.' && result.empty()) {
      result += "\\&.";
    } else {
      result += c;
    }
  }
  return result;
}

std::string bold(const std::string& text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : between) + word;
  }
  return text;
}

/// The value of an option behind its names, with a space before it.
std::string value_text(const ProgramOption& option) {
  if (option.value == ProgramOption::Value::none) {
    return "";
  }
  std::string text = " ";
  if (option.value == ProgramOption::Value::choice) {
    std::vector<std::string> choices;
    for (const std::string& choice : option.choices) {
      choices.push_back(bold(choice));
    }
    text += joined(choices, "|");
  } else {
    text += italic(option.value_name);
  }
  return option.takes_several ? text + " ..." : text;
}

void print_synopsis(std::ostream& out, const std::string& program,
                    const std::vector<ProgramOption>& options) {
  out << ".SH SYNOPSIS\n" << bold(program) << " [" << italic("option") << " ...]";
  for (const ProgramOption& option : options) {
    if (!option.positional.empty()) {
      const std::string name =
          italic(option.positional) + (option.takes_several ? " ..." : std::string());
      out << ' ' << (option.required ? name : "[" + name + "]");
    }
  }
  out << '\n';
}

void print_option(std::ostream& out, const ProgramOption& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.short_names) {
    names.push_back(bold("-" + name));
  }
  for (const std::string& name : option.long_names) {
    names.push_back(bold("--" + name));
  }
  out << ".TP\n";
  if (names.empty()) {
    out << italic(option.positional) << '\n';
  } else {
    out << joined(names, ", ") << value_text(option) << '\n';
  }
  out << escaped(option.description) << '.';
  if (!option.default_value.empty()) {
    out << " Default: " << escaped(option.default_value) << '.';
  }
  out << '\n';
}

void print_exit_status(std::ostream& out) {
  out << ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExitCodes) {
    out << ".TP\n" << code << '\n' << escaped(meaning) << '\n';
  }
  out << ".TP\n129, 130, 143\nstopped by SIGHUP, SIGINT or SIGTERM\n";
}

void print_environment(std::ostream& out) {
  out << ".SH ENVIRONMENT\n"
      << ".TP\n"
      << bold("PISR_ISA")
      << "\nThe instruction set of all kernels: avx512, avx2, sse4, neon or portable.\n"
      << ".TP\n"
      << bold("PISR_BACKEND") << "\nThe back end without " << bold("--backend")
      << ": own, eigen or cudnn.\n";
}

void print_see_also(std::ostream& out, const std::string& program) {
  std::vector<std::string> others;
  std::istringstream programs(PISR_PROGRAM_NAMES);
  for (std::string other; programs >> other;) {
    if (other != program) {
      others.push_back(bold(other) + "(1)");
    }
  }
  out << ".SH SEE ALSO\n" << joined(others, ",\n") << '\n';
}

}  // namespace

std::string man_page(const CLI::App& app) {
  const std::string program = app.get_name();
  const std::vector<ProgramOption> options = options_of(app);
  std::ostringstream out;
  // Without a date: two builds of one source give the same page.
  out << ".TH " << upper_case(program) << " 1 \"\" \"" << version_text("pisr")
      << "\" \"User commands\"\n"
      << ".SH NAME\n"
      << program << " \\- " << escaped(up_to(app.get_description(), {",", ";", ":"})) << '\n';
  print_synopsis(out, program, options);
  out << ".SH DESCRIPTION\n" << escaped(app.get_description()) << ".\n";
  if (!app.get_footer().empty()) {
    out << ".PP\n" << escaped(app.get_footer()) << '\n';
  }
  out << ".SH OPTIONS\n";
  for (const ProgramOption& option : options) {
    print_option(out, option);
  }
  print_exit_status(out);
  print_environment(out);
  print_see_also(out, program);
  return out.str();
}

}  // namespace pisr
