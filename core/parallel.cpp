#include "core/parallel.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <sched.h>

#include "core/cgroup.h"
#include "core/error.h"

namespace pisr {
namespace {

// The kernel refuses a set smaller than its own, so larger ones are tried.
int processors_by_affinity() {
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
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int available_threads() {
  const int processors = processors_by_affinity();
  const double limit = cgroup_cpu_limit("/proc/self/cgroup", "/sys/fs/cgroup");
  return limit < processors ? std::max(1, static_cast<int>(std::ceil(limit))) : processors;
}

struct ThreadPool::Implementation {
  // More than oneTBB has would make it print a warning, and not be faster.
  explicit Implementation(int threads)
      : arena(std::min(threads, oneapi::tbb::info::default_concurrency())) {}
  oneapi::tbb::task_arena arena;
};

ThreadPool::ThreadPool(int threads) : threads_(threads == 0 ? available_threads() : threads) {
  if (threads < 0) {
    throw Error(ErrorKind::usage,
                message("threads: wants at least 1, or 0 for all, got ", threads));
  }
  if (threads_ > 1) {
    implementation_ = std::make_unique<Implementation>(threads_);
  }
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::parallel_for(std::int64_t tasks,
                              kernels::FunctionRef<void(std::int64_t task, int worker)> body) {
  if (implementation_ == nullptr || tasks <= 1) {
    for (std::int64_t task = 0; task < tasks; ++task) {
      body(task, 0);
    }
    return;
  }
  implementation_->arena.execute([&] {
    oneapi::tbb::parallel_for(
        oneapi::tbb::blocked_range<std::int64_t>(0, tasks),
        [&](const oneapi::tbb::blocked_range<std::int64_t>& range) {
          const int worker = oneapi::tbb::this_task_arena::current_thread_index();
          for (std::int64_t task = range.begin(); task < range.end(); ++task) {
            body(task, worker);
          }
        });
  });
}

}  // namespace pisr
