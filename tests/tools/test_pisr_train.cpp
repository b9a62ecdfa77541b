#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/philox.h"
#include "kernels/open_cuda.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/train/checkpoint.h"
#include "pisr/train/config.h"
#include "pisr/train/run_metrics.h"
#include "tests/catch.h"
#include "tests/skipped.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"
#include "tests/tools/training_workplace.h"

using namespace pisr;

namespace {

namespace fs = std::filesystem;

/// pisr_train while it runs; killed at the end of the scope.
class Process {
 public:
  Process(const fs::path& folder, const std::vector<std::string>& arguments) {
    std::vector<std::string> words{PISR_PROGRAMS "/pisr_train"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) {
      pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    id_ = ::fork();
    if (id_ == 0) {
      const int null = ::open("/dev/null", O_RDWR);
      if (::chdir(folder.c_str()) == 0 && ::dup2(null, 1) == 1 && ::dup2(null, 2) == 2) {
        ::execv(pointers[0], pointers.data());
      }
      ::_exit(99);
    }
  }
  ~Process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      wait();
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Not after the end: to kill(), process 0 is the whole group of this one.
  void signal(int number) const {
    REQUIRE(id_ > 0);
    ::kill(id_, number);
  }
  bool running() {
    if (id_ > 0 && ::waitpid(id_, &status_, WNOHANG) == id_) {
      id_ = 0;
    }
    return id_ > 0;
  }
  /// The exit code; -1 where a signal ended it.
  int wait() {
    if (id_ > 0) {
      ::waitpid(id_, &status_, 0);
      id_ = 0;
    }
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }

 private:
  pid_t id_ = 0;
  int status_ = 0;
};

std::int64_t last_iteration(const fs::path& run) {
  std::int64_t last = 0;
  for (const MetricsRow& row : read_metrics(run / "metrics.csv")) {
    last = std::max(last, row.iteration);
  }
  return last;
}

/// Waits until the run has done `iteration` updates; false where it ended before that was seen, as
/// it may on a machine that stalls this program.
bool wait_for_iteration(Process& process, const fs::path& run, std::int64_t iteration) {
  for (int i = 0; i < 60000; ++i) {
    if (!process.running()) {
      return false;
    }
    if (last_iteration(run) >= iteration) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL("no update " << iteration << " in a minute");
  return false;
}

const std::string kLastCheckpoint = "checkpoints/" + checkpoint_name(TrainingPhase::baseline, 1000);

TEST_CASE("pisr_train: a run, and what it leaves", "[tools]") {
  const Workplace place;
  const ProgramRun run = place.run({"-c", "small.json", "--out", "run dir", "--phase", "all"});
  CHECK(run.code == 0);
  INFO(run.err);
  for (const char* file :
       {"config.json", "train.log", "metrics.csv", "report.html", "teacher.safetensors",
        "teacher_last.safetensors", "student.safetensors", "student_last.safetensors"}) {
    CHECK(fs::exists(place.path() / "run dir" / file));
  }
  CHECK(!fs::is_empty(place.path() / "run dir" / "tb"));
  CHECK(run.out.find("report: run dir/report.html") != std::string::npos);
  // Once more in the same folder: refused, continued (nothing is left to do), started over.
  const std::vector<std::string> again{"-c", "small.json", "--out", "run dir", "--phase", "all"};
  const ProgramRun refused = place.run(again);
  CHECK(refused.code == 4);
  CHECK(refused.err ==
        "pisr_train: error: run directory 'run dir': is not empty\n"
        "hint: --resume auto continues the run in it, --overwrite starts over\n");
  const std::string weights = read_whole(place.path() / "run dir/student_last.safetensors");
  CHECK(place.run({"--out", "run dir", "--resume", "auto"}).code == 0);
  CHECK(read_whole(place.path() / "run dir/student_last.safetensors") == weights);
  std::vector<std::string> over = again;
  over.insert(over.end(), {"--overwrite", "--set", "manual_seed=1"});
  CHECK(place.run(over).code == 0);
  CHECK(read_whole(place.path() / "run dir/student_last.safetensors") != weights);
}

TEST_CASE("pisr_train: --print-config gives what it read", "[tools]") {
  const Workplace place;
  const ProgramRun printed = place.run({"-c", "small.json", "--set", "train.batch_size=5", "--data",
                                        "photos", "-j", "1", "--print-config"});
  CHECK(printed.code == 0);
  CHECK(printed.err.empty());
  const TrainConfig config = parse_config(printed.out, "printed");
  CHECK(config.train.batch_size == 5);
  CHECK(config.threads == 1);
  CHECK(config.data.train == std::vector<std::string>{"photos"});
  std::ofstream(place.path() / "printed.json") << printed.out;
  CHECK(place.run({"-c", "printed.json", "--print-config"}).out == printed.out);
  CHECK(place.run({"--help-config"}).out == config_reference());
  CHECK(place.run({"--print-config"}).out == config_json(TrainConfig{}));
}

TEST_CASE("pisr_train: the device is a key of the configuration", "[tools]") {
  const Workplace place;
  const ProgramRun printed = place.run({"-c", "small.json", "--device", "cuda:1", "--precision",
                                        "tf32", "--backend", "cudnn", "--print-config"});
  CHECK(printed.code == 0);
  const TrainConfig config = parse_config(printed.out, "printed");
  CHECK(config.device == "cuda:1");
  CHECK(config.precision == kernels::Precision::tf32);
  CHECK(config.backend == BackendChoice::cudnn);
  const auto refused = [&](const std::vector<std::string>& more, int code) {
    std::vector<std::string> arguments{"-c", "small.json", "--out", "new"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramRun run = place.run(arguments);
    INFO(run.err);
    CHECK(run.code == code);
    CHECK(run.out.empty());
    CHECK(!fs::exists(place.path() / "new"));
    return run.err;
  };
  CHECK(refused({"--device", "gpu"}, 2).find("got 'gpu'") != std::string::npos);
  CHECK(refused({"--precision", "fp16"}, 2).find("must be one of fp32, tf32") != std::string::npos);
  CHECK(refused({"--device", "cpu", "--precision", "tf32"}, 2).find("fp32") != std::string::npos);
  std::string why_not;
  if (kernels::open_cuda_device({}, why_not) == nullptr) {
    for (const char* device : {"cuda", "0"}) {
      CHECK(refused({"--device", device}, 6).find("no CUDA device can be used: " + why_not) !=
            std::string::npos);
    }
    const ProgramRun fallen =
        place.run({"-c", "small.json", "--out", "run", "-q", "--device", "auto", "--phase",
                   "baseline", "--set", "train.total_iter=2", "--set", "precision=tf32"});
    CHECK(fallen.code == 0);
    CHECK(fallen.err == "pisr_train: note: running on the CPU in fp32: " + why_not + "\n");
  }
}

TEST_CASE("pisr_train: a run on the Eigen back end, named by option, key or environment",
          "[tools]") {
  const Workplace place;
  const auto weights = [&](const std::string& out) {
    return read_whole(place.path() / out / "student_last.safetensors");
  };
  const auto train = [&](const std::string& out, const std::string& environment,
                         const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"-c", "small.json", "-q", "--phase", "all", "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramRun run =
        run_command(place.path(), environment, PISR_PROGRAMS "/pisr_train", arguments);
    INFO(run.err);
    CHECK(run.code == 0);
    return weights(out);
  };
  const std::string eigen = train("option", "", {"--backend", "eigen"});
  CHECK(read_config(place.path() / "option" / "config.json").backend == BackendChoice::eigen);
  CHECK(train("key", "", {"--set", "backend=eigen", "--threads", "1"}) == eigen);
  CHECK(train("environment", "PISR_BACKEND=eigen", {"--threads", "3"}) == eigen);
  // Other sums round in another order; the option wins over the environment.
  const std::string own = train("own", "PISR_BACKEND=eigen", {"--backend", "own"});
  CHECK(own != eigen);
  CHECK(train("plain", "", {}) == own);
  const auto last_loss = [&](const std::string& out) {
    double loss = 0;
    for (const MetricsRow& row : read_metrics(place.path() / out / "metrics.csv")) {
      loss = std::isfinite(row.loss) ? row.loss : loss;  // validations have none
    }
    return loss;
  };
  CHECK(last_loss("own") != 0);
  CHECK(last_loss("option") == Approx(last_loss("own")).epsilon(1e-4));

  const ProgramRun refused = run_command(place.path(), "PISR_BACKEND=naive",
                                         PISR_PROGRAMS "/pisr_train", {"-c", "small.json"});
  CHECK(refused.code == 2);
  CHECK(refused.err ==
        "pisr_train: error: PISR_BACKEND: must be own, eigen or cudnn, got 'naive'\n");
  const ProgramRun on_device =
      place.run({"-c", "small.json", "--backend", "eigen", "--device", "cuda"});
  CHECK(on_device.code == 2);
  CHECK(on_device.err.find("pisr_train: error: backend: eigen runs on the CPU, not on a CUDA") ==
        0);
}

TEST_CASE("pisr_train: --progress json is one object a line", "[tools]") {
  const Workplace place;
  const ProgramRun run = place.run(
      {"-c", "small.json", "--out", "run", "--progress", "json", "--set", "train.print_freq=5"});
  CHECK(run.code == 0);
  CHECK(run.err.empty());
  std::istringstream lines(run.out);
  int steps = 0;
  int validations = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    steps += event.at("event") == "step" ? 1 : 0;
    validations += event.at("event") == "validation" ? 1 : 0;
  }
  CHECK(steps == 4);
  CHECK(validations == 2);
  CHECK(place.run({"-c", "small.json", "--out", "quiet", "-q"}).err.empty());
}

TEST_CASE("pisr_train: bad input gets one line, its code, and nothing is written", "[tools]") {
  const Workplace place;
  struct Row {
    std::vector<std::string> arguments;
    int code;
    std::string text;
  };
  for (const Row& row : std::vector<Row>{
           {{"--frobnicate"}, 2, "--frobnicate"},
           {{"-c", "absent.json"}, 2, "absent.json"},
           {{"--set", "train.total_iters=5"}, 2, "unknown key \"train.total_iters\""},
           {{"--set", "train.batch_size=-2"}, 2, "must be an integer from 1 to 4096, got -2"},
           {{"--set", "train.batch_size=many"}, 2, "got \"many\""},
           {{"--set", "train.gt_size=17"}, 2, "must be a multiple of network.scale 2, got 17"},
           {{"--phase", "everything"}, 2, "must be one of baseline, teacher, student, all"},
           {{"--progress", "loud"}, 2, "--progress"},
           {{"--resume", "auto", "--overwrite"}, 2, "exclude each other"},
           {{"--data", "nowhere"}, 3, "nowhere"},
           {{"--data", "empty"}, 3, "no images in 'empty'"},
           {{"--data", "garbled"}, 3, "garbled/a.png"},
           {{"--data", "tiny"}, 3, "dot.png"},
           {{"--data", "photos", "--set", "train.gt_size=32"}, 3, "at least 32 x 32"},
           {{"--val", "empty"}, 3, "no images in 'empty'"},
           {{"--phase", "student"}, 5, "needs a trained teacher"},
           {{"--resume", "nowhere.safetensors"}, 5, "nowhere.safetensors"},
           {{"--resume", "photos/a.png"}, 5, "photos/a.png"}}) {
    std::vector<std::string> arguments{"--config", "small.json", "--out", "new"};
    if (row.arguments[0] == "-c") {
      arguments = {"--out", "new"};
    }
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    const ProgramRun run = place.run(arguments);
    INFO(run.err);
    CHECK(run.code == row.code);
    CHECK(run.out.empty());
    CHECK(run.err.find(row.text) != std::string::npos);
    CHECK(run.err.find("pisr_train: error: ") != std::string::npos);
    CHECK(!fs::exists(place.path() / "new"));
    fs::remove_all(place.path() / "new");
  }
  // A small image among large ones is left out, which is said.
  const ProgramRun small =
      place.run({"-c", "small.json", "--out", "new", "--data", "photos", "--progress", "log"});
  CHECK(small.code == 0);
  CHECK(small.err.find("left out: b (12 x 40") != std::string::npos);
}

TEST_CASE("pisr_train: folders it cannot or must not write", "[tools]") {
  const Workplace place;
  const auto train_into = [&](const std::string& out) {
    return place.run({"-c", "small.json", "--out", out});
  };
  CHECK(train_into("used").code == 4);
  CHECK(train_into("used/thesis.txt").code == 4);
  CHECK(train_into("used/thesis.txt/below").code == 4);
  CHECK(read_whole(place.path() / "used/thesis.txt") == "x");
  fs::create_directory(place.path() / "fixed");
  if (::mount("tmpfs", (place.path() / "fixed").c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) {
    skipped("a read-only file system cannot be mounted (not root)");
    return;
  }
  const ProgramRun fixed = train_into("fixed");
  ::umount2((place.path() / "fixed").c_str(), MNT_DETACH);
  CHECK(fixed.code == 4);
  CHECK(fixed.err ==
        "pisr_train: error: cannot write run directory 'fixed': Read-only file "
        "system\n");
}

TEST_CASE("pisr_train: training that diverges ends with 8", "[tools]") {
  const Workplace place;
  const ProgramRun run = place.run({"-c", "small.json", "--out", "run", "--progress", "none",
                                    "--set", "train.learning_rate=1e30", "--set",
                                    "train.max_bad_steps=3", "--set", "val.val_freq=1000"});
  CHECK(run.code == 8);
  CHECK(run.err.find("pisr_train: error: baseline iteration ") == 0);
  CHECK(run.err.find("image") != std::string::npos);
  CHECK(run.err.find("\nhint: ") != std::string::npos);
}

TEST_CASE("pisr_train: a damaged checkpoint is passed over, which is said", "[tools]") {
  const Workplace place;
  CHECK(place.run({"-c", "small.json", "--out", "run", "-q"}).code == 0);
  const fs::path last =
      place.path() / "run/checkpoints" / checkpoint_name(TrainingPhase::baseline, 20);
  const std::string good = read_whole(last);
  std::string bad = good;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 16);
  std::ofstream(last, std::ios::binary) << bad;
  const ProgramRun run = place.run({"--out", "run", "--resume", "auto"});
  CHECK(run.code == 0);
  CHECK(run.err.find("warning: skipped checkpoint 'run/checkpoints/baseline_000000020.safetensors'"
                     ": is damaged: its checksum does not fit") != std::string::npos);
  CHECK(run.err.find("resumed baseline at iteration 15 of 20") != std::string::npos);
  CHECK(read_whole(last) == good);
  const ProgramRun other = place.run({"--out", "run", "--resume", "auto", "--set", "network.d=7"});
  CHECK(other.code == 5);
  CHECK(other.err.find("network.feature_channels is 6, the run has 7") != std::string::npos);
}

TEST_CASE("pisr_train: SIGINT and SIGTERM save, and the run goes on", "[tools]") {
  const Workplace place;
  const std::vector<std::string> settings{"-c",
                                          "small.json",
                                          "-q",
                                          "--set",
                                          "train.total_iter=1000",
                                          "--set",
                                          "train.save_checkpoint_freq=1000"};
  const auto arguments = [&](const std::string& out) {
    std::vector<std::string> all = settings;
    all.insert(all.end(), {"--out", out, "--resume", "auto"});
    return all;
  };
  CHECK(place.run(arguments("whole")).code == 0);
  const std::string whole = read_whole(place.path() / "whole" / kLastCheckpoint);
  // A run that ends before the signal reaches it says nothing of signals; another one begins.
  int stopped = 0;
  for (int attempt = 0; attempt < 10 && stopped < 2; ++attempt) {
    const std::string name = "run" + std::to_string(attempt);
    const fs::path run = place.path() / name;
    stopped = 0;
    for (const int number : {SIGINT, SIGTERM}) {
      const std::int64_t before = last_iteration(run);
      Process process(place.path(), arguments(name));
      if (!wait_for_iteration(process, run, before + 20)) {
        break;
      }
      process.signal(number);
      const int code = process.wait();
      if (code == 0) {
        break;
      }
      ++stopped;
      CHECK(code == 128 + number);
      const auto files = list_checkpoints(run / "checkpoints", {TrainingPhase::baseline});
      REQUIRE(!files.empty());
      // Every row of the metrics is that of an update that was saved.
      CHECK(files.back().iteration == last_iteration(run));
    }
    CHECK(place.run(arguments(name)).code == 0);
    CHECK(read_whole(run / kLastCheckpoint) == whole);
  }
  CHECK(stopped == 2);
}

/// PISR_KILLS=20 for the long version.
TEST_CASE("pisr_train: kill -9 at random moments loses at most one interval", "[tools]") {
  const char* variable = std::getenv("PISR_KILLS");
  const int kills = variable != nullptr ? std::atoi(variable) : 4;
  constexpr int kInterval = 10;
  const Workplace place;
  const auto arguments = [&](const std::string& out) {
    return std::vector<std::string>{"-c",
                                    "small.json",
                                    "-q",
                                    "--set",
                                    "train.total_iter=1000",
                                    "--set",
                                    "train.save_checkpoint_freq=10",
                                    "--set",
                                    "val.val_freq=50",
                                    "--out",
                                    out,
                                    "--resume",
                                    "auto"};
  };
  CHECK(place.run(arguments("whole")).code == 0);
  const auto ends_as_the_whole = [&](const std::string& name) {
    CHECK(place.run(arguments(name)).code == 0);
    const fs::path run = place.path() / name;
    CHECK(read_whole(run / kLastCheckpoint) ==
          read_whole(place.path() / "whole" / kLastCheckpoint));
    CHECK(read_metrics(run / "metrics.csv").size() ==
          read_metrics(place.path() / "whole/metrics.csv").size());
    for (const auto& entry : fs::recursive_directory_iterator(run)) {
      CHECK(entry.path().extension() != ".tmp");
    }
  };
  Random random(7, RandomUse::test, 0);
  int folder = 0;
  std::string name = "run0";
  for (int kill = 0, attempt = 0; kill < kills; ++attempt) {
    REQUIRE(attempt < 3 * kills);
    const fs::path run = place.path() / name;
    const std::int64_t before = last_iteration(run);
    Process process(place.path(), arguments(name));
    // Every third one falls anywhere, perhaps before the first update.
    bool running = true;
    if (kill % 3 != 2) {
      const std::int64_t updates = 1 + random.below(static_cast<std::uint32_t>(900 / kills));
      running = wait_for_iteration(process, run, before + updates);
    }
    if (running) {
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(20000)));
      process.signal(SIGKILL);
      running = process.wait() == -1;
    }
    if (!running) {
      // It ended before it could be killed: the next kills are those of another run.
      CHECK(process.wait() == 0);
      ends_as_the_whole(name);
      name = "run" + std::to_string(++folder);
      continue;
    }
    ++kill;
    const auto found = find_newest_checkpoint(run / "checkpoints", {TrainingPhase::baseline});
    CHECK(found.skipped.empty());
    const std::int64_t kept = found.checkpoint ? found.checkpoint->iteration : 0;
    CHECK(last_iteration(run) - kept <= kInterval);
  }
  ends_as_the_whole(name);
}

}  // namespace
