#pragma once
#include <optional>
#include <string>

#include "core/communicator.hpp"
#include "core/error.hpp"

namespace haven {

/// Keeps ranks together when one of them fails: local work that may throw runs inside attempt(), which keeps the error;
/// settle() is collective and throws the same error, that of the lowest failing rank, on all ranks.
class Agreement {
 public:
  explicit Agreement(Communicator& group) : group_(group) {}

  /// Runs `work` unless this rank has failed already.
  template <class Work>
  void attempt(const Work& work) {
    if (failed()) return;
    try {
      work();
    } catch (...) {
      keep_current_exception();
    }
  }
  [[nodiscard]] bool failed() const { return failure_.has_value(); }
  /// Collective: returns if no rank has failed.
  void settle();
  /// Collective, after the ranks have learnt some other way that at least one of them failed.
  [[noreturn]] void raise();
  /// Throws an error that all ranks construct alike.
  template <class E>
  [[noreturn]] void throw_on_all(const E& error) {
    agreed_ = true;
    throw error;
  }
  /// Whether the error under way is known to all ranks. If not, the others would wait for ever: the job has to be
  /// aborted.
  [[nodiscard]] bool agreed() const { return agreed_; }

 private:
  struct Failure {
    ExitCode code = ExitCode::bug;
    std::string summary, where, remedy;
  };
  void keep_current_exception();
  Communicator& group_;
  std::optional<Failure> failure_;
  bool agreed_ = false;
};

/// Throws the error type that belongs to an exit code.
[[noreturn]] void throw_typed(ExitCode code, const std::string& summary, const std::string& where,
                              const std::string& remedy);

}  // namespace haven
