#include "tools/program.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <map>
#include <new>
#include <stdexcept>
#include <streambuf>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include "core/agreement.h"
#include "core/error.h"
#include "core/instruction_set.h"
#include "core/printable.h"
#include "core/version.h"
#include "tools/completion.h"
#include "tools/man_page.h"

namespace pisr {
namespace {

/// Of a program that a signal has stopped: 128 and its number.
constexpr int kStopped = 128;

/// A fault of the program and not of what it was given.
Error internal_error(const std::string& program, const std::string& what) {
  return {kInternalError, "internal error: " + what,
          "this is a fault of " + program + "; please report it with the command"};
}

Error no_memory() {
  return {ErrorKind::memory, "not enough memory"};
}

bool is_one_of(const std::error_code& code, std::initializer_list<int> numbers) {
  for (const int number : numbers) {
    if (code == std::error_code(number, std::generic_category())) {
      return true;
    }
  }
  return false;
}

/// Whether a call of the file system was to change something: by its reason, or by what the
/// standard library says it was about.
bool is_of_output(const std::filesystem::filesystem_error& error) {
  if (is_one_of(error.code(), {ENOSPC, EDQUOT, EFBIG, EROFS, EEXIST, ENOTEMPTY, EXDEV, ETXTBSY})) {
    return true;
  }
  const std::string_view what = error.what();
  for (const char* word : {"create", "remove", "rename", "copy", "resize", "permissions", "link"}) {
    if (what.find(std::string("cannot ") + word) != std::string_view::npos ||
        what.find(std::string("cannot set ") + word) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

Error of_system(const std::string& program, const std::system_error& error) {
  if (is_one_of(error.code(), {ENOMEM})) {
    return no_memory();
  }
  if (is_one_of(error.code(), {EAGAIN})) {
    return {ErrorKind::memory,
            std::string("the system refuses threads or other resources: ") + error.what(),
            "fewer threads may help: -j"};
  }
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    return {is_of_output(*file) ? ErrorKind::output : ErrorKind::input, error.what()};
  }
  return internal_error(program, error.what());
}

/// Adds --generate, which the build makes manuals and completions with; the help does not show it.
void add_generate_option(CLI::App& app) {
  using Generator = std::string (*)(const CLI::App&);
  static const std::map<std::string, Generator> kGenerators = {{"man", man_page},
                                                               {"bash", bash_completion},
                                                               {"zsh", zsh_completion},
                                                               {"fish", fish_completion}};
  app.add_option_function<std::string>(
         "--generate",
         [&app](const std::string& what) {
           std::cout << kGenerators.at(what)(app);
           throw CLI::Success();
         },
         "Print the manual page, or the completion of a shell")
      ->check(CLI::IsMember(kGenerators))
      ->group("");
}

/// While it lives, and where it is wanted, what is printed to stdout goes nowhere.
class Silence {
 public:
  explicit Silence(bool wanted) : former_(wanted ? std::cout.rdbuf(&nowhere_) : nullptr) {}
  ~Silence() {
    if (former_ != nullptr) {
      std::cout.rdbuf(former_);
    }
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  struct Nowhere : std::streambuf {
    int overflow(int character) override { return traits_type::not_eof(character); }
  };
  Nowhere nowhere_;
  std::streambuf* former_;
};

/// The exit code of a program that ends by this exception, once it has said why.
int end_of(const CLI::App& app, const Communicator* ranks, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (...) {
    Error error = described(app.get_name(), std::current_exception());
    if (!is_first(ranks)) {
      error =
          Error(error.kind(), message("rank ", ranks->rank(), ": ", error.what()), error.hint());
    }
    print_error(app.get_name(), error);
    return static_cast<int>(error.kind());
  }
}

}  // namespace

Error described(const std::string& program, std::exception_ptr failure) {
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& error) {
    const int code = static_cast<int>(error.kind());
    if (code < static_cast<int>(ErrorKind::usage) || code > static_cast<int>(ErrorKind::numeric)) {
      return internal_error(program, error.what());
    }
    return error;
  } catch (const std::bad_alloc&) {
    return no_memory();
  } catch (const std::length_error&) {
    return no_memory();  // a container larger than any memory
  } catch (const std::system_error& error) {
    return of_system(program, error);
  } catch (const CLI::Error& error) {
    return {ErrorKind::usage, error.what(), program + " -h lists the options"};
  } catch (const nlohmann::json::parse_error& error) {
    return {ErrorKind::input, std::string("not JSON: ") + error.what()};
  } catch (const std::exception& error) {
    return internal_error(program, error.what());
  } catch (...) {
    return internal_error(program, "an exception of an unknown type");
  }
}

void print_error(const std::string& program, const Error& error) {
  std::cout.flush();
  std::cerr << program << ": error: " << printable(std::string(error.what())) << '\n';
  if (!error.hint().empty()) {
    std::cerr << "hint: " << printable(error.hint()) << '\n';
  }
}

int report_failure(const std::string& program, std::exception_ptr failure) {
  const Error error = described(program, std::move(failure));
  print_error(program, error);
  return static_cast<int>(error.kind());
}

void warn(const std::string& program, const std::string& text) {
  std::cout.flush();
  std::cerr << program << ": warning: " << printable(text) << '\n';
}

void note(const std::string& program, const std::string& text) {
  std::cout.flush();
  std::cerr << program << ": note: " << printable(text) << '\n';
}

std::string version_text(const std::string& program) {
  return program + " " + version();
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  return run_program(app, argc, argv, nullptr, body);
}

int run_program(CLI::App& app, int argc, char** argv, Communicator* ranks,
                const std::function<int()>& body) {
  const std::string program = app.get_name();
  const Silence silence(!is_first(ranks));
  std::signal(SIGXFSZ, SIG_IGN);
  app.set_version_flag("-V,--version", version_text(program), "Print the version");
  add_generate_option(app);
  int code = 0;
  try {
    try {
      agree(ranks, [&] {
        app.parse(argc, argv);
        apply_instruction_set_choice();  // before anything is written
      });
      code = body();
    } catch (const CLI::Success& help_or_version) {
      code = app.exit(help_or_version);
    }
  } catch (const AgreedFailure& failure) {
    if (failure.cause()) {
      code = end_of(app, ranks, failure.cause());
    }
    broadcast_number(ranks, code, failure.rank());
    return code;
  } catch (...) {
    code = end_of(app, ranks, std::current_exception());
    if (ranks != nullptr) {
      ranks->abort(code);
    }
    return code;
  }
  if (!std::cout.flush() && code <= kStopped) {
    const Error error(ErrorKind::output, "cannot write to the standard output");
    print_error(program, error);
    return static_cast<int>(error.kind());
  }
  return code;
}

}  // namespace pisr
