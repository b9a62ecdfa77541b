#pragma once

#include <exception>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace pisr {

/// The main of every program: parses the command line, runs `body` and turns whatever they throw
/// into one line `PROGRAM: error: ...` on stderr, a line `hint: ...` where there is one, and the
/// exit code of docs/exit-codes.md. -h and -V print to stdout and give 0. What was written to
/// stdout is flushed; where that fails (a full disk) the code is that of an output error.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

/// Prints the two lines and gives the exit code of an exception that was caught.
int report_failure(const std::string& program, std::exception_ptr failure);

/// Prints `PROGRAM: warning: ...` on stderr.
void warn(const std::string& program, const std::string& text);

/// Prints `PROGRAM: note: ...` on stderr.
void note(const std::string& program, const std::string& text);

/// The program's version, as -V prints it.
std::string version_text(const std::string& program);

}  // namespace pisr
