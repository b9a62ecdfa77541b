#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/communicator.h"

/// What the ranks of a job tell each other. All of it is collective, and `ranks` may be null: this
/// process alone.
namespace pisr {

/// The text of rank `root` on all ranks.
inline void broadcast_text(Communicator* ranks, std::string& text, int root = 0) {
  if (ranks == nullptr) {
    return;
  }
  std::array<std::uint64_t, 1> size = {text.size()};
  ranks->broadcast(std::as_writable_bytes(std::span(size)), root);
  text.resize(size[0]);
  ranks->broadcast(std::as_writable_bytes(std::span(text)), root);
}

/// The number of rank `root` on all ranks.
template <class Number>
void broadcast_number(Communicator* ranks, Number& number, int root = 0) {
  if (ranks != nullptr) {
    ranks->broadcast(std::as_writable_bytes(std::span(&number, 1)), root);
  }
}

/// One text of each rank, by rank, on all of them.
inline std::vector<std::string> gather_texts(Communicator* ranks, const std::string& text) {
  if (ranks == nullptr) {
    return {text};
  }
  std::vector<std::string> texts(static_cast<std::size_t>(ranks->size()));
  for (int rank = 0; rank < ranks->size(); ++rank) {
    std::string& received = texts[static_cast<std::size_t>(rank)];
    if (rank == ranks->rank()) {
      received = text;
    }
    broadcast_text(ranks, received, rank);
  }
  return texts;
}

/// The lowest rank for which `here` holds; -1 where there is none.
inline int first_rank_where(Communicator* ranks, bool here) {
  if (ranks == nullptr) {
    return here ? 0 : -1;
  }
  std::vector<double> flags(static_cast<std::size_t>(ranks->size()));
  flags[static_cast<std::size_t>(ranks->rank())] = here ? 1 : 0;
  ranks->all_reduce_sum(std::span<double>(flags));
  for (std::size_t rank = 0; rank < flags.size(); ++rank) {
    if (flags[rank] > 0) {
      return static_cast<int>(rank);
    }
  }
  return -1;
}

/// A failure that all ranks know of, each being told by this exception. They can end together.
class AgreedFailure : public std::exception {
 public:
  AgreedFailure(int rank, std::exception_ptr cause) : rank_(rank), cause_(std::move(cause)) {}
  const char* what() const noexcept override { return "another rank has failed"; }
  int rank() const noexcept { return rank_; }  ///< the lowest one that has failed
  /// What failed there; null on all other ranks.
  const std::exception_ptr& cause() const noexcept { return cause_; }

 private:
  int rank_;
  std::exception_ptr cause_;
};

/// Throws what all ranks have found alike: AgreedFailure of rank 0, or the error in a process
/// alone.
template <class Failure>
[[noreturn]] void fail_together(const Communicator* ranks, const Failure& error) {
  if (ranks == nullptr) {
    throw error;
  }
  throw AgreedFailure(0, is_first(ranks) ? std::make_exception_ptr(error) : nullptr);
}

/// Calls work() on every rank and returns when all are done. Where it throws on any of them, all
/// throw AgreedFailure; a process alone throws what work() throws. work() calls nothing collective,
/// so that no rank waits for one that has failed.
template <class Work>
void agree(Communicator* ranks, Work&& work) {
  if (ranks == nullptr) {
    work();
    return;
  }
  std::exception_ptr failure;
  try {
    work();
  } catch (...) {
    failure = std::current_exception();
  }
  const int failed = first_rank_where(ranks, failure != nullptr);
  if (failed >= 0) {
    throw AgreedFailure(failed, failed == ranks->rank() ? failure : nullptr);
  }
}

}  // namespace pisr
