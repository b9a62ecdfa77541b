// pisr_upscale with video.

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/philox.h"
#include "pisr/video/raw_video.h"
#include "tests/catch.h"
#include "tests/thrown.h"
#include "tests/tools/upscale_workplace.h"

using namespace pisr;

namespace {

namespace fs = std::filesystem;

std::string random_samples(std::size_t bytes, int seed) {
  Random random(static_cast<std::uint64_t>(seed), RandomUse::test, 4);
  std::string samples;
  for (std::size_t i = 0; i < bytes; ++i) {
    samples += static_cast<char>(static_cast<int>(random.uniform(0, 256)));
  }
  return samples;
}

std::string header(const std::string& more = "") {
  return "YUV4MPEG2 W33 H21 F25:1 Ip A1:1 C420mpeg2" + more + "\n";
}

/// Frames after each other; `line` is in front of each.
std::string frames(int count, const std::string& line) {
  const std::size_t bytes = parse_raw_video("33x21:yuv420p").frame_bytes();
  std::string text;
  for (int n = 0; n < count; ++n) {
    text += line + random_samples(bytes, n);
  }
  return text;
}

constexpr std::size_t kHeaderBytes = 42;
const std::size_t kLargeFrame = 6 + 66 * 42 + 2 * 33 * 21;

}  // namespace

TEST_CASE("pisr_upscale --y4m: files and pipes, frames and their order", "[tools]") {
  const UpscaleWorkplace work;
  work.text("in.y4m", header() + frames(6, "FRAME\n"));
  const ProgramRun run = work.script(R"sh(
$UPSCALE --y4m -i in.y4m -o out.y4m --report r.json; echo $?
cat in.y4m | $UPSCALE --y4m -i - -o - >pipe.y4m; echo $?
$UPSCALE --y4m -i in.y4m -o threads.y4m -j 1 -t 16; echo $?
$UPSCALE --y4m -i in.y4m -o - --frames 2 >first; echo $?
$UPSCALE --y4m -i in.y4m -o - --start-frame 2 --no-header >rest; echo $?
cat in.y4m | $UPSCALE --y4m -i - -o - --start-frame 2 --no-header >rest2; echo $?
$UPSCALE --y4m -i in.y4m -o - --start-frame 4 --frames 1 >one.y4m; echo $?
$UPSCALE --y4m -i in.y4m -o out.y4m; echo $?
)sh");
  INFO(run.err);
  const std::string whole = work.content("out.y4m");
  CHECK(run.out == "0\n0\n0\n0\n0\n0\n0\n4\n");
  CHECK((work.content("first") + work.content("rest") == whole));
  CHECK(whole.size() == kHeaderBytes + 6 * kLargeFrame);
  CHECK(whole.starts_with("YUV4MPEG2 W66 H42 F25:1 Ip A1:1 C420mpeg2\nFRAME\n"));
  CHECK((work.content("pipe.y4m") == whole));
  CHECK((work.content("threads.y4m") == whole));
  CHECK((work.content("rest2") == work.content("rest")));
  CHECK(work.content("one.y4m") ==
        whole.substr(0, kHeaderBytes) + whole.substr(kHeaderBytes + 4 * kLargeFrame, kLargeFrame));
  const auto report = nlohmann::json::parse(work.content("r.json"));
  CHECK(report["inputs"][0]["status"] == "done");
  CHECK(report["inputs"][0]["frames"] == 6);
  CHECK(report["inputs"][0]["width"] == 66);
  CHECK(!fs::exists(work.path() / "out.y4m.part"));

  // The same samples without headers.
  work.text("in.yuv", frames(6, ""));
  CHECK(work.run({"--raw-video", "33x21:yuv420p:25", "-i", "in.yuv", "-o", "out.yuv"}).code == 0);
  std::string samples;
  for (std::size_t n = 0; n < 6; ++n) {
    samples += whole.substr(kHeaderBytes + n * kLargeFrame + 6, kLargeFrame - 6);
  }
  CHECK((work.content("out.yuv") == samples));
}

