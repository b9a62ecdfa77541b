#include "core/parallel.h"

#include <algorithm>
#include <cmath>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/cgroup.h"
#include "core/error.h"
#include "core/thread_team.h"

namespace pisr {
namespace {

int processors_by_affinity() {
#if defined(__linux__)
  // Linux refuses a set smaller than its own, so larger ones are tried.
  for (int limit = 1024; limit <= (1 << 20); limit *= 2) {
    cpu_set_t* set = CPU_ALLOC(limit);
    if (set == nullptr) {
      break;
    }
    const std::size_t bytes = CPU_ALLOC_SIZE(limit);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) {
      return count;
    }
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int available_threads() {
  const int processors = processors_by_affinity();
  const double limit = cgroup_cpu_limit("/proc/self/cgroup", "/sys/fs/cgroup");
  return limit < processors ? std::max(1, static_cast<int>(std::ceil(limit))) : processors;
}

ThreadPool::ThreadPool(int threads) : threads_(threads == 0 ? available_threads() : threads) {
  if (threads < 0) {
    throw Error(ErrorKind::usage,
                message("threads: must be at least 1, or 0 for all, got ", threads));
  }
  if (threads_ > 1) {
    team_ = make_thread_team(threads_);
  }
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::parallel_for(std::int64_t tasks,
                              kernels::FunctionRef<void(std::int64_t task, int worker)> body) {
  if (team_ == nullptr || tasks <= 1) {
    for (std::int64_t task = 0; task < tasks; ++task) {
      body(task, 0);
    }
    return;
  }
  team_->run(tasks, body);
}

}  // namespace pisr
