#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace pisr::bench {

/// Measures on request, so that another program can take turns with it: makes the workload, answers
/// each line "run N" on `in` with one line of JSON on `out`, {"ms": [N times], "peak_kb": K}, and
/// ends with the input or at "quit". K is the largest resident memory of the process so far, which
/// the first line, {"start_kb": K, "multiply_adds": M}, gives as it was before the first run.
/// Throws Error(usage) for another line.
///
/// `workload` is W1 to W4, or W1@WIDTHxHEIGHT for another size of the small image.
void serve(const std::string& workload, int threads, std::istream& in, std::ostream& out);

/// Writes what another implementation needs to repeat the first `steps` runs of a workload, as one
/// safetensors file: weights before the first run below "weights.", then for run k of W2-W4
/// "k.high", "k.low" and "k.loss", of W1 "k.input" and "k.output".
void write_exchange(const std::string& workload, int steps, const std::filesystem::path& path);

}  // namespace pisr::bench
