// pisr_upscale with standard streams, signals, and weights by name.

#include <filesystem>
#include <string>

#include "tests/catch.h"
#include "tests/thrown.h"
#include "tests/tools/upscale_workplace.h"

using namespace pisr;

namespace fs = std::filesystem;

TEST_CASE("pisr_upscale: images through pipes have the bytes of files", "[tools]") {
  const UpscaleWorkplace work;
  work.image("a.png", 1);
  work.image("a.jpg", 1);
  work.text("text", "no image");
  REQUIRE(work.run({"a.png", "-o", "large.png"}).code == 0);
  REQUIRE(work.run({"a.png", "-o", "large.bmp"}).code == 0);
  REQUIRE(work.run({"a.jpg", "-o", "large.jpg"}).code == 0);
  const ProgramRun run = work.script(R"sh(
cat a.png | $UPSCALE -i - -o - >1.png; echo $?
$UPSCALE -i - -o - <a.png >2.png; echo $?
$UPSCALE a.png -o - -f bmp >3.bmp; echo $?
cat a.jpg | $UPSCALE -i - -o - | cat >4.jpg
cat a.png | $UPSCALE - -o 5.png; echo $?
cat a.png | $UPSCALE - -o folder/ -f png; echo $?
cat a.png | $UPSCALE - -o - --dry-run; echo $?
$UPSCALE - -o - <text >6; echo $?
$UPSCALE - -o - </dev/null >7; echo $?
$UPSCALE a.png -o - >/dev/full; echo $?
)sh");
  INFO(run.err);
  CHECK(run.out == "0\n0\n0\n0\n0\n'-' -> '-'\n0\n3\n3\n4\n");
  CHECK(run.err.starts_with("pisr_upscale: error: cannot decode 'standard input': not an image ("));
  CHECK(run.err.ends_with(
      ")\n"
      "pisr_upscale: error: cannot decode 'standard input': empty file\n"
      "pisr_upscale: error: 'a.png': cannot write 'standard output': No space left on device\n"));
  CHECK(work.content("1.png") == work.content("large.png"));
  CHECK(work.content("2.png") == work.content("large.png"));
  CHECK(work.content("3.bmp") == work.content("large.bmp"));
  CHECK(work.content("4.jpg") == work.content("large.jpg"));
  CHECK(work.content("5.png") == work.content("large.png"));
  CHECK(work.content("folder/stdin_x2.png") == work.content("large.png"));
  CHECK(work.content("6").empty());
}

TEST_CASE("pisr_upscale: standard streams that are refused", "[tools]") {
  const UpscaleWorkplace work;
  work.image("a.png", 1);
  work.image("b.png", 2);
  const ProgramRun run = work.script(R"sh(
$UPSCALE - - -o out/ </dev/null; echo $?
$UPSCALE a.png b.png -o -; echo $?
$UPSCALE a.png -o - --report -; echo $?
$UPSCALE a.png -o - --progress json; echo $?
$UPSCALE a.png -o - --name '{stem}.png'; echo $?
$UPSCALE . -o -; echo $?
cat a.png | $UPSCALE - -o out/; echo $?
)sh");
  CHECK(run.out == "2\n2\n2\n2\n2\n2\n2\n");
  CHECK(contains(run.err, "the standard input can be read only once"));
  CHECK(!fs::exists(work.path() / "out"));
  // On a terminal, which script(1) of util-linux makes.
  const ProgramRun terminal = work.script(
      "script -qec \"$UPSCALE a.png -o -\" /dev/null </dev/null >out 2>&1; echo $?; cat out\n"
      "script -qec \"$UPSCALE - -o o.png\" /dev/null </dev/null >out 2>&1; echo $?; cat out\n");
  if (!contains(terminal.out, "not found")) {
    CHECK(contains(terminal.out, "pisr_upscale: error: the standard output is a terminal"));
    CHECK(contains(terminal.out, "pisr_upscale: error: the standard input is a terminal"));
  }
}

TEST_CASE("pisr_upscale: a reader that goes away ends it quietly", "[tools]") {
  const UpscaleWorkplace work;
  work.image("a.png", 1, 600, 600);
  const ProgramRun run =
      work.script("($UPSCALE a.png -o - -f bmp; echo $? >code) | head -c 10 >/dev/null\n");
  CHECK(run.err.empty());
  CHECK(work.content("code") == "141\n");
}

