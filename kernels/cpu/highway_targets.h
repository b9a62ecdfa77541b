#pragma once

// The instruction sets that kernels are compiled for. To be included before any header of Highway.
// A processor with SSSE3 but without SSE4.2 and AES is from before 2011. It runs the portable
// version, which saves everybody a quarter of the compile time. SVE vectors have no size at compile
// time, so they cannot be members; SVE machines run NEON. What remains on x86-64 is the portable
// version, SSE4, AVX2 with FMA and AVX-512; on ARM, NEON.
// Builds with sanitizers leave more out: cmake/Compiler.cmake.
#ifndef PISR_LEFT_OUT_TARGETS
#define PISR_LEFT_OUT_TARGETS 0
#endif
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | PISR_LEFT_OUT_TARGETS)
