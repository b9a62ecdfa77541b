#pragma once

namespace pisr {

/// While it lives, the first SIGINT or SIGTERM is only recorded, so that the running step can be
/// finished and saved. A second one ends the program at once. Only one object may exist at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// The signal that was received; 0 for none. Its exit code is 128 + signal.
  static int signal() noexcept;
};

}  // namespace pisr
