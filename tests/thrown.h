#pragma once

#include <string>

#include "core/error.h"

namespace pisr {

/// What `body` throws, to be looked at; an Error "nothing was thrown" where it throws none.
template <class Body>
Error thrown(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorKind::numeric, "nothing was thrown"};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace pisr
