#pragma once

#include <cstddef>
#include <span>

namespace pisr {

/// Several processes, the ranks of a job, that compute something together. All functions but
/// rank(), size(), node() and abort() are collective: every rank calls the same ones in the same
/// order with as many elements, and each returns when all that it needs have called it. One thread
/// at a time may call them. Throws Error(device) where the network fails.
///
/// A process alone has none: functions that take a pointer to a communicator take null for that.
class Communicator {
 public:
  Communicator() = default;
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const noexcept = 0;  ///< of this process, 0..size() - 1
  virtual int size() const noexcept = 0;  ///< how many there are, at least 1
  /// The lowest rank on the machine of this one: equal for two ranks that share its processors.
  virtual int node() const noexcept = 0;

  /// Replaces every element by its sum over the ranks. All ranks get the same bits, but how many
  /// ranks there are may change the last ones.
  virtual void all_reduce_sum(std::span<float> values) = 0;
  virtual void all_reduce_sum(std::span<double> values) = 0;
  /// Replaces the bytes of all ranks by those of rank `root`.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  virtual void barrier() = 0;

  /// Ends all ranks, wherever they are, with this exit code.
  [[noreturn]] virtual void abort(int code) noexcept = 0;
};

/// Whether this rank speaks and writes for all.
inline bool is_first(const Communicator* ranks) noexcept {
  return ranks == nullptr || ranks->rank() == 0;
}

}  // namespace pisr
