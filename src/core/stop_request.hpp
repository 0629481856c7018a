#pragma once
#include <string>

namespace haven {

/// Asks long work to stop cleanly: SIGTERM, SIGINT, SIGUSR1, SIGUSR2 (all alike), or a wall-clock limit.
/// The handler only sets a flag; loops poll `requested()` once per step and agree on it over all ranks.
class StopRequest {
 public:
  /// Installs the handlers for this process. One object per process.
  StopRequest();
  /// Signals have their default action again, or are ignored if one was received.
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  /// Stop after this many seconds from now; <= 0 means no limit.
  void set_wall_limit(double seconds);
  [[nodiscard]] bool requested() const;
  /// "signal 15 (SIGTERM)" or "the time limit of 3600 s"; empty when nothing was requested.
  [[nodiscard]] std::string reason() const;

 private:
  double deadline_ = 0;
  double limit_ = 0;
};

}  // namespace haven
