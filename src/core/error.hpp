#pragma once
#include <stdexcept>
#include <string>

/// Typed errors. Every message has three parts: what happened, where, and what to do about it.
namespace haven {

/// Process exit codes; documented in docs/exit-codes.md.
enum class ExitCode : int {
  ok = 0,
  usage = 2,           ///< command line or configuration
  rejected = 3,        ///< input, data or model rejected
  guard = 4,           ///< a guard stopped the run (numbers, physics)
  not_determined = 5,  ///< the data do not determine the answer
  resource = 6,        ///< memory, disk, device, I/O
  bug = 70,            ///< an internal error of Haven
  checkpointed = 75,   ///< stopped on a signal or time limit after a checkpoint; run the same command again
};

/// Base of all errors that Haven reports itself.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& what, const std::string& where, const std::string& remedy);
  [[nodiscard]] ExitCode exit_code() const { return code_; }
  [[nodiscard]] const std::string& summary() const { return summary_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }

 private:
  ExitCode code_;
  std::string summary_, where_, remedy_;
};

/// Command line or configuration (exit 2). `where` is the key or option.
struct ConfigError : Error {
  ConfigError(const std::string& what, const std::string& where, const std::string& remedy)
      : Error(ExitCode::usage, what, where, remedy) {}
};

/// A file or structure that the user gave (exit 3). `where` is path[:line] or frame.
struct InputError : Error {
  InputError(const std::string& what, const std::string& where, const std::string& remedy)
      : Error(ExitCode::rejected, what, where, remedy) {}
};

/// A model file, or a model that does not fit the structure (exit 3).
struct ModelError : Error {
  ModelError(const std::string& what, const std::string& where, const std::string& remedy)
      : Error(ExitCode::rejected, what, where, remedy) {}
};

/// Numbers or physics went wrong during a run (exit 4). `where` names step, atom, position.
struct NumericalError : Error {
  NumericalError(const std::string& what, const std::string& where, const std::string& remedy)
      : Error(ExitCode::guard, what, where, remedy) {}
};

/// The data do not determine the requested quantity (exit 5).
struct NotDetermined : Error {
  NotDetermined(const std::string& what, const std::string& where, const std::string& remedy)
      : Error(ExitCode::not_determined, what, where, remedy) {}
};

/// The operating system refused a read, write, sync or rename (exit 6). `where` is the path; `errno_value` is included.
struct IoError : Error {
  IoError(const std::string& what, const std::string& path, int errno_value);
  IoError(const std::string& what, const std::string& path, const std::string& remedy)
      : Error(ExitCode::resource, what, path, remedy) {}
};

/// Memory, threads, devices (exit 6).
struct ResourceError : Error {
  ResourceError(const std::string& what, const std::string& where, const std::string& remedy)
      : Error(ExitCode::resource, what, where, remedy) {}
};

/// A broken invariant: a bug in Haven (exit 70).
struct InternalError : Error {
  InternalError(const std::string& what, const std::string& where)
      : Error(ExitCode::bug, what, where, "This is a bug in Haven; please report it with the input files.") {}
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace haven

/// Invariant that input can never break; checked in release builds too. Throws InternalError.
#define HAVEN_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::haven::assertion_failed(#condition, __FILE__, __LINE__))
