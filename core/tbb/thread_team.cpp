#include "core/thread_team.h"

#include <algorithm>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace pisr {
namespace {

class TbbTeam final : public ThreadTeam {
 public:
  // Asking for more threads than oneTBB has makes it print a warning, and nothing faster.
  explicit TbbTeam(int threads)
      : arena_(std::min(threads, oneapi::tbb::info::default_concurrency())) {}

  void run(std::int64_t tasks,
           kernels::FunctionRef<void(std::int64_t task, int worker)> body) override {
    using Range = oneapi::tbb::blocked_range<std::int64_t>;
    arena_.execute([&] {
      oneapi::tbb::parallel_for(Range(0, tasks), [&](const Range& range) {
        const int worker = oneapi::tbb::this_task_arena::current_thread_index();
        for (std::int64_t task = range.begin(); task < range.end(); ++task) {
          body(task, worker);
        }
      });
    });
  }

 private:
  oneapi::tbb::task_arena arena_;
};

}  // namespace

std::unique_ptr<ThreadTeam> make_thread_team(int threads) {
  return std::make_unique<TbbTeam>(threads);
}

}  // namespace pisr
