#pragma once

#include "kernels/emulator/emulator.h"

/// What the instructions of kernels/cuda/conv/tensor_core.h mean. All 32 lanes of a warp must take
/// part. Products and sums are in float; in which order, and with how many more bits, a tensor core
/// adds is not known.
namespace pisr::kernels::emulator {

void multiply_tf32(float (&sum)[4], const float (&a)[4], const float (&b)[2], Place place);
void multiply_fp16(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2], Place place);
void load_matrices(unsigned (&matrices)[4], const void* row, Place place);
float to_tf32(float value);
unsigned pack_halves(float low, float high);

}  // namespace pisr::kernels::emulator
