#pragma once
#include <functional>
#include <string>
#include <vector>

namespace haven::testing {

/// What a program said and how it ended.
struct ProgramResult {
  int code = -1;  ///< exit code, or 128 + signal
  std::string out, err;
};

/// Runs a program in `folder` and waits for it. The first word is the program; it is looked up in PATH unless it has a
/// slash.
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& words, const std::string& folder);
/// The same, but sends a signal as soon as `path` exists (if the program has not ended before).
[[nodiscard]] ProgramResult run_until_file(const std::vector<std::string>& words, const std::string& folder,
                                           const std::string& path, int signal);
/// The same, but calls `action` once with the process id of the program (or of mpirun) as soon as `ready` says so.
[[nodiscard]] ProgramResult run_until(const std::vector<std::string>& words, const std::string& folder,
                                      const std::function<bool()>& ready, const std::function<void(int)>& action);
/// Process ids of the children, and their children and so on, of a process whose program is named `name`.
[[nodiscard]] std::vector<int> descendants(int process, const std::string& name);
/// The `haven` program of this build.
[[nodiscard]] std::string haven_program();
/// The words that start `words` on `ranks` ranks; empty when this machine has no mpirun.
[[nodiscard]] std::vector<std::string> on_ranks(int ranks, const std::vector<std::string>& words);

}  // namespace haven::testing
