#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "core/joining_thread.h"

namespace pisr {

/// A queue between two threads that holds few items, so that neither runs far ahead.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t most) : most_(most) {}

  /// Waits for room. False where the queue is closed; the item is then dropped.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || items_.size() < most_; });
    if (closed_) {
      return false;
    }
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }

  /// Waits for an item; nothing where the queue is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) {
      return std::nullopt;
    }
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  /// No more items will come.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  /// The same, and those that are there are dropped.
  void abandon() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    items_.clear();
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  std::size_t most_;
  bool closed_ = false;
};

/// Calls consume(compute(produce())) for item after item until produce() returns nothing, each
/// stage in order. With `overlapped`, produce and consume run in threads of their own while compute
/// runs in the calling one. compute returns an optional result; nothing ends the work early. The
/// first exception of a stage ends the others and is rethrown.
template <class Produce, class Compute, class Consume>
void run_pipeline(bool overlapped, Produce&& produce, Compute&& compute, Consume&& consume) {
  if (!overlapped) {
    while (auto item = produce()) {
      auto result = compute(std::move(*item));
      if (!result) {
        return;
      }
      consume(std::move(*result));
    }
    return;
  }
  using Item = typename decltype(produce())::value_type;
  using Result = typename decltype(compute(std::declval<Item>()))::value_type;
  BoundedQueue<Item> items(1);
  BoundedQueue<Result> results(1);
  std::mutex failure_mutex;
  std::exception_ptr failure;
  const auto guarded = [&](auto&& work) {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      failure = failure ? failure : std::current_exception();
      items.abandon();
      results.abandon();
    }
  };
  {
    const JoiningThread producer([&] {
      guarded([&] {
        for (auto item = produce(); item && items.push(std::move(*item)); item = produce()) {
        }
        items.close();
      });
    });
    const JoiningThread consumer([&] {
      guarded([&] {
        while (auto result = results.pop()) {
          consume(std::move(*result));
        }
      });
    });
    guarded([&] {
      while (auto item = items.pop()) {
        auto result = compute(std::move(*item));
        if (!result || !results.push(std::move(*result))) {
          items.abandon();
          break;
        }
      }
      results.close();
    });
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace pisr
