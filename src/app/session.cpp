#include "app/session.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <new>
#include <thread>

#include "io/file_system.hpp"
#include "md/agreement.hpp"

namespace haven {
namespace {

/// An error on its way out of a command.
struct Failure {
  int code = 0;
  std::string message;
};

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {static_cast<int>(error.exit_code()), error.what()};
  } catch (const std::bad_alloc&) {
    return {static_cast<int>(ExitCode::resource),
            "out of memory\n  -> Use fewer or smaller structures, a smaller batch, fewer ranks per node, or a machine "
            "with more memory."};
  } catch (const std::exception& error) {
    return {static_cast<int>(ExitCode::bug),
            fmt::format("{}\n  -> This is a bug in Haven; please report it with the input files.", error.what())};
  } catch (...) {
    return {static_cast<int>(ExitCode::bug),
            "an unknown exception\n  -> This is a bug in Haven; please report it with the input files."};
  }
}

/// Ends the process if the other ranks do not join in within the grace time: they are waiting inside a collective that
/// this rank has left, so waiting for them would last for ever. mpirun then ends the others.
class LonelyExit {
 public:
  LonelyExit(Failure failure, std::chrono::seconds grace)
      : failure_(std::move(failure)), grace_(grace), thread_([this] { wait(); }) {}
  ~LonelyExit() {
    {
      const std::lock_guard lock(mutex_);
      joined_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  LonelyExit(const LonelyExit&) = delete;
  LonelyExit& operator=(const LonelyExit&) = delete;

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, grace_, [this] { return joined_; })) return;
    std::fprintf(stderr, "haven: error: %s\n", failure_.message.c_str());
    std::_Exit(failure_.code);
  }
  Failure failure_;
  std::chrono::seconds grace_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool joined_ = false;
  std::thread thread_;
};

constexpr std::chrono::seconds grace{10};

}  // namespace

void on_root(Communicator& world, const std::function<void()>& work) {
  Agreement agreement(world);
  if (world.is_root()) agreement.attempt(work);
  world.barrier();  // sleeps; settle() would spin while rank 0 works
  agreement.settle();
}

std::string from_root(Communicator& world, const std::function<std::string()>& work) {
  std::string result;
  on_root(world, [&] { result = work(); });
  broadcast(world, result);
  return result;
}

int guarded(Session& session, const std::function<ExitCode()>& command) {
  Failure failure;
  try {
    failure.code = static_cast<int>(command());
  } catch (...) {
    failure = current_failure();
  }
  int code = failure.code;
  std::string message = failure.message;
  {
    std::unique_ptr<LonelyExit> lonely;
    if (!failure.message.empty() && session.world.size() > 1) lonely = std::make_unique<LonelyExit>(failure, grace);
    session.world.barrier();
    // The message of the lowest failing rank speaks for all.
    const bool failed = !failure.message.empty();
    const auto first = -max_over_ranks(session.world, failed ? -static_cast<std::int64_t>(session.world.rank())
                                                             : -static_cast<std::int64_t>(session.world.size()));
    if (first < session.world.size()) broadcast(session.world, message, static_cast<int>(first));
    code = static_cast<int>(max_over_ranks(session.world, static_cast<std::int64_t>(code)));
  }
  if (!message.empty() && session.world.is_root()) session.log.info("haven: error: " + message);
  return code;
}

void write_text_file(const std::string& path, const std::string& text) {
  PosixFileSystem files;
  write_file_atomically(files, path, text);
}

std::string read_text_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    if (errno == ENOENT) throw InputError("there is no such file", path, "Check the path.");
    throw IoError("cannot open the file", path, errno);
  }
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void write_json(const std::string& target, const std::string& json) {
  if (target.empty()) return;
  const std::string text = json.ends_with('\n') ? json : json + "\n";
  if (target != "-") return write_text_file(target, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw IoError("cannot write to standard output", "stdout", errno);
}

std::string version_text() { return fmt::format("haven {}", HAVEN_VERSION); }

}  // namespace haven
