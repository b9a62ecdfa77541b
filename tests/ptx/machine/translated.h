#pragma once

// What the translated files include.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "tests/ptx/machine/arithmetic.h"
#include "tests/ptx/machine/kernel.h"
#include "tests/ptx/machine/thread.h"

namespace pisr::ptx {

using std::int16_t;
using std::int32_t;
using std::int64_t;
using std::int8_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// What a register holds before it is written.
constexpr bool poison_bool = false;
constexpr uint16_t poison_uint16_t = 0xCDCD;
constexpr uint32_t poison_uint32_t = 0xCDCDCDCD;
constexpr uint64_t poison_uint64_t = 0xCDCDCDCDCDCDCDCD;
constexpr float poison_float = std::numeric_limits<float>::quiet_NaN();
constexpr double poison_double = std::numeric_limits<double>::quiet_NaN();

}  // namespace pisr::ptx
