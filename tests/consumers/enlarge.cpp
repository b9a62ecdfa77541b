// The picture of enlarge.c, by the C++ interface: the same checksum.
#include <cstdint>
#include <cstdio>
#include <vector>

#include <pisr/upscaler.h>
#include <pisr/version.h>

int main() {
  constexpr int kWidth = 37, kHeight = 23;
  std::vector<std::uint8_t> low, high(4 * 3 * kWidth * kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      for (int c = 0; c < 3; ++c) {
        low.push_back(static_cast<std::uint8_t>((x * (c + 3) + y * y) % 256));
      }
    }
  }
  try {
    const pisr::Upscaler upscaler(pisr::Weights::builtin(2));
    upscaler.run(pisr::interleaved(low.data(), kWidth, kHeight, 3),
                 pisr::interleaved(high.data(), 2 * kWidth, 2 * kHeight, 3));
  } catch (const pisr::Error& error) {
    std::fprintf(stderr, "enlarge: %s\n", error.what());
    return static_cast<int>(error.kind());
  }
  std::uint32_t sum = 2166136261U;  // FNV-1a
  for (const std::uint8_t byte : high) {
    sum = (sum ^ byte) * 16777619U;
  }
  // An error of the library is caught by its type also across a shared library.
  try {
    pisr::Weights::builtin(7);
    return 1;
  } catch (const pisr::Error& error) {
    if (error.kind() != pisr::ErrorKind::weights) {
      return 1;
    }
  }
  std::printf("%s %08x\n", pisr::version(), static_cast<unsigned>(sum));
}
