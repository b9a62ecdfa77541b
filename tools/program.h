#pragma once

#include <exception>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace pisr {

/// The main function of every program: parses the command line and runs `body`. An exception
/// becomes one line `PROGRAM: error: ...` on stderr, a line `hint: ...` where there is one, and its
/// exit code of docs/exit-codes.md. -h and -V print to stdout and return 0. stdout is flushed; a
/// failure of that, such as a full disk, is an output error.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

/// Prints these lines for a caught exception and returns its exit code.
int report_failure(const std::string& program, std::exception_ptr failure);

/// Prints `PROGRAM: warning: ...` on stderr.
void warn(const std::string& program, const std::string& text);

/// Prints `PROGRAM: note: ...` on stderr.
void note(const std::string& program, const std::string& text);

/// The program's version, as -V prints it.
std::string version_text(const std::string& program);

}  // namespace pisr
