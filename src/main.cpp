#include <csignal>
#include <cstdio>

#include "app/commands.hpp"
#include "core/communicator.hpp"
#include "core/log.hpp"

int main(int argc, char** argv) {
  using namespace haven;
  // A file-size limit must end in an error of the write (exit 6), not in a signal.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto world = make_world_communicator(argc, argv);
  Log log(world->is_root() ? Log::Echo::on : Log::Echo::off);
  Session session{*world, log};
  return guarded(session, [&] {
    const CommandLine line = parse_command_line(argc, argv);
    if (line.command) return run_command(session, *line.command);
    if (world->is_root()) std::fputs(line.text.c_str(), stdout);
    return ExitCode::ok;
  });
}
