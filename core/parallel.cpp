#include "core/parallel.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include <sched.h>

// oneTBB is not compiled with ThreadSanitizer, which would report its synchronisation as races.
// With plain threads it checks our own code.
#if defined(__SANITIZE_THREAD__)
#define PISR_PLAIN_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PISR_PLAIN_THREADS 1
#endif
#endif
#if PISR_PLAIN_THREADS
#include <atomic>
#include <exception>
#include <mutex>
#include <vector>
#else
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif

#include "core/cgroup.h"
#include "core/error.h"

namespace pisr {
namespace {

// Linux refuses a set smaller than its own, so larger ones are tried.
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

#if PISR_PLAIN_THREADS
struct ThreadPool::Implementation {
  explicit Implementation(int count) : threads(count) {}

  void run(std::int64_t tasks, kernels::FunctionRef<void(std::int64_t task, int worker)> body) {
    std::atomic<std::int64_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&](int worker) {
      try {
        for (std::int64_t task = next++; task < tasks; task = next++) {
          body(task, worker);
        }
      } catch (...) {
        next = tasks;
        const std::lock_guard lock(failure_mutex);
        failure = failure ? failure : std::current_exception();
      }
    };
    std::vector<std::thread> others;
    for (int worker = 1; worker < threads; ++worker) {
      others.emplace_back(work, worker);
    }
    work(0);
    for (std::thread& other : others) {
      other.join();
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  int threads;
};
#else
struct ThreadPool::Implementation {
  // Asking for more threads than oneTBB has makes it print a warning, and nothing faster.
  explicit Implementation(int threads)
      : arena(std::min(threads, oneapi::tbb::info::default_concurrency())) {}

  void run(std::int64_t tasks, kernels::FunctionRef<void(std::int64_t task, int worker)> body) {
    using Range = oneapi::tbb::blocked_range<std::int64_t>;
    arena.execute([&] {
      oneapi::tbb::parallel_for(Range(0, tasks), [&](const Range& range) {
        const int worker = oneapi::tbb::this_task_arena::current_thread_index();
        for (std::int64_t task = range.begin(); task < range.end(); ++task) {
          body(task, worker);
        }
      });
    });
  }
  oneapi::tbb::task_arena arena;
};
#endif

ThreadPool::ThreadPool(int threads) : threads_(threads == 0 ? available_threads() : threads) {
  if (threads < 0) {
    throw Error(ErrorKind::usage,
                message("threads: must be at least 1, or 0 for all, got ", threads));
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
  implementation_->run(tasks, body);
}

}  // namespace pisr
