// Enlarges a grey image of 8 x 8 pixels in memory.

#include <array>
#include <cstdint>
#include <cstdio>

#include <pisr/pisr.h>

int main() {
  constexpr int kSide = 8;
  constexpr int kScale = 2;
  std::array<std::uint8_t, kSide * kSide> small{};
  std::array<std::uint8_t, kSide * kSide * kScale * kScale> large{};
  small.fill(100);

  pisr_weights* weights = nullptr;
  pisr_upscaler* upscaler = nullptr;
  pisr_image in{sizeof(pisr_image), small.data(), kSide, kSide, 1, PISR_UINT8, 0, 0, 0};
  pisr_image out{
      sizeof(pisr_image), large.data(), kSide * kScale, kSide * kScale, 1, PISR_UINT8, 0, 0, 0};
  const bool done = pisr_weights_builtin(nullptr, kScale, &weights) == PISR_OK &&
                    pisr_upscaler_create(weights, nullptr, &upscaler) == PISR_OK &&
                    pisr_upscaler_run(upscaler, &in, &out, nullptr) == PISR_OK;
  std::printf("pisr %s: %s\n", pisr_version(), done ? "enlarged" : pisr_last_error());
  pisr_upscaler_free(upscaler);
  pisr_weights_free(weights);
  return done && large[kSide * kScale * kSide + kSide] > 90 ? 0 : 1;
}
