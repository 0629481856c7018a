#include "core/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include "core/error.hpp"

namespace haven {

Log::~Log() {
  end_progress();
  if (file_ != nullptr) std::fclose(file_);
}

void Log::open_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "a");
  if (file == nullptr) throw IoError("cannot open the log file", path, errno);
  if (file_ != nullptr) std::fclose(file_);
  file_ = file;
}

void Log::end_progress() {
  if (progress_open_) std::fputc('\n', stderr);
  progress_open_ = false;
}

void Log::write(const std::string& text) {
  if (echo_ == Echo::on) {
    end_progress();
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  if (file_ == nullptr) return;
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &local);
  std::fprintf(file_, "%s  %s\n", stamp, text.c_str());
  std::fflush(file_);
}

void Log::info(const std::string& text) { write(text); }
void Log::warn(const std::string& code, const std::string& text) { write(fmt::format("warning {}: {}", code, text)); }

void Log::progress(const std::string& text) {
  if (echo_ != Echo::on) return;
  const double now = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (isatty(STDERR_FILENO) != 0) {
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
    progress_open_ = true;
  } else if (now - last_progress_ >= 60.0) {
    last_progress_ = now;
    write(text);
  }
}

}  // namespace haven
