#include "md/agreement.hpp"

#include <array>
#include <cstring>
#include <new>
#include <vector>

namespace haven {

void throw_typed(ExitCode code, const std::string& summary, const std::string& where, const std::string& remedy) {
  switch (code) {
    case ExitCode::usage:
      throw ConfigError(summary, where, remedy);
    case ExitCode::rejected:
      throw InputError(summary, where, remedy);
    case ExitCode::guard:
      throw NumericalError(summary, where, remedy);
    case ExitCode::not_determined:
      throw NotDetermined(summary, where, remedy);
    case ExitCode::resource:
      throw ResourceError(summary, where, remedy);
    default:
      throw InternalError(summary, where);
  }
}

void Agreement::keep_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    failure_ = Failure{error.exit_code(), error.summary(), error.where(), error.remedy()};
  } catch (const std::bad_alloc&) {
    failure_ = Failure{ExitCode::resource, "memory is exhausted", "rank " + std::to_string(group_.rank()),
                       "Use more nodes, so that each rank holds fewer atoms, or fewer ranks per node."};
  } catch (const std::exception& error) {
    failure_ = Failure{ExitCode::bug, error.what(), "rank " + std::to_string(group_.rank()), ""};
  }
}

void Agreement::settle() {
  if (max_over_ranks(group_, static_cast<std::int64_t>(failed())) != 0) raise();
}

void Agreement::raise() {
  // The lowest failing rank tells the others.
  const int rank = failed() ? group_.rank() : group_.size();
  const auto first =
      static_cast<int>(group_.size() - max_over_ranks(group_, static_cast<std::int64_t>(group_.size() - rank)));
  Failure told = failure_.value_or(Failure{});
  auto code = static_cast<int>(told.code);
  std::string code_text = std::to_string(code);
  for (std::string* text : {&code_text, &told.summary, &told.where, &told.remedy}) broadcast(group_, *text, first);
  agreed_ = true;
  throw_typed(static_cast<ExitCode>(std::stoi(code_text)), told.summary, told.where, told.remedy);
}

}  // namespace haven
