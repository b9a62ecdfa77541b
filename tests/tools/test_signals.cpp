#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "tests/catch.h"
#include "tests/tools/training_workplace.h"

using namespace pisr;

namespace {

/// Runs a script of the shell, in which `train OUT` begins a long run in the background (as a
/// script does it, with SIGINT ignored) and returns when it has made some updates.
ProgramRun run_script(const std::filesystem::path& folder, const std::string& script) {
  std::ofstream(folder / "script.sh") << R"sh(
train() {
  "$PROGRAMS/pisr_train" -c small.json --set train.total_iter=200000 \
    --set train.save_checkpoint_freq=1000000 --out "$@" &
  pid=$!
  wait_for_rows "$1" 20
}
rows() { cat "$1/metrics.csv" 2>/dev/null | wc -l; }
wait_for_rows() {
  for i in $(seq 3000); do
    [ "$(rows "$1")" -lt "$2" ] || return 0
    sleep 0.01
  done
  echo "no updates are made" >&2
}
more_rows() { wait_for_rows "$1" "$(($(rows "$1") + 20))"; }
end() { wait "$pid"; echo "$?"; }
)sh" << script;
  std::signal(SIGHUP, SIG_DFL);  // It may be ignored here too, which programs inherit.
  return run_command(folder, "PROGRAMS=" PISR_PROGRAMS, "/bin/sh", {"script.sh"});
}

}  // namespace

TEST_CASE("pisr_train: SIGHUP saves and ends with 129, unless it was ignored", "[tools]") {
  const Workplace place;
  const ProgramRun hung_up = run_script(place.path(), R"sh(
train run -q
kill -HUP $pid; kill -HUP $pid  # A terminal that closes may send several.
end
ls run/checkpoints
)sh");
  INFO(hung_up.err);
  CHECK(hung_up.out.rfind("129\nbaseline_0", 0) == 0);

  const ProgramRun ignored = run_script(place.path(), R"sh(
trap '' HUP  # nohup
train ignoring -q
kill -HUP $pid; more_rows ignoring
kill -INT $pid; more_rows ignoring
kill -TERM $pid; end
ls ignoring/checkpoints
)sh");
  INFO(ignored.err);
  CHECK(ignored.err.empty());
  CHECK(ignored.out.rfind("143\nbaseline_0", 0) == 0);
}

TEST_CASE("pisr_train: a reader of stdout that goes away spoils nothing", "[tools]") {
  const Workplace place;
  const ProgramRun finished = run_script(place.path(), R"sh(
mkfifo pipe
"$PROGRAMS/pisr_train" -c small.json --out run --progress json >pipe & pid=$!
head -n 1 pipe >/dev/null
end
ls run/report.html
)sh");
  INFO(finished.err);
  CHECK(finished.out == "0\nrun/report.html\n");

  const ProgramRun stopped = run_script(place.path(), R"sh(
mkfifo other
head -n 1 other >/dev/null &
train long --progress json >other
more_rows long
kill -TERM $pid; end
)sh");
  INFO(stopped.err);
  CHECK(stopped.out == "143\n");

  const ProgramRun full = run_script(place.path(), R"sh(
"$PROGRAMS/pisr_train" -c small.json --out full >/dev/full 2>err; echo $?
tail -n 1 err
)sh");
  CHECK(full.out == "4\npisr_train: error: cannot write to the standard output\n");
}

TEST_CASE("pisr_eval and pisr_report stop between images, with as many threads as are asked for",
          "[tools]") {
  const Workplace place;
  const std::filesystem::path set = place.path() / "set";
  std::filesystem::create_directory(set);
  write_image(set / "0.png", dead_leaves(1, 0, 160, 160));
  for (int number = 1; number < 150; ++number) {
    std::filesystem::create_hard_link(set / "0.png", set / (std::to_string(number) + ".png"));
  }
  const ProgramRun prepared = place.run({"-c", "small.json", "-q", "--out", "run"});
  REQUIRE(prepared.code == 0);
  // The images are loaded when the program begins to catch signals: 15 is bit 14 of SigCgt.
  const std::string script = R"sh(
for i in $(seq 3000); do
  grep -q 'SigCgt:.*[4-7c-f]...$' /proc/$pid/status 2>/dev/null && break
  sleep 0.002
done
grep Threads /proc/$pid/status
kill -TERM $pid; end
ls out 2>/dev/null
)sh";
  for (const char* command : {R"("$PROGRAMS/pisr_eval" -m run/baseline.safetensors --json out)",
                              R"("$PROGRAMS/pisr_report" run -o out)"}) {
    const ProgramRun run =
        run_script(place.path(), command + std::string(" -d set -j 1 >printed & pid=$!") + script);
    INFO(command << run.err);
    CHECK(run.out == "Threads:\t1\n143\n");
    CHECK(run.err.find(": stopped\n") != std::string::npos);
  }
}
