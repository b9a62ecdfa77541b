#pragma once

namespace pisr {

/// While it lives, the first SIGINT or SIGTERM is only noted, so that the running step can be
/// finished and saved; a second one ends the program at once. One object at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// The signal that has come; 0 for none. The exit code for it is 128 + signal.
  static int signal() noexcept;
};

}  // namespace pisr
