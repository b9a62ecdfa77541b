#pragma once

#include "kernels/emulator/machine/emulator.h"

/// The instructions of kernels/cuda/tensor_core.h. All 32 lanes of a warp must take part. Products
/// and sums are in float; the order and the internal precision of a tensor core's sums are not
/// known.
namespace pisr::kernels::emulator {

void multiply_tf32(float (&sum)[4], const float (&a)[4], const float (&b)[2], Place place);
void multiply_fp16(float (&sum)[4], const unsigned (&a)[4], const unsigned (&b)[2], Place place);
void load_matrices(unsigned (&matrices)[4], const void* row, Place place);
float to_tf32(float value);
unsigned pack_halves(float low, float high);

}  // namespace pisr::kernels::emulator