TEST_CASE("pisr_upscale --y4m: stopped and continued, the bytes are the same", "[tools]") {
  const UpscaleWorkplace work;
  const std::string video = header() + frames(6, "FRAME\n");
  work.text("in.y4m", video);
  REQUIRE(work.run({"--y4m", "in.y4m", "-o", "out.y4m"}).code == 0);
  const std::string whole = work.content("out.y4m");
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{20}, kHeaderBytes, kHeaderBytes + 3, kHeaderBytes + 6,
        kHeaderBytes + kLargeFrame, kHeaderBytes + 2 * kLargeFrame + 99,
        kHeaderBytes + 6 * kLargeFrame - 1, kHeaderBytes + 6 * kLargeFrame}) {
    CAPTURE(size);
    work.text("again.y4m.part", whole.substr(0, size));
    const ProgramRun left = work.run({"--y4m", "in.y4m", "-o", "again.y4m"});
    CHECK(left.code == 4);
    CHECK(
        contains(left.err, "'again.y4m.part' exists, of a run that was stopped\nhint: --continue"));
    CHECK(work.run({"--y4m", "in.y4m", "-o", "again.y4m", "--continue"}).code == 0);
    CHECK((work.content("again.y4m") == whole));
    fs::remove(work.path() / "again.y4m");
  }
  CHECK(work.files().size() == 3);
  work.text("other.y4m.part", "YUV4MPEG2 W68 H42\n");
  CHECK(work.run({"--y4m", "in.y4m", "-o", "other.y4m", "--continue"}).code == 4);
  CHECK(work.content("other.y4m.part") == "YUV4MPEG2 W68 H42\n");
  CHECK(work.run({"--y4m", "in.y4m", "-o", "other.y4m", "--overwrite"}).code == 0);
  CHECK((work.content("other.y4m") == whole));
  CHECK(work.run({"--y4m", "in.y4m", "-o", "none.y4m", "--continue"}).code == 4);

  // A signal while it waits for more.
  const ProgramRun stopped = work.script(R"sh(
mkfifo pipe
$UPSCALE --y4m -i - -o cut.y4m <pipe & pid=$!
exec 3>pipe
head -c 4000 in.y4m >&3
for i in $(seq 500); do [ "$(stat -c %s cut.y4m.part 2>/dev/null || echo 0)" -ge 12534 ] && break; sleep 0.01; done
kill -TERM $pid; wait $pid; echo $?
exec 3>&-
$UPSCALE --y4m -i in.y4m -o cut.y4m --continue; echo $?
)sh");
  INFO(stopped.err);
  CHECK(stopped.out == "143\n0\n");
  CHECK(contains(stopped.err, "pisr_upscale: stopped after 3 frames\n"));
  CHECK(contains(stopped.err, "'cut.y4m.part' has 3 whole frames; --continue goes on with it"));
  CHECK((work.content("cut.y4m") == whole));
}

TEST_CASE("pisr_upscale --y4m: killed, the part continues", "[tools]") {
  const UpscaleWorkplace work;
  work.text("in.y4m", header() + frames(300, "FRAME\n"));
  const ProgramRun run = work.script(R"sh(
$UPSCALE --y4m in.y4m -o whole.y4m
$UPSCALE --y4m in.y4m -o cut.y4m -j 1 & pid=$!
for i in $(seq 1000); do [ -s cut.y4m.part ] && break; sleep 0.001; done
kill -KILL $pid; wait $pid 2>/dev/null
[ -e cut.y4m ] && echo "too late"
$UPSCALE --y4m in.y4m -o cut.y4m --continue && cmp whole.y4m cut.y4m && echo same
)sh");
  INFO(run.err);
  CHECK(contains(run.out, "same\n"));
}

