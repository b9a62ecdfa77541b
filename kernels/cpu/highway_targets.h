#pragma once

// The instruction sets that kernels are compiled for; to be included before anything of Highway.
// SSSE3 without SSE4.2 and AES is a processor from before 2011: it takes the portable version and
// saves everybody a quarter of the compile time. What remains on x86-64 is the portable version,
// SSE4, AVX2 with FMA and AVX-512; on ARM, NEON.
#define HWY_DISABLED_TARGETS HWY_SSSE3
