#pragma once

#include <exception>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "core/communicator.h"
#include "core/error.h"

namespace pisr {

/// The exit code of an error that is the program's own fault, and of any exception that nobody
/// foresaw: as for a wrong number, the result is not to be trusted.
inline constexpr ErrorKind kInternalError = ErrorKind::numeric;

/// As an output path: the standard output.
inline constexpr const char* kStdout = "-";

/// The main function of every program: parses the command line and runs `body`. An exception
/// becomes one line `PROGRAM: error: ...` on stderr, a line `hint: ...` where there is one, and its
/// exit code of docs/exit-codes.md. -h and -V print to stdout and return 0, as does the hidden
/// --generate man|bash|zsh|fish: the manual page, or the completion of a shell. stdout is flushed;
/// a failure of that, such as a full disk, is an output error, unless a signal has stopped the
/// program. A limit on the size of files (ulimit -f) is an output error too, and no deadly signal.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

/// run_program() of one rank of a job; null `ranks`: alone. Rank 0 prints to stdout, the others
/// nowhere. A failure that all ranks know of (AgreedFailure, and what is wrong with the command
/// line) is printed by the rank it happened on, and all return its exit code. After any other one
/// the rank prints it and ends all by Communicator::abort(). Lines of other ranks than 0 name the
/// rank. `body` has to return the same on all ranks.
int run_program(CLI::App& app, int argc, char** argv, Communicator* ranks,
                const std::function<int()>& body);

/// What these lines tell of a caught exception, of whatever type. Of one that nobody foresaw the
/// kind is kInternalError.
Error described(const std::string& program, std::exception_ptr failure);

/// Prints these lines for a caught exception, of whatever type, and returns its exit code, 2 to 8.
int report_failure(const std::string& program, std::exception_ptr failure);

/// Prints them.
void print_error(const std::string& program, const Error& error);

/// Prints `PROGRAM: warning: ...` on stderr.
void warn(const std::string& program, const std::string& text);

/// Prints `PROGRAM: note: ...` on stderr.
void note(const std::string& program, const std::string& text);

/// The program's version, as -V prints it.
std::string version_text(const std::string& program);

}  // namespace pisr
