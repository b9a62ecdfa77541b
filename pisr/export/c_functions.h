#pragma once

#include <string>

namespace pisr {

/// A function of the generated header, with @ for what begins its names.
struct CFunction {
  const char* name;
  const char* text;
};

/// The text of such a function; null for an unknown name.
const char* find_c_function(const std::string& name);

}  // namespace pisr