TEST_CASE("pisr_upscale: a signal leaves no partial file, and a report", "[tools]") {
  const UpscaleWorkplace work;
  work.image("in/a.png", 1, 20, 20);
  work.image("in/b.png", 2, 1500, 1500);
  for (int number = 0; number < 200; ++number) {
    fs::create_hard_link(work.path() / "in/b.png",
                         work.path() / ("in/c" + std::to_string(number) + ".png"));
  }
  for (const auto& [signal, code] : {std::pair{"INT", "130"}, {"TERM", "143"}}) {
    fs::remove_all(work.path() / "out");
    // A background job of a script has SIGINT ignored, unless it is set again.
    const ProgramRun run = work.script(std::string(R"sh(
exec 3>&1
cat >run.py <<END
import signal, subprocess, sys, time, os
p = subprocess.Popen(sys.argv[2:], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
while not os.path.exists('out/a_x2.png'):
    time.sleep(0.01)
p.send_signal(getattr(signal, 'SIG' + sys.argv[1]))
sys.exit(p.wait())
END
python3 run.py )sh") + signal + " $UPSCALE in -o out --report r.json -j 2; echo $?\n");
    INFO(run.err);
    CHECK(run.out == std::string(code) + "\n");
    CHECK(run.err.ends_with("pisr_upscale: stopped\n"));
    for (const std::string& name : work.files("out")) {
      CHECK(name.ends_with("_x2.png"));
      CHECK_NOTHROW(read_image8(work.path() / "out" / name));
    }
    CHECK(contains(work.content("r.json"), "\"status\": \"stopped\""));
  }
}

TEST_CASE("pisr_upscale: weights are found by name", "[tools]") {
  const UpscaleWorkplace work;
  work.image("a.png", 1);
  fs::create_directories(work.path() / "one");
  fs::create_directories(work.path() / "data/pisr/weights");
  fs::create_directories(work.path() / "home/.local/share/pisr/weights");
  fs::copy_file(work.path() / "m.safetensors", work.path() / "one/mine_x2.safetensors");
  fs::copy_file(work.path() / "m.safetensors", work.path() / "data/pisr/weights/yours.safetensors");
  fs::copy_file(work.path() / "m.safetensors",
                work.path() / "home/.local/share/pisr/weights/old.safetensors");
  work.text("data/pisr/weights/mine_x2.safetensors", "no weights");
  work.text("one/notes.txt", "none");
  const ProgramRun run = work.script(R"sh(
P=$(echo "$UPSCALE" | cut -d ' ' -f 1)
export PISR_WEIGHTS_PATH=none:one XDG_DATA_HOME=$PWD/data HOME=$PWD/home
$P a.png -o 1.png -n mine -v 2>&1 | head -n 1 | cut -d , -f 1; echo $?
$P a.png -o 2.png -n mine_x2 -s 2; echo $?
$P a.png -o out/ -n yours --name '{stem}-{model}.{ext}'; echo $?
$P a.png -o 3.png -n yours -s 3; echo $?
$P a.png -o 4.png -n old; echo $?
XDG_DATA_HOME= $P a.png -o 5.png -n old; echo $?
$P a.png -o 6.png -n mine -m m.safetensors; echo $?
$P --list-models | grep -v 'built in' | cut -d ' ' -f 1
)sh");
  INFO(run.err);
  CHECK(run.out ==
        "pisr_upscale: weights mine_x2: FSRCNN(4\n0\n0\n0\n5\n5\n0\n2\nmine_x2\nyours\n");
  CHECK(work.content("1.png") == work.content("2.png"));
  CHECK(work.files("out") == std::vector<std::string>{"a-yours.png"});
  CHECK(contains(run.err, "pisr_upscale: error: no weights 'old' for scale 2\nhint: there are "));
  CHECK(contains(run.err, "are for scale 2, wanted 3"));
}

TEST_CASE("pisr_upscale without a word about weights takes those that are built in", "[tools]") {
  const UpscaleWorkplace work;
  work.image("a.png", 1);
  const ProgramRun run = work.script(R"sh(
P=$(echo "$UPSCALE" | cut -d ' ' -f 1)
$P -i a.png -o 2.png; echo $?
$P -i a.png -o out/ -s 2 --name '{stem}-{model}.{ext}'; echo $?
$P -i a.png -o 4.png -s 4; echo $?
$P --list-models | grep 'built in' | cut -d ' ' -f 1
)sh");
  INFO(run.err);
  CHECK(run.out.starts_with("0\n0\n0\n"));
  CHECK(contains(run.out, "pisr-plain_x2\n"));
  CHECK(work.files("out") == std::vector<std::string>{"a-pisr-plain_x2.png"});
  CHECK(work.content("2.png") == work.content("out/a-pisr-plain_x2.png"));
  CHECK(read_image8(work.path() / "4.png").width == 4 * 17);
}
