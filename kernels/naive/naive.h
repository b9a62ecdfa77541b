#pragma once

#include "kernels/args.h"
#include "kernels/launcher.h"
#include "kernels/table.h"

/// The reference that every other back end is compared with: each kernel's definition as plain
/// loops that sum in double, whatever the element type.
namespace pisr::kernels::naive {

#include "kernels/back_end.def"

}  // namespace pisr::kernels::naive
