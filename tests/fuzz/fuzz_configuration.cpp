// Any bytes as a configuration: an Error of usage, or one whose whole text is read again as the
// same one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.h"
#include "pisr/train/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string whole = pisr::config_json(pisr::parse_config(text, "fuzzed"));
    if (pisr::config_json(pisr::parse_config(whole, "again")) != whole) {
      std::abort();
    }
  } catch (const pisr::Error& error) {
    if (error.kind() != pisr::ErrorKind::usage) {
      std::abort();
    }
  }
  return 0;
}
