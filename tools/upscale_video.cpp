#include "tools/upscale_video.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "pisr/inference/video_upscaler.h"
#include "pisr/model/network.h"
#include "pisr/video/byte_stream.h"
#include "pisr/video/raw_video.h"
#include "pisr/video/y4m.h"
#include "tools/interruption.h"
#include "tools/program.h"
#include "tools/upscale_report.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// An open file, or a standard stream, which stays open.
class InputFile {
 public:
  explicit InputFile(const fs::path& path)
      : name_(path == kStdin ? "standard input" : path.string()),
        descriptor_(path == kStdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) {
      throw Error(
          ErrorKind::input,
          message("cannot read '", name_, "': ",
                  errno == ENOENT ? "no such file" : std::generic_category().message(errno)));
    }
    stream_ = descriptor_stream(descriptor_, name_, [] { return Interruption::signal() != 0; });
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() {
    if (descriptor_ != STDIN_FILENO) {
      ::close(descriptor_);
    }
  }

  const std::string& name() const { return name_; }
  ByteStream& stream() { return *stream_; }

 private:
  std::string name_;
  int descriptor_;
  std::unique_ptr<ByteStream> stream_;
};

/// Where frames go.
class OutputFile : public ByteSink {
 public:
  explicit OutputFile(const UpscaleCommand& command) : standard_(STDOUT_FILENO, "standard output") {
    if (!command.writes_to_stdout()) {
      const auto start = command.continue_video ? PartialFile::Start::append
                         : command.overwrite    ? PartialFile::Start::replace
                                                : PartialFile::Start::fresh;
      part_.emplace(command.output, start);
    }
  }

  void write(std::span<const std::byte> bytes) override {
    if (part_) {
      part_->write(bytes);
    } else {
      standard_.write(bytes);
    }
  }
  std::optional<PartialFile>& part() { return part_; }

 private:
  DescriptorSink standard_;
  std::optional<PartialFile> part_;
};

/// Counts what is written, which a failure does not tell.
class CountingWriter : public VideoWriter {
 public:
  CountingWriter(VideoWriter& writer, std::int64_t& frames) : writer_(writer), frames_(frames) {}
  void write(const Frame& frame) override {
    writer_.write(frame);
    ++frames_;
  }

 private:
  VideoWriter& writer_;
  std::int64_t& frames_;
};

VideoLimits limits_of(const UpscaleCommand& command, const SrNetwork& network) {
  return {command.max_pixels, network.spec().scale};
}

/// What a stopped run has left.
struct FoundPart {
  std::int64_t frames = 0;  ///< whole ones
  std::int64_t bytes = 0;   ///< up to the end of the last of them
};

/// Counts the frames of a part until the end, or a frame that is not whole.
template <class Reader, class Position>
FoundPart count_frames(Reader& reader, Position&& position) {
  FoundPart found{0, position()};
  try {
    while (reader.skip()) {
      ++found.frames;
      found.bytes = position();
    }
  } catch (const Error&) {
    // The last frame was being written.
  }
  return found;
}

/// Throws Error output where what is there is not of this video.
FoundPart look_at_part(const UpscaleCommand& command, const std::optional<Y4mHeader>& header,
                       const VideoFormat& large) {
  const fs::path path = PartialFile::name_of(command.output);
  if (!fs::exists(path)) {
    throw Error(ErrorKind::output, message("--continue: there is no '", path.string(), "'"));
  }
  InputFile file(path);
  const VideoLimits no_limits{std::numeric_limits<std::int64_t>::max(), 1};
  if (!header) {
    RawVideoReader reader(file.stream(), file.name(), large, no_limits);
    FoundPart found = count_frames(reader, [] { return std::int64_t{0}; });
    found.bytes = found.frames * static_cast<std::int64_t>(large.frame_bytes());
    return found;
  }
  std::unique_ptr<Y4mReader> reader;
  try {
    reader = std::make_unique<Y4mReader>(file.stream(), file.name(), no_limits);
  } catch (const Error&) {
    return {};  // not even the header is whole
  }
  if (y4m_header_line(reader->header(), large.width, large.height) !=
          y4m_header_line(*header, large.width, large.height) ||
      reader->format().width != large.width || reader->format().height != large.height) {
    throw Error(ErrorKind::output,
                message("--continue: '", path.string(), "' is of another video or scale"));
  }
  return count_frames(*reader, [&] { return reader->position(); });
}

/// The video that is read, by its kind.
struct OpenVideo {
  std::unique_ptr<VideoReader> reader;
  std::optional<Y4mHeader> header;  ///< of YUV4MPEG2
};

OpenVideo open_video(const UpscaleCommand& command, const SrNetwork& network, InputFile& input) {
  const VideoLimits limits = limits_of(command, network);
  if (!command.y4m) {
    return {std::make_unique<RawVideoReader>(input.stream(), input.name(),
                                             parse_raw_video(command.raw_video), limits),
            std::nullopt};
  }
  auto reader = std::make_unique<Y4mReader>(input.stream(), input.name(), limits);
  const Y4mHeader header = reader->header();
  return {std::move(reader), header};
}

