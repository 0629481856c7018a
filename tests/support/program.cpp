#include "support/program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

pid_t start(const std::vector<std::string>& words, const std::string& folder, const std::string& out,
            const std::string& err) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const int out_file = open(out.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600),
              err_file = open(err.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    const bool ready =
        chdir(folder.c_str()) == 0 && dup2(out_file, STDOUT_FILENO) >= 0 && dup2(err_file, STDERR_FILENO) >= 0;
    if (ready) execvp(arguments[0], arguments.data());
    _exit(127);
  }
  return child;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

template <class Wait>
ProgramResult run(const std::vector<std::string>& words, const std::string& folder, Wait wait) {
  const TemporaryFolder capture;
  const std::string out = capture.file("out"), err = capture.file("err");
  const pid_t child = start(words, folder, out, err);
  const int status = wait(child);
  return {.code = code_of(status), .out = content(out), .err = content(err)};
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& words, const std::string& folder) {
  return run(words, folder, [](pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  });
}

ProgramResult run_until(const std::vector<std::string>& words, const std::string& folder,
                        const std::function<bool()>& ready, const std::function<void(int)>& action) {
  return run(words, folder, [&](pid_t child) {
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (ready()) {
        action(child);
        waitpid(child, &status, 0);
        return status;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return status;
  });
}

ProgramResult run_until_file(const std::vector<std::string>& words, const std::string& folder, const std::string& path,
                             int signal) {
  return run_until(
      words, folder, [&] { return fs::exists(path); }, [&](int child) { kill(child, signal); });
}

std::vector<int> descendants(int process, const std::string& name) {
  std::vector<int> found, parents{process};
  while (!parents.empty()) {
    const int parent = parents.back();
    parents.pop_back();
    const std::string task = "/proc/" + std::to_string(parent) + "/task/";
    std::error_code gone;  // processes end while we look
    for (const auto& thread : fs::directory_iterator(task, gone)) {
      std::ifstream children(thread.path() / "children");
      for (int child = 0; children >> child;) {
        parents.push_back(child);
        std::ifstream command("/proc/" + std::to_string(child) + "/comm");
        std::string word;
        if (std::getline(command, word) && word == name) found.push_back(child);
      }
    }
  }
  return found;
}

std::string haven_program() { return std::string(HAVEN_BINARY_DIR) + "/haven"; }

std::vector<std::string> on_ranks(int ranks, const std::vector<std::string>& words) {
  const char* path = std::getenv("PATH");
  std::string folders = path == nullptr ? "" : path;
  bool found = false;
  for (std::size_t at = 0; at < folders.size() && !found;) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    found = fs::exists(fs::path(folders.substr(at, end - at)) / "mpirun");
    at = end + 1;
  }
  if (!found) return {};
  // More ranks than cores: a waiting rank has to let the others work.
  std::vector<std::string> all{
      "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1",
      "-n",     std::to_string(ranks)};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

}  // namespace haven::testing
