#include "training/thread_pool.hpp"

#include <sched.h>

#include <algorithm>

namespace haven::training {

ThreadPool::ThreadPool(int threads, const std::function<void()>& start) {
  for (int w = 1; w < threads; ++w)
    workers_.emplace_back([this, w, start] {
      start();
      std::uint64_t seen = 0;
      for (;;) {
        {
          std::unique_lock lock(mutex_);
          begin_.wait(lock, [&] { return stop_ || job_ != seen; });
          if (stop_) return;
          seen = job_;
        }
        work(w);
      }
    });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  begin_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work(int worker) {
  for (;;) {
    int index = 0;
    {
      const std::lock_guard lock(mutex_);
      if (next_ >= tasks_) return;
      index = next_++;
      ++running_;
    }
    std::exception_ptr error;
    try {
      (*task_)(index, worker);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (error && (failed_ < 0 || index < failed_)) {
      failed_ = index;
      failure_ = error;
    }
    if (--running_ == 0 && next_ >= tasks_) end_.notify_all();
  }
}

void ThreadPool::run(int tasks, const std::function<void(int, int)>& task) {
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    tasks_ = tasks;
    next_ = 0;
    failed_ = -1;
    failure_ = nullptr;
    ++job_;
  }
  begin_.notify_all();
  work(0);
  std::unique_lock lock(mutex_);
  end_.wait(lock, [&] { return running_ == 0 && next_ >= tasks_; });
  tasks_ = 0;
  if (failure_) std::rethrow_exception(failure_);
}

int available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

}  // namespace haven::training
