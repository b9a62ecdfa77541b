#pragma once

#include <cstdint>
#include <memory>

#include "kernels/launcher.h"

namespace pisr {

/// What a ThreadPool of several threads runs its tasks on. A build has one of two: oneTBB
/// (core/tbb), or threads of its own (core/plain_threads).
class ThreadTeam {
 public:
  virtual ~ThreadTeam() = default;

  /// As ThreadPool::parallel_for. Several threads may call it at once.
  virtual void run(std::int64_t tasks,
                   kernels::FunctionRef<void(std::int64_t task, int worker)> body) = 0;
};

/// threads >= 2, the calling one among them.
std::unique_ptr<ThreadTeam> make_thread_team(int threads);

}  // namespace pisr
