#pragma once

#include <filesystem>
#include <string>

#include "pisr/inference/upscaler.h"

namespace pisr {

class ByteSink;
class ByteSource;

/// Whether `path` can become an output, before any work: Error usage where its extension is no
/// image format, output where its folder is missing or cannot be written, or it exists and may not
/// be replaced.
void check_output(const std::filesystem::path& path, const UpscaleOptions& options);

/// Enlarges the image in `source` and gives the file in the format of `extension` ("png") to
/// `sink`; `name` and `output` stand in the errors. An image whose alpha is opaque everywhere may
/// go to a format without alpha. False where it was cancelled. Errors: those of open_image,
/// create_image and upscale; memory where the output would exceed the limit.
bool upscale_stream(Context& context, const SrNetwork& network, const ByteSource& source,
                    const std::string& name, ByteSink& sink, const std::string& extension,
                    const std::string& output, const UpscaleOptions& options = {});

/// Reads `input`, enlarges it and writes `output` in the format of its extension. The output
/// appears whole or not at all. False where it was cancelled. Errors: those of check_output and
/// upscale_stream.
bool upscale_file(Context& context, const SrNetwork& network, const std::filesystem::path& input,
                  const std::filesystem::path& output, const UpscaleOptions& options = {});

}  // namespace pisr
