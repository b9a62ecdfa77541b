#include "tools/program.h"

#include <filesystem>
#include <iostream>
#include <new>

#include "core/error.h"
#include "core/instruction_set.h"

namespace pisr {
namespace {

/// A path may contain control characters, which must not break the line.
std::string one_line(std::string text) {
  for (char& character : text) {
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7F) {
      character = '?';
    }
  }
  return text;
}

int fail(const std::string& program, ErrorKind kind, const std::string& what,
         const std::string& hint = "") {
  std::cout.flush();
  std::cerr << program << ": error: " << one_line(what) << '\n';
  if (!hint.empty()) {
    std::cerr << "hint: " << one_line(hint) << '\n';
  }
  return static_cast<int>(kind);
}

}  // namespace

int report_failure(const std::string& program, std::exception_ptr failure) {
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& error) {
    return fail(program, error.kind(), error.what(), error.hint());
  } catch (const std::bad_alloc&) {
    return fail(program, ErrorKind::memory, "not enough memory");
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(program, ErrorKind::input, error.what());
  } catch (const std::exception& error) {
    std::cerr << program << ": error: " << one_line(error.what()) << '\n';
    return 1;
  }
}

void warn(const std::string& program, const std::string& text) {
  std::cout.flush();
  std::cerr << program << ": warning: " << one_line(text) << '\n';
}

void note(const std::string& program, const std::string& text) {
  std::cout.flush();
  std::cerr << program << ": note: " << one_line(text) << '\n';
}

std::string version_text(const std::string& program) {
  return program + " " PISR_VERSION;
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  const std::string program = app.get_name();
  app.set_version_flag("-V,--version", version_text(program), "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error);  // -h, -V
    }
    return fail(program, ErrorKind::usage, error.what(), program + " -h lists the options");
  }
  int code = 0;
  try {
    apply_instruction_set_choice();  // before anything is written
    code = body();
  } catch (...) {
    return report_failure(program, std::current_exception());
  }
  if (!std::cout.flush()) {
    return fail(program, ErrorKind::output, "cannot write to the standard output");
  }
  return code;
}

}  // namespace pisr
