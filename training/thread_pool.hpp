#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace haven::training {

/// Threads that run the tasks 0..n-1 of one job at a time; the caller's thread takes part as worker 0.
class ThreadPool {
 public:
  /// @param start called once in each new thread (not in the caller's)
  ThreadPool(int threads, const std::function<void()>& start);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return static_cast<int>(workers_.size()) + 1; }
  /// Runs task(index, worker) for every index; returns when all are done. Rethrows the first exception (lowest index).
  void run(int tasks, const std::function<void(int index, int worker)>& task);

 private:
  void work(int worker);
  std::mutex mutex_;
  std::condition_variable begin_, end_;
  const std::function<void(int, int)>* task_ = nullptr;
  int tasks_ = 0, next_ = 0, running_ = 0;
  std::uint64_t job_ = 0;
  bool stop_ = false;
  int failed_ = -1;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

/// Cores this process may use.
[[nodiscard]] int available_cores();

}  // namespace haven::training
