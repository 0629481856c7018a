#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace haven {

/// Hears of work that no longer moves. A rank that hangs (a stopped process, a lost network, a file system that does
/// not answer) leaves the others waiting in a collective for ever; a thread beside the work notices that.
class StallWatch {
 public:
  /// @param limit_s   seconds without a word; <= 0: nothing is watched
  /// @param on_stall  called from the watching thread, once, with "step 120 (exchange of forces)"
  StallWatch(double limit_s, std::function<void(const std::string&)> on_stall);
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  /// The work moves: at this step it enters this phase (a text that lives for ever). Costs two stores.
  void report(std::int64_t step, const char* phase) noexcept {
    phase_.store(phase, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
    reports_.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  void watch();

  double limit_s_;
  std::function<void(const std::string&)> on_stall_;
  std::atomic<std::uint64_t> reports_{0};
  std::atomic<std::int64_t> step_{0};
  std::atomic<const char*> phase_{"start"};
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace haven
