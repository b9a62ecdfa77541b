#pragma once

#include "core/context.h"
#include "tools/upscale_jobs.h"
#include "tools/upscale_progress.h"

namespace pisr {

/// Does all jobs that wait, in their order, and says what fails; one that fails does not stop the
/// others, but for a full disk, a device that failed and a signal. Returns the exit code: 0; 1
/// where some of several failed; that of the failure where there is one job, or where it ended all;
/// Interruption::exit_code() after a signal.
int run_jobs(Context& context, const SrNetwork& network, const UpscaleCommand& command,
             UpscaleJobs& jobs, UpscaleProgress& progress);

/// What would be done: prints a line for each job on stdout, unless the report goes there, and
/// reads the header of each input. Nothing is written. Returns the exit code as run_jobs() does.
int plan_jobs(const UpscaleCommand& command, int scale, UpscaleJobs& jobs,
              UpscaleProgress& progress);

}  // namespace pisr
