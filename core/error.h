#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/export.h"

namespace pisr {

/// Kinds of failure. Their values are the programs' exit codes (docs/exit-codes.md), on which
/// scripts rely.
enum class ErrorKind {
  usage = 2,    ///< a wrong argument, configuration or shape
  input = 3,    ///< an image or data set that cannot be read
  output = 4,   ///< a file that cannot be written
  weights = 5,  ///< weights or a checkpoint that cannot be used
  device = 6,   ///< a device that is absent or failed
  memory = 7,   ///< not enough memory, or a size limit
  numeric = 8,  ///< a value that is not finite
};

/// Every failure the library reports. The message is one line of ASCII that names the operation,
/// what it expected and what it got. The hint, where there is one, says what to do.
class PISR_CORE_API Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, std::string hint = "")
      : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}
  ErrorKind kind() const noexcept { return kind_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorKind kind_;
  std::string hint_;
};

/// A disk, or a quota, that is full: what follows would fail in the same way.
class PISR_CORE_API NoSpaceError : public Error {
 public:
  explicit NoSpaceError(const std::string& message) : Error(ErrorKind::output, message) {}
};

/// Operands whose shapes, types or devices do not fit together.
class PISR_CORE_API ShapeError : public Error {
 public:
  explicit ShapeError(const std::string& message) : Error(ErrorKind::usage, message) {}
};

/// Joins its arguments with operator<<: message("got ", 3, " channels").
template <class... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace pisr
