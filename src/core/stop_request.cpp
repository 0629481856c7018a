#include "core/stop_request.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>

namespace haven {
namespace {

// A signal handler can reach nothing but static storage; this is the one such variable of the program.
volatile std::sig_atomic_t received_signal = 0;
constexpr std::array<int, 4> handled{SIGTERM, SIGINT, SIGUSR1, SIGUSR2};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

StopRequest::StopRequest() {
  received_signal = 0;
  struct sigaction action {};
  action.sa_handler = [](int signal) { received_signal = signal; };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : handled) sigaction(signal, &action, nullptr);
}

StopRequest::~StopRequest() {
  // Who has obeyed a signal is about to end with the exit code that says so; one more must not take that away.
  for (const int signal : handled) std::signal(signal, received_signal != 0 ? SIG_IGN : SIG_DFL);
}

void StopRequest::set_wall_limit(double seconds) {
  limit_ = seconds;
  deadline_ = seconds > 0 ? now() + seconds : 0;
}

bool StopRequest::requested() const { return received_signal != 0 || (deadline_ > 0 && now() >= deadline_); }

std::string StopRequest::reason() const {
  if (received_signal != 0)
    return fmt::format("signal {} ({})", static_cast<int>(received_signal), strsignal(received_signal));
  return requested() ? fmt::format("the time limit of {:.0f} s", limit_) : "";
}

}  // namespace haven
