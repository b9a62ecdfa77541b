#include "tools/interruption.h"

#include <csignal>

#include <unistd.h>

namespace pisr {

namespace {

// A signal handler can only reach globals.
volatile std::sig_atomic_t received_signal = 0;

void note(int number) {
  if (received_signal != 0) {
    ::_exit(128 + number);
  }
  received_signal = number;
}

void install(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Interruption::Interruption() {
  received_signal = 0;
  install(note);
  // Training must not end because a reader of its progress has gone.
  std::signal(SIGPIPE, SIG_IGN);
}

Interruption::~Interruption() {
  install(SIG_DFL);
}

int Interruption::signal() noexcept {
  return received_signal;
}

}  // namespace pisr
