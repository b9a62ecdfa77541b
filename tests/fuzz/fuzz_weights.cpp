// Any bytes as a file of weights: an Error of weights, or a network whose file is read again as the
// same one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/error.h"
#include "core/safetensors.h"
#include "pisr/library/weights.h"
#include "pisr/model/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const pisr::SafeTensors file =
        pisr::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzzed");
    const auto again = pisr::parse_safetensors(pisr::serialise_safetensors(file), "again");
    if (again.metadata != file.metadata || again.tensors.size() != file.tensors.size()) {
      std::abort();
    }
    for (const int scale : {0, 2, 3}) {
      try {
        const pisr::Weights weights = pisr::Weights::parse(data, size, "fuzzed", scale);
        if (scale != 0 && weights.scale() != scale) {
          std::abort();
        }
      } catch (const pisr::Error& error) {
        if (error.kind() != pisr::ErrorKind::weights && error.kind() != pisr::ErrorKind::memory) {
          std::abort();
        }
      }
    }
  } catch (const pisr::Error& error) {
    if (error.kind() != pisr::ErrorKind::weights && error.kind() != pisr::ErrorKind::memory) {
      std::abort();
    }
  }
  return 0;
}
