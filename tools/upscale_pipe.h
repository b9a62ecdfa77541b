#pragma once

#include "core/context.h"
#include "tools/upscale_jobs.h"

namespace pisr {

/// Enlarges an image whose input or output is a standard stream. The standard output is in the
/// format of `format`, an extension, or of the input where that is empty. False where it was
/// cancelled. Throws what upscale_stream() does.
bool upscale_pipe(Context& context, const SrNetwork& network, const UpscaleJob& job,
                  const std::string& format, const UpscaleOptions& options);

}  // namespace pisr
