#include "tools/interruption.h"

#include <array>
#include <csignal>
#include <cstddef>
#include <iostream>

#include <poll.h>
#include <unistd.h>

namespace pisr {

namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

// A signal handler can only reach globals.
volatile std::sig_atomic_t received_signal = 0;
std::array<struct sigaction, kSignals.size()> former_actions;

void record(int number) {
  if (received_signal == 0) {
    received_signal = number;
  } else if (number != SIGHUP) {
    ::_exit(128 + number);
  }
}

}  // namespace

Interruption::Interruption() {
  received_signal = 0;
  struct sigaction action {};
  action.sa_handler = record;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &former_actions[i]);
    if (former_actions[i].sa_handler != SIG_IGN) {
      ::sigaction(kSignals[i], &action, nullptr);
    }
  }
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &former_actions[i], nullptr);
  }
}

int Interruption::signal() noexcept {
  return received_signal;
}

void outlive_readers() {
  std::signal(SIGPIPE, SIG_IGN);
}

void forget_gone_reader() {
  std::cout.flush();
  pollfd output{STDOUT_FILENO, 0, 0};
  if (!std::cout && ::poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0) {
    std::cout.clear();
  }
}

}  // namespace pisr