/// What happens to a part whose run has ended early.
std::string end_of_part(const UpscaleCommand& command, OutputFile& output, std::int64_t frames) {
  if (!output.part()) {
    return "";
  }
  if (frames == 0) {
    output.part()->discard();
    return "";
  }
  return message("'", PartialFile::name_of(command.output).string(), "' has ", frames,
                 " whole frames; --continue goes on with it");
}

/// Enlarges the video and sets what the report tells of it.
int run_video(Context& context, const SrNetwork& network, const UpscaleCommand& command,
              UpscaleProgress& progress, UpscaleJob& job) {
  InputFile input(job.input);
  const OpenVideo video = open_video(command, network, input);
  const VideoFormat large = enlarged(video.reader->format(), network.spec().scale);
  job.sizes = {video.reader->format().width, video.reader->format().height, large.width,
               large.height};
  if (video.header && video.header->interlaced) {
    progress.warn(message("'", input.name(),
                          "' is interlaced: its frames are enlarged as if they "
                          "were progressive"));
  }
  VideoOptions options;
  options.start_frame = command.start_frame;
  options.frames = command.frames;
  options.tile = command.tile;
  FoundPart before;
  if (command.continue_video) {
    before = look_at_part(command, video.header, large);
    options.start_frame += before.frames;
    if (options.frames >= 0) {
      options.frames = std::max<std::int64_t>(0, options.frames - before.frames);
    }
    progress.say(message("goes on after ", before.frames, " frames"));
  }
  const std::optional<std::int64_t> all =
      options.frames >= 0 ? std::optional(options.frames) : std::nullopt;
  const std::int64_t pixels = std::int64_t{large.width} * large.height;
  options.progress = [&](std::int64_t frames) { progress.frames(frames, all, pixels); };
  options.cancelled = [] { return Interruption::signal() != 0; };

  OutputFile output(command);
  if (command.continue_video) {
    output.part()->truncate(before.bytes);
  }
  std::unique_ptr<VideoWriter> writer;
  if (video.header) {
    if (before.bytes == 0 && !command.no_header) {
      const std::string line = y4m_header_line(*video.header, large.width, large.height);
      output.write(std::as_bytes(std::span(line)));
    }
    writer = std::make_unique<Y4mWriter>(output);
  } else {
    writer = std::make_unique<RawVideoWriter>(output);
  }
  CountingWriter counting(*writer, job.frames);
  const auto left = [&] { return end_of_part(command, output, before.frames + job.frames); };
  try {
    upscale_video(context, network, *video.reader, counting, options);
  } catch (const Error& error) {
    const std::string part = left();
    throw Error(error.kind(), error.what(), part.empty() ? error.hint() : part);
  }
  if (Interruption::signal() != 0) {
    std::cerr << kUpscaleProgram << ": stopped after " << before.frames + job.frames << " frames\n";
    if (const std::string part = left(); !part.empty()) {
      progress.note(part);
    }
    return Interruption::exit_code();
  }
  if (output.part()) {
    output.part()->commit();
  }
  job.status = JobStatus::done;
  return 0;
}

}  // namespace

void check_video_output(const UpscaleCommand& command) {
  if (command.writes_to_stdout()) {
    return;
  }
  if (is_folder(command, false)) {
    throw Error(ErrorKind::usage,
                message("'", command.output, "' is a folder, video needs a file"));
  }
  if (!command.overwrite && fs::exists(command.output)) {
    throw Error(ErrorKind::output, message("'", command.output, "' exists"),
                "--overwrite replaces it");
  }
  const fs::path part = PartialFile::name_of(command.output);
  if (!command.overwrite && !command.continue_video && fs::exists(part)) {
    throw Error(ErrorKind::output,
                message("'", part.string(), "' exists, of a run that was stopped"),
                "--continue goes on with it, --overwrite begins again");
  }
  check_writable(command.output);
}

int upscale_video_command(Context& context, const SrNetwork& network, const std::string& model,
                          const UpscaleCommand& command, UpscaleProgress& progress) {
  const auto start = std::chrono::steady_clock::now();
  UpscaleJobs jobs;
  UpscaleJob& job = jobs.jobs.emplace_back();
  job.input = command.inputs.front();
  job.output = command.output;
  const Interruption interruption;
  progress.begin(1);
  int code = 0;
  try {
    code = run_video(context, network, command, progress, job);
  } catch (...) {
    job.failure = described(kUpscaleProgram, std::current_exception());
    job.status = JobStatus::failed;
    progress.error(*job.failure);
    code = static_cast<int>(job.failure->kind());
  }
  UpscaleRun run;
  run.model = model;
  run.scale = network.spec().scale;
  run.is_video = true;
  job.seconds = run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_report(command, run, jobs);
  return code;
}

}  // namespace pisr
