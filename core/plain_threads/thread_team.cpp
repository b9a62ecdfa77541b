#include "core/thread_team.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace pisr {
namespace {

using Body = kernels::FunctionRef<void(std::int64_t task, int worker)>;

/// The tasks of one call of run, from which each worker takes the next.
class Job {
 public:
  Job(std::int64_t tasks, Body body) : tasks_(tasks), body_(body) {}

  void work(int worker) noexcept {
    try {
      for (std::int64_t task = next_++; task < tasks_; task = next_++) {
        body_(task, worker);
      }
    } catch (...) {
      next_ = tasks_;
      const std::lock_guard lock(failure_mutex_);
      failure_ = failure_ ? failure_ : std::current_exception();
    }
  }
  void rethrow_failure() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  std::int64_t tasks_;
  Body body_;
  std::atomic<std::int64_t> next_{0};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

/// Threads that wait for jobs. While they have one, another caller does its job alone: it could
/// only take processors away from the first.
class PlainTeam final : public ThreadTeam {
 public:
  explicit PlainTeam(int threads) {
    try {
      for (int worker = 1; worker < threads; ++worker) {
        others_.emplace_back([this, worker] { serve(worker); });
      }
    } catch (...) {
      stop();
      throw;
    }
  }
  PlainTeam(const PlainTeam&) = delete;
  PlainTeam& operator=(const PlainTeam&) = delete;
  ~PlainTeam() override { stop(); }

  void run(std::int64_t tasks, Body body) override {
    Job job(tasks, body);
    if (busy_.test_and_set()) {
      job.work(0);
    } else {
      run_together(job);
      busy_.clear();
    }
    job.rethrow_failure();
  }

 private:
  void run_together(Job& job) noexcept {
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
      ++number_;
    }
    begin_.notify_all();
    job.work(0);
    // No task is left; who has not begun by now need not.
    std::unique_lock lock(mutex_);
    job_ = nullptr;
    done_.wait(lock, [this] { return working_ == 0; });
  }

  void serve(int worker) noexcept {
    std::unique_lock lock(mutex_);
    for (std::uint64_t last = 0;;) {
      begin_.wait(lock, [&] { return stopping_ || (job_ != nullptr && number_ != last); });
      if (stopping_) {
        return;
      }
      Job& job = *job_;
      last = number_;
      ++working_;
      lock.unlock();
      job.work(worker);
      lock.lock();
      if (--working_ == 0) {
        done_.notify_one();
      }
    }
  }

  void stop() noexcept {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    begin_.notify_all();
    for (std::thread& other : others_) {
      other.join();
    }
  }

  std::atomic_flag busy_;
  std::mutex mutex_;  ///< of the members below
  std::condition_variable begin_, done_;
  Job* job_ = nullptr;
  std::uint64_t number_ = 0;  ///< of the job, from 1
  int working_ = 0;           ///< others that have begun the job
  bool stopping_ = false;
  std::vector<std::thread> others_;
};

}  // namespace

std::unique_ptr<ThreadTeam> make_thread_team(int threads) {
  return std::make_unique<PlainTeam>(threads);
}

}  // namespace pisr
