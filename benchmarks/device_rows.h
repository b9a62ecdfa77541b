#pragma once

#include <string>

#include "kernels/device.h"
#include "kernels/precision.h"

namespace pisr::bench {

/// How many calls are captured together, if a replay of one takes so many seconds on the host's
/// clock. That clock counts the start of a replay and the wait for its end as well, 5 to 10 us: the
/// calls are so many that this is less than 1 % of a frame of 40 us.
int calls_of_replay(double seconds_of_one);

/// Registers the rows of a device with Google Benchmark under a name such as "cuda:tf32"; the
/// device must outlive their run:
///   W1/NAME               inference, input and output on the device: the mean of captured frames
///   W2/NAME ... W4/NAME   a captured training step, the mean of 100 in a row
///   KERNEL/SHAPE/NAME     the cases of kernel_case.h, training at batch 16: the mean of captured
///   calls
/// W1's output and the losses of three steps are compared with the CPU's (counter `difference`). A
/// case is compared with the naive kernels before it is timed, at batch 1 and a quarter of the
/// rows; a row that differs is an error. Counters: lower_ms, median_ms, upper_ms, gflops and gbs,
/// as in rows.h.
void register_device_rows(kernels::Device& device, const std::string& name,
                          kernels::Precision precision);

}  // namespace pisr::bench
