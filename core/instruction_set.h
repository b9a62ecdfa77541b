#pragma once

namespace pisr {

/// The environment variable PISR_ISA chooses the instruction set of all CPU kernels of the process:
/// avx512, avx2, sse4, neon or portable. If it is empty or not set, the best is chosen. It is read
/// once, by the first context or program that asks, so a context of the library needs no call of
/// its own.
///
/// Throws Error(usage) for an unknown name and Error(device) for a set that this machine or build
/// lacks. The message lists the available ones.
void apply_instruction_set_choice();

}  // namespace pisr
