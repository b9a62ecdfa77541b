#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/communicator.h"
#include "core/joining_thread.h"

namespace pisr {

/// What a rank throws that waits for others where one has ended.
struct RanksAreGone : std::runtime_error {
  RanksAreGone() : std::runtime_error("the other ranks are gone") {}
};

/// What the ranks of one thread_ranks() share.
struct ThreadRanks {
  explicit ThreadRanks(int count)
      : size(count), meeting(count), places(static_cast<std::size_t>(count)) {}
  int size;
  std::barrier<> meeting;
  std::vector<const void*> places;
  std::atomic<bool> has_left = false;  ///< whether a rank has ended
  std::atomic<int> reductions = 0;     ///< sums that were made, of floats or doubles
};

/// A rank that is a thread. Sums are added in the order of the ranks, in the type of the values.
class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(ThreadRanks& ranks, int rank) : ranks_(ranks), rank_(rank) {}
  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return ranks_.size; }
  int node() const noexcept override { return 0; }
  void all_reduce_sum(std::span<float> values) override { sum(values); }
  void all_reduce_sum(std::span<double> values) override { sum(values); }
  void broadcast(std::span<std::byte> bytes, int root) override {
    place(bytes.data());
    if (rank_ != root) {
      const auto* from =
          static_cast<const std::byte*>(ranks_.places[static_cast<std::size_t>(root)]);
      std::copy_n(from, bytes.size(), bytes.data());
    }
    meet();
  }
  void barrier() override {
    place(nullptr);
    meet();
  }
  [[noreturn]] void abort(int) noexcept override { std::terminate(); }

 private:
  void meet() { ranks_.meeting.arrive_and_wait(); }
  void place(const void* data) {
    ranks_.places[static_cast<std::size_t>(rank_)] = data;
    meet();
    if (ranks_.has_left) {
      throw RanksAreGone();
    }
  }
  template <class Number>
  void sum(std::span<Number> values) {
    place(values.data());
    std::vector<Number> result(values.size());
    for (const void* place : ranks_.places) {
      const auto* part = static_cast<const Number*>(place);
      for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] += part[i];
      }
    }
    meet();
    std::ranges::copy(result, values.begin());
    if (rank_ == 0) {
      ++ranks_.reductions;
    }
  }

  ThreadRanks& ranks_;
  int rank_;
};

/// Calls body(communicator) on `size` threads, each a rank, and returns what each threw: null where
/// it threw nothing. A rank that ends by an exception of its own makes the others, where they wait,
/// throw RanksAreGone.
inline std::vector<std::exception_ptr> failures_of_ranks(
    int size, const std::function<void(Communicator&)>& body, int* reductions = nullptr) {
  ThreadRanks ranks(size);
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(size));
  {
    std::vector<std::unique_ptr<JoiningThread>> threads;
    for (int rank = 0; rank < size; ++rank) {
      threads.push_back(std::make_unique<JoiningThread>([&, rank] {
        ThreadCommunicator communicator(ranks, rank);
        try {
          body(communicator);
        } catch (...) {
          failures[static_cast<std::size_t>(rank)] = std::current_exception();
        }
        ranks.has_left = true;
        ranks.meeting.arrive_and_drop();
      }));
    }
  }
  if (reductions != nullptr) {
    *reductions = ranks.reductions;
  }
  return failures;
}

/// The same where none may fail: throws what the lowest rank has thrown. Returns the number of
/// sums that the ranks made.
inline int on_ranks(int size, const std::function<void(Communicator&)>& body) {
  int reductions = 0;
  for (const std::exception_ptr& failure : failures_of_ranks(size, body, &reductions)) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  return reductions;
}

}  // namespace pisr
