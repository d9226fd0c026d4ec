#include "boards/linux/loop.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace meterlens::boards {
namespace {

volatile sig_atomic_t stop_signals = 0;

void note_stop(int) { stop_signals = 1; }

}  // namespace

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::uint64_t uptime_ms() {
  static const std::int64_t first_us = now_us();
  return static_cast<std::uint64_t>((now_us() - first_us) / 1000);
}

std::uint64_t unix_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Loop::Loop() {
  stop_signals = 0;
  sigset_t held;
  sigemptyset(&held);
  struct sigaction action {};
  action.sa_handler = note_stop;
  for (const int signal : {SIGINT, SIGTERM}) {
    sigaddset(&held, signal);
    sigaction(signal, &action, nullptr);
  }
  signal(SIGPIPE, SIG_IGN);
  sigprocmask(SIG_BLOCK, &held, &before_);
}

Loop::~Loop() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

void Loop::wait(std::span<pollfd> files, std::int64_t timeout_us) {
  timeout_us = std::max<std::int64_t>(timeout_us, 0);
  const timespec timeout{timeout_us / 1'000'000, timeout_us % 1'000'000 * 1000};
  ppoll(files.data(), files.size(), &timeout, &before_);
}

bool Loop::asked_to_stop() const { return stop_signals != 0; }

}  // namespace meterlens::boards
