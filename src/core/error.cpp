#include "core/error.hpp"

#include <fmt/format.h>

#include <cstring>

namespace haven {

static std::string compose(const std::string& what, const std::string& where, const std::string& remedy) {
  std::string text = where.empty() ? what : fmt::format("{}: {}", where, what);
  if (!remedy.empty()) text += "\n  -> " + remedy;
  return text;
}

Error::Error(ExitCode code, const std::string& what, const std::string& where, const std::string& remedy)
    : std::runtime_error(compose(what, where, remedy)), code_(code), summary_(what), where_(where), remedy_(remedy) {}

static std::string remedy_for(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
      return "The disk is full: free some space, then run the same command again.";
    case EDQUOT:
      return "Your disk quota is used up: free some space, then run the same command again.";
    case EACCES:
    case EPERM:
      return "Check the permissions of this path.";
    case ENOENT:
      return "Check the path: the file or its folder does not exist.";
    case EROFS:
      return "The file system is read-only: choose another output folder.";
    default:
      return "Check the file system this path is on, then run the same command again.";
  }
}

IoError::IoError(const std::string& what, const std::string& path, int errno_value)
    : Error(ExitCode::resource, fmt::format("{} ({}, errno {})", what, std::strerror(errno_value), errno_value), path,
            remedy_for(errno_value)) {}

void assertion_failed(const char* expression, const char* file, int line) {
  throw InternalError(fmt::format("assertion failed: {}", expression), fmt::format("{}:{}", file, line));
}

}  // namespace haven
