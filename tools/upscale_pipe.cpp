#include "tools/upscale_pipe.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include <unistd.h>

#include "pisr/image/byte_source.h"
#include "pisr/image/codec.h"
#include "pisr/image/file_sink.h"
#include "pisr/inference/file_upscaler.h"
#include "pisr/model/network.h"
#include "pisr/video/byte_stream.h"

namespace pisr {
namespace {

/// The first extension of the format that a file has; of what is no image "png", as reading it will
/// fail.
std::string extension_of_content(const ByteSource& source) {
  std::array<std::byte, kSignatureBytes> start;
  const std::size_t count = source.read(0, start);
  const Codec* const codec = codec_of_content(Bytes(start).first(count));
  return codec != nullptr ? std::string(codec->extensions.front()) : "png";
}

}  // namespace

bool upscale_pipe(Context& context, const SrNetwork& network, const UpscaleJob& job,
                  const std::string& format, const UpscaleOptions& options) {
  const bool to_stdout = job.output == kStdout;
  if (!to_stdout) {
    check_output(job.output, options);
  }
  const bool from_stdin = job.input == kStdin;
  const std::string name = from_stdin ? "standard input" : job.input.string();
  const auto source = from_stdin ? descriptor_source(STDIN_FILENO, name) : file_source(job.input);
  if (to_stdout) {
    DescriptorSink sink(STDOUT_FILENO, "standard output");
    return upscale_stream(context, network, *source, name, sink,
                          format.empty() ? extension_of_content(*source) : format,
                          "standard output", options);
  }
  FileSink sink(job.output);
  if (!upscale_stream(context, network, *source, name, sink,
                      job.output.extension().string().substr(1), job.output.string(), options)) {
    return false;
  }
  sink.commit();
  return true;
}

}  // namespace pisr
