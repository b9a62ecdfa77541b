#pragma once

#include <string>

#include "pisr/export/facts.h"

namespace pisr {

/// A C99 header that needs nothing but the standard library: the parameters as arrays, and
///     size_t NAME_scratch_floats(int width, int height)
///     void NAME_run(const float* in, int width, int height, float* out, float* scratch)
/// which computes the network in plain loops: in [c, height, width] on 0..1, out
/// [c, scale height, scale width], scratch as large as the first function says. Numbers are summed
/// in double.
///
/// `name` begins all names. Throws Error(usage) where it is no identifier of C, and naming the
/// operation for a network with one that has no counterpart.
std::string c_source(const SrNetwork& network, const Facts& facts, const std::string& name);

}  // namespace pisr
