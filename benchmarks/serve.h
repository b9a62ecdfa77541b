#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace pisr::bench {

/// Measures on request, so that another program can take turns with it. Each line "run N" on `in`
/// is answered by one line of JSON on `out`: {"ms": [N times], "peak_kb": K}. It ends with the
/// input or at "quit". K is the largest resident memory of the process so far. A first line,
/// {"start_kb": K, "multiply_adds": M}, comes before the first run. Throws Error(usage) for another
/// line.
///
/// `workload` is W1 to W4, or W1@WIDTHxHEIGHT for another size of the small image.
void serve(const std::string& workload, int threads, std::istream& in, std::ostream& out);

/// Writes one safetensors file from which another implementation can repeat the first `steps` runs
/// of a workload. The weights before the first run are named "weights." and so on. Run k of W2-W4
/// has "k.high", "k.low" and "k.loss", that of W1 "k.input" and "k.output".
void write_exchange(const std::string& workload, int steps, const std::filesystem::path& path);

}  // namespace pisr::bench
