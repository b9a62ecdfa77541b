#pragma once

namespace pisr {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is only recorded, so that what is running
/// can be finished and saved. A second SIGINT or SIGTERM ends the program at once; SIGHUP does not,
/// as a terminal that closes may send several. A signal that was ignored when the program started
/// stays ignored: SIGHUP under nohup, SIGINT in the background of a script. Only one object may
/// exist at a time.
class Interruption {
 public:
  Interruption();
  /// What the signals did before.
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// The signal that was received; 0 for none.
  static int signal() noexcept;
  /// That of a program which the signal has stopped: 128 + signal().
  static int exit_code() noexcept { return exit_code(signal()); }
  static int exit_code(int signal) noexcept { return 128 + signal; }
};

/// For programs whose result is not what they print: from now on they go on when nobody reads
/// stdout or stderr any more.
void outlive_readers();

/// After outlive_readers(): drops what could not be printed because the reader of stdout has gone,
/// so that it counts as no failure.
void forget_gone_reader();

}  // namespace pisr
