#pragma once

#include "core/context.h"
#include "tools/upscale_command.h"
#include "tools/upscale_progress.h"

namespace pisr {

class SrNetwork;

/// What can be known of a video's output before any work: Error output where it exists, or a run
/// that was stopped has left a part of it, and the command does not say what to do about it.
void check_video_output(const UpscaleCommand& command);

/// Enlarges the video of a command with --y4m or --raw-video. A file grows as OUTPUT.part until it
/// is complete; the part stays where the run ends early, if it has a whole frame. Writes the
/// report. Returns the exit code.
int upscale_video_command(Context& context, const SrNetwork& network, const std::string& model,
                          const UpscaleCommand& command, UpscaleProgress& progress);

}  // namespace pisr
