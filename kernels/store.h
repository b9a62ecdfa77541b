#pragma once

namespace pisr::kernels {

/// How a kernel stores a result: in place of what is there, which may be uninitialised, or added to
/// it.
enum class Store { write, add };

}  // namespace pisr::kernels
