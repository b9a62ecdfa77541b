#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/catch.h"
#include "tools/program.h"

namespace pisr {
namespace {

struct Reported {
  int code;
  std::string text;
};

template <class Exception>
Reported reported(const Exception& exception) {
  const std::ostringstream captured;
  std::streambuf* const before = std::cerr.rdbuf(captured.rdbuf());
  const int code = report_failure("program", std::make_exception_ptr(exception));
  std::cerr.rdbuf(before);
  return {code, captured.str()};
}

std::system_error system_failure(std::errc code) {
  return std::system_error(std::make_error_code(code), "what was done");
}

std::filesystem::filesystem_error file_failure(const std::string& what, std::errc code) {
  return {what, "a/b", std::make_error_code(code)};
}

nlohmann::json json_of(const std::string& text) {
  return nlohmann::json::parse(text);
}

Reported reported_by(void (*body)()) {
  try {
    body();
  } catch (...) {
    const std::ostringstream captured;
    std::streambuf* const before = std::cerr.rdbuf(captured.rdbuf());
    const int code = report_failure("program", std::current_exception());
    std::cerr.rdbuf(before);
    return {code, captured.str()};
  }
  return {0, ""};
}

TEST_CASE("every exception has its exit code, and none is 1", "[tools]") {
  const std::vector<std::pair<Reported, int>> table = {
      {reported(Error(ErrorKind::usage, "x")), 2},
      {reported(Error(ErrorKind::input, "x")), 3},
      {reported(Error(ErrorKind::output, "x")), 4},
      {reported(Error(ErrorKind::weights, "x")), 5},
      {reported(Error(ErrorKind::device, "x")), 6},
      {reported(Error(ErrorKind::memory, "x")), 7},
      {reported(Error(ErrorKind::numeric, "x")), 8},
      {reported(ShapeError("x")), 2},
      {reported(std::bad_alloc()), 7},
      {reported(std::bad_array_new_length()), 7},
      {reported(std::length_error("vector::reserve")), 7},
      {reported_by([] { std::vector<char>().reserve(static_cast<std::size_t>(-1)); }), 7},
      {reported(system_failure(std::errc::not_enough_memory)), 7},
      {reported(system_failure(std::errc::resource_unavailable_try_again)), 7},
      {reported(
           file_failure("directory iterator cannot open directory", std::errc::permission_denied)),
       3},
      {reported(file_failure("cannot get file size", std::errc::no_such_file_or_directory)), 3},
      {reported(file_failure("cannot create directories", std::errc::permission_denied)), 4},
      {reported(file_failure("cannot remove all", std::errc::permission_denied)), 4},
      {reported(file_failure("cannot rename", std::errc::no_such_file_or_directory)), 4},
      {reported(file_failure("cannot copy file", std::errc::permission_denied)), 4},
      {reported(file_failure("cannot set permissions", std::errc::permission_denied)), 4},
      {reported(file_failure("x", std::errc::no_space_on_device)), 4},
      {reported(file_failure("x", std::errc::read_only_file_system)), 4},
      {reported(file_failure("x", std::errc::file_too_large)), 4},
      {reported(CLI::ValidationError("-s", "x")), 2},
      {reported(CLI::ConversionError("x", "-j")), 2},
      {reported_by([] { json_of("{"); }), 3},
  };
  for (const auto& [got, code] : table) {
    INFO(got.text);
    CHECK(got.code == code);
    CHECK(got.text.rfind("program: error: ", 0) == 0);
    CHECK(got.text.find("internal error") == std::string::npos);
  }
}

TEST_CASE("what nobody foresaw is an internal error, which says so", "[tools]") {
  for (const Reported& got :
       {reported(std::runtime_error("x")), reported(std::logic_error("x")),
        reported(std::out_of_range("x")), reported(std::invalid_argument("x")),
        reported(std::bad_cast()), reported(std::exception()), reported(7), reported("text"),
        reported(system_failure(std::errc::operation_not_permitted)),
        reported(Error(static_cast<ErrorKind>(0), "x")),
        reported(Error(static_cast<ErrorKind>(1), "x")),
        reported(Error(static_cast<ErrorKind>(9), "x")),
        reported_by([] { static_cast<void>(nlohmann::json("caf\xE9").dump()); }),
        reported_by([] { static_cast<void>(json_of("{}").at("key")); })}) {
    INFO(got.text);
    CHECK(got.code == 8);
    CHECK(got.text.rfind("program: error: internal error: ", 0) == 0);
    CHECK(got.text.find("\nhint: this is a fault of program; please report it") !=
          std::string::npos);
  }
}

TEST_CASE("a message is one line of UTF-8", "[tools]") {
  CHECK(reported(Error(ErrorKind::input, "'caf\xE9\n.png'", "caf\xC3\xA9\x1B")).text ==
        "program: error: 'caf\\xe9\\x0a.png'\nhint: caf\xC3\xA9\\x1b\n");
}

}  // namespace
}  // namespace pisr