TEST_CASE("pisr_upscale --y4m: damage ends it after the whole frames", "[tools]") {
  const UpscaleWorkplace work;
  const std::string video = header() + frames(3, "FRAME\n");
  work.text("cut.y4m", video.substr(0, video.size() - 10));
  work.text("header.y4m", "YUV4MPEG2 W33");
  work.text("empty.y4m", "");
  work.text("text.y4m", "no video");
  work.text("411.y4m", "YUV4MPEG2 W33 H21 C411\n");
  work.text("interlaced.y4m", "YUV4MPEG2 W33 H21 It\n" + frames(1, "FRAME\n"));
  const ProgramRun pipe = work.script("$UPSCALE --y4m cut.y4m -o - >out; echo $?\n");
  CHECK(pipe.out == "3\n");
  CHECK(pipe.err ==
        "pisr_upscale: error: cannot decode 'cut.y4m': frame 2 is truncated: 1057 of 1067 bytes; "
        "2 whole frames were written\n");
  CHECK(work.content("out").size() == kHeaderBytes + 2 * kLargeFrame);
  const ProgramRun file = work.run({"--y4m", "cut.y4m", "-o", "o.y4m", "--report", "r.json"});
  CHECK(file.code == 3);
  CHECK(contains(file.err, "hint: 'o.y4m.part' has 2 whole frames; --continue goes on with it\n"));
  CHECK(!fs::exists(work.path() / "o.y4m"));
  const auto report = nlohmann::json::parse(work.content("r.json"));
  CHECK(report["inputs"][0]["status"] == "failed");
  CHECK(report["inputs"][0]["frames"] == 2);
  fs::remove(work.path() / "o.y4m.part");
  for (const char* name : {"header.y4m", "empty.y4m", "text.y4m", "411.y4m", "none.y4m"}) {
    const ProgramRun run = work.run({"--y4m", name, "-o", "o.y4m"});
    CAPTURE(name, run.err);
    CHECK(run.code == 3);
    CHECK(run.err.starts_with("pisr_upscale: error: "));
    CHECK(!fs::exists(work.path() / "o.y4m"));
    CHECK(!fs::exists(work.path() / "o.y4m.part"));
  }
  const ProgramRun interlaced = work.run({"--y4m", "interlaced.y4m", "-o", "i.y4m"});
  CHECK(interlaced.code == 0);
  CHECK(interlaced.err ==
        "pisr_upscale: warning: 'interlaced.y4m' is interlaced: its frames are enlarged as if "
        "they were progressive\n");
  const std::vector<std::pair<std::vector<std::string>, int>> table = {
      {{"--y4m", "cut.y4m", "out", "-o", "p.y4m"}, 2},
      {{"--y4m", "cut.y4m", "-o", "./"}, 2},
      {{"--y4m", "cut.y4m", "-o", "p.y4m", "-r"}, 2},
      {{"--y4m", "cut.y4m", "-o", "p.y4m", "--dry-run"}, 2},
      {{"--y4m", "cut.y4m", "-o", "p.y4m", "--start-frame", "-1"}, 2},
      {{"--y4m", "cut.y4m", "-o", "p.y4m", "--raw-video", "3x3:gray"}, 2},
      {{"--raw-video", "3x3:rgb", "-i", "cut.y4m", "-o", "p.y4m"}, 2},
      {{"--y4m", "cut.y4m", "-o", "-", "--continue"}, 2},
      {{"--y4m", "cut.y4m", "-o", "p.y4m", "--start-frame", "9"}, 3},
      {{"--y4m", "cut.y4m", "-o", "none/p.y4m"}, 4},
      {{"--y4m", "cut.y4m", "-o", "i.y4m"}, 4},
      {{"--y4m", "cut.y4m", "-o", "p.y4m", "--max-pixels", "2771"}, 7}};
  for (const auto& [arguments, code] : table) {
    const ProgramRun run = work.run(arguments);
    CAPTURE(arguments, run.err);
    CHECK(run.code == code);
    CHECK(!fs::exists(work.path() / "p.y4m"));
    CHECK(!fs::exists(work.path() / "p.y4m.part"));
  }
}
