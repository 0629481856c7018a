#pragma once
#include <functional>
#include <string>

#include "core/communicator.hpp"
#include "core/error.hpp"
#include "core/log.hpp"

namespace haven {

/// What every command works with; made in main() and passed down.
struct Session {
  Communicator& world;
  Log& log;  ///< silent on ranks other than 0
};

/// Runs serial work on rank 0 alone. Collective: an error there is thrown on every rank, with its type, so nobody waits
/// for somebody who has left. The others sleep meanwhile.
void on_root(Communicator& world, const std::function<void()>& work);
/// The same for work that has a result: the text that rank 0 computed, on every rank.
[[nodiscard]] std::string from_root(Communicator& world, const std::function<std::string()>& work);

/// Runs a command on all ranks and turns whatever leaves it into an exit code, the same on every rank, with one message
/// on stderr.
///
/// Errors that reach here are expected on all ranks alike. A rank that fails alone cannot be joined by the others any
/// more: after a grace time it prints its own message and ends the job.
[[nodiscard]] int guarded(Session& session, const std::function<ExitCode()>& command);

/// Writes a file whole or not at all: temporary name, sync, rename. @throws IoError
void write_text_file(const std::string& path, const std::string& text);
/// @throws InputError when it does not exist, IoError when it cannot be read
[[nodiscard]] std::string read_text_file(const std::string& path);
/// --json: "" does nothing, "-" is stdout, else a file. Rank 0 only.
void write_json(const std::string& target, const std::string& json);

/// "haven 0.1.0"
[[nodiscard]] std::string version_text();

}  // namespace haven
