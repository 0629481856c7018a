#pragma once
#include <cstdio>
#include <memory>
#include <string>

namespace haven {

/// Messages for people: to stderr and, when a file is given, to the log file with time stamps. One object per process,
/// made in main() and passed down; on ranks other than 0 it is silent.
class Log {
 public:
  enum class Echo { on, off };
  /// A silent log.
  Log() = default;
  explicit Log(Echo echo) : echo_(echo) {}
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Also appends to `path` from now on. @throws IoError when it cannot be opened.
  void open_file(const std::string& path);
  void info(const std::string& text);
  /// `code` is stable, e.g. "TR021"; see docs/warnings.md.
  void warn(const std::string& code, const std::string& text);
  /// A line that replaces the previous progress line on a terminal, and otherwise appears at most once a minute.
  void progress(const std::string& text);
  [[nodiscard]] bool enabled() const { return echo_ == Echo::on || file_ != nullptr; }

 private:
  void write(const std::string& text);
  void end_progress();
  Echo echo_ = Echo::off;
  std::FILE* file_ = nullptr;
  bool progress_open_ = false;
  double last_progress_ = -1e9;
};

}  // namespace haven
