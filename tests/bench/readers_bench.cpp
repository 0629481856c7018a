// CPU time of reading all ionic steps of a VASP run as frames, without judging or writing them:
//   readers_bench FILE [repeats]
// Prints the least time in s, the frames and the peak memory in MB.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "bench/clocks.hpp"
#include "io/file_format.hpp"

int main(int argc, char** argv) {
  using namespace haven;
  if (argc < 2) {
    fmt::print("readers_bench FILE [repeats]\n");
    return 2;
  }
  const std::string path = argv[1];
  const int repeats = argc > 2 ? std::stoi(argv[2]) : 3;
  double least = 1e300;
  Index frames = 0;
  for (int k = 0; k < repeats; ++k) {
    const double begin = processor_seconds();
    frames = 0;
    const auto reader = open_vasp_run(path, recognise_format(path));
    while (const auto step = reader->next()) {
      if (!step->problem.empty() || step->forces.empty()) continue;
      if (frame_of_step(*step, reader->settings(), EnergyKind::free, path).energy) ++frames;
    }
    least = std::min(least, processor_seconds() - begin);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("{:.4f} {} {:.1f}\n", least, frames, static_cast<double>(usage.ru_maxrss) / 1024);
}
