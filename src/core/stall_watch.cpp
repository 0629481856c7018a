#include "core/stall_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace haven {

StallWatch::StallWatch(double limit_s, std::function<void(const std::string&)> on_stall)
    : limit_s_(limit_s), on_stall_(std::move(on_stall)) {
  if (limit_s_ > 0) thread_ = std::thread([this] { watch(); });
}

StallWatch::~StallWatch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ending_.notify_all();
  thread_.join();
}

void StallWatch::watch() {
  using Clock = std::chrono::steady_clock;
  const auto interval = std::chrono::duration<double>(std::min(1.0, limit_s_ / 10));
  std::uint64_t heard = reports_.load(std::memory_order_relaxed);
  auto last = Clock::now(), woke = last;
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, interval, [this] { return ends_; })) {
    const auto now = Clock::now();
    // This process itself may have been stopped meanwhile: then nobody could have said a word.
    const bool slept = now - woke > 5 * interval + std::chrono::seconds(1);
    woke = now;
    const std::uint64_t reports = reports_.load(std::memory_order_relaxed);
    if (reports != heard || slept) {
      heard = reports;
      last = now;
      continue;
    }
    if (now - last < std::chrono::duration<double>(limit_s_)) continue;
    on_stall_(
        fmt::format("step {} ({})", step_.load(std::memory_order_relaxed), phase_.load(std::memory_order_relaxed)));
    return;
  }
}

}  // namespace haven
