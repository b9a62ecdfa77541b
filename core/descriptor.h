#pragma once

#include <utility>

#include <unistd.h>

namespace pisr {

/// Closes a file descriptor; a negative one is none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }

  int number() const { return number_; }
  /// From now on the caller closes it.
  int release() { return std::exchange(number_, -1); }
  /// What close() returns: a failed write may be reported only here.
  int close() { return ::close(release()); }

 private:
  int number_;
};

}  // namespace pisr
