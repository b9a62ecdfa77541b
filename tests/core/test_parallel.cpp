#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/available_memory.h"
#include "core/cgroup.h"
#include "core/error.h"
#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

// Counts how often each task ran, and whether two calls at once had one worker number.
struct Observer {
  explicit Observer(std::int64_t tasks, int workers)
      : runs(static_cast<std::size_t>(tasks)), busy(static_cast<std::size_t>(workers)) {}

  void operator()(std::int64_t task, int worker) {
    if (worker < 0 || worker >= static_cast<int>(busy.size()) ||
        busy[static_cast<std::size_t>(worker)].exchange(true)) {
      clash = true;
      return;
    }
    ++runs[static_cast<std::size_t>(task)];
    if (task % 7 == 0) std::this_thread::yield();
    busy[static_cast<std::size_t>(worker)] = false;
  }
  bool each_once() const {
    for (const auto& count : runs) {
      if (count != 1) return false;
    }
    return !clash;
  }

  std::vector<std::atomic<int>> runs;
  std::vector<std::atomic<bool>> busy;
  std::atomic<bool> clash{false};
};

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("parallel_for runs each task once", "[parallel][threads]") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::int64_t tasks : {0, 1, 2, 3, 7, 100, 5000}) {
      Observer observer(tasks, threads);
      pool.parallel_for(tasks, observer);
      CAPTURE(threads, tasks);
      CHECK(observer.each_once());
    }
  }
}

TEST_CASE("parallel_for passes an exception on and can be used again", "[parallel][threads]") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    const auto failing = [](std::int64_t task, int) {
      if (task == 13) throw std::runtime_error("task 13");
    };
    CHECK_THROWS_WITH(pool.parallel_for(100, failing), "task 13");
    const auto all_fail = [](std::int64_t, int) { throw std::runtime_error("any"); };
    CHECK_THROWS_WITH(pool.parallel_for(100, all_fail), "any");
    Observer observer(100, threads);
    pool.parallel_for(100, observer);
    CHECK(observer.each_once());
  }
}

TEST_CASE("several threads use a pool each, and one together", "[parallel][threads]") {
  ThreadPool shared(2);
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  callers.reserve(3);
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      ThreadPool own(2);
      for (int round = 0; round < 20; ++round) {
        Observer mine(50, 2);
        own.parallel_for(50, mine);
        std::atomic<int> runs{0};
        shared.parallel_for(50, [&](std::int64_t, int) { ++runs; });
        good += mine.each_once() && runs == 50;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(good == 60);
}

TEST_CASE("a task may use its own pool", "[parallel][threads]") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    std::vector<std::atomic<int>> runs(20 * 30);
    pool.parallel_for(20, [&](std::int64_t outer, int) {
      pool.parallel_for(30, [&](std::int64_t inner, int worker) {
        if (worker >= 0 && worker < threads) ++runs[static_cast<std::size_t>(outer * 30 + inner)];
      });
    });
    CAPTURE(threads);
    CHECK(std::ranges::all_of(runs, [](const auto& count) { return count == 1; }));
  }
}

TEST_CASE("thread pool: number of threads", "[parallel]") {
  CHECK(available_threads() >= 1);
  CHECK(ThreadPool().threads() == available_threads());
  CHECK_THROWS_WITH(ThreadPool(-1), "threads: must be at least 1, or 0 for all, got -1");
}

TEST_CASE("limits of control groups", "[parallel]") {
  const TemporaryFolder folder;
  const std::filesystem::path mount = folder.path() / "cgroup";
  const std::filesystem::path membership = folder.path() / "self";
  const auto limit = [&] { return cgroup_cpu_limit(membership, mount); };
  CHECK(std::isinf(limit()));

  SECTION("version 2") {
    write(membership, "0::/user/job\n");
    CHECK(std::isinf(limit()));
    write(mount / "user/job/cpu.max", "max 100000\n");
    CHECK(std::isinf(limit()));
    write(mount / "user/job/cpu.max", "150000 100000\n");
    CHECK(limit() == 1.5);
    write(mount / "user/cpu.max", "50000 100000\n");
    CHECK(limit() == 0.5);
  }
  SECTION("version 2 in a container that sees its own group as the root") {
    write(membership, "0::/\n");
    write(mount / "cpu.max", "200000 100000\n");
    CHECK(limit() == 2);
  }
  SECTION("version 1") {
    write(membership, "12:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n3:cpuset:/docker/x\n");
    write(mount / "cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
    write(mount / "cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    CHECK(std::isinf(limit()));
    write(mount / "cpu,cpuacct/docker/x/cpu.cfs_quota_us", "300000\n");
    CHECK(limit() == 3);
    write(mount / "cpuset/docker/x/cpu.cfs_quota_us", "1000\n");
    CHECK(limit() == 3);
  }
  SECTION("memory") {
    const std::filesystem::path meminfo = folder.path() / "meminfo";
    const auto memory = [&] { return available_memory(meminfo, membership, mount); };
    CHECK(std::isinf(memory()));
    write(meminfo, "MemTotal:       2000 kB\nMemAvailable:   1000 kB\nBuffers: 1 kB\n");
    CHECK(memory() == 1024000);
    write(membership, "0::/user/job\n");
    write(mount / "user/job/memory.max", "max\n");
    CHECK(memory() == 1024000);
    write(mount / "user/memory.max", "4096\n");
    CHECK(memory() == 4096);
    write(membership, "9:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n");
    write(mount / "memory/docker/x/memory.limit_in_bytes", "8192\n");
    CHECK(memory() == 8192);
    CHECK(available_memory() > 0);
  }
  SECTION("what cannot be read is no limit") {
    write(membership, "nonsense\n0::\n0::/a\n:::\n");
    write(mount / "a/cpu.max", "zero 0\n");
    CHECK(std::isinf(limit()));
    write(mount / "a/cpu.max", "100000 0\n");
    CHECK(std::isinf(limit()));
  }
}

}  // namespace pisr
