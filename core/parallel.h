#pragma once

#include <cstdint>
#include <memory>

#include "kernels/export.h"
#include "kernels/launcher.h"

namespace pisr {

class ThreadTeam;

/// A limit on threads: work run through it uses at most `threads` at once. Idle threads do not
/// spin. It is built on oneTBB, so it composes with a host program that uses oneTBB too; without
/// oneTBB (PISR_TBB=OFF) it has threads of its own.
class PISR_CORE_API ThreadPool {
 public:
  /// threads >= 1, or 0 for all that the process may use (its CPU affinity and cgroup quota).
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const noexcept { return threads_; }

  /// Calls body(task, worker) once for each task in [0, tasks), in any order and possibly at once.
  /// worker is in [0, threads()), and no two calls that run at once have the same one. Returns when
  /// all are done; the first exception of a body is rethrown.
  void parallel_for(std::int64_t tasks,
                    kernels::FunctionRef<void(std::int64_t task, int worker)> body);

 private:
  std::unique_ptr<ThreadTeam> team_;
  int threads_;
};

/// The number of threads this process may use: its CPU affinity and its cgroup's quota, at least 1.
PISR_CORE_API int available_threads();

}  // namespace pisr
