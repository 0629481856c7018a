#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string_view>

#include "analysis/collective.hpp"
#include "analysis/msd.hpp"
#include "analysis/transport.hpp"
#include "clocks.hpp"
#include "io/trajectory.hpp"
#include "physics/analysis_walks.hpp"

/// What the analysis of a long trajectory costs: seconds (processor time, in brackets wall time) of every part, and the
/// memory at its peak. docs/benchmarks.md holds the results.
///
/// usage: analysis_bench make FILE.h5 IONS FRAMES      walking ions and a hundred host atoms at rest
///        analysis_bench msd FILE.h5 [MEMORY_GB]       read, tracer and collective curves
///        analysis_bench all FILE.h5 [MEMORY_GB]       the whole analysis
namespace haven {
namespace {

template <class Work>
auto timed(const char* name, const Work& work) {
  const double cpu = processor_seconds(), wall = wall_seconds();
  auto result = work();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("{:<12} {:7.2f} s ({:7.2f} s), peak {:.2f} GB\n", name, processor_seconds() - cpu, wall_seconds() - wall,
             static_cast<double>(usage.ru_maxrss) * 1024e-9);
  return result;
}

int make(const std::string& file, int ions, int frames) {
  constexpr int hosts = 100;
  TrajectoryHeader header;
  header.numbers.assign(static_cast<std::size_t>(ions), 3), header.numbers.insert(header.numbers.end(), hosts, 16);
  header.masses.assign(header.numbers.size(), 10.0);
  for (std::size_t i = 0; i < header.numbers.size(); ++i) header.ids.push_back(static_cast<AtomId>(i));
  header.stage = "production", header.run_id = "bench", header.model_hash = "none";
  header.timestep_fs = 2, header.frame_interval = 50, header.target_temperature = 600;
  PosixFileSystem files;
  TrajectoryWriter writer(files, file, header, {});
  testing::FastRandom random(1);
  const double length = 60;
  const Cell cell(Mat3{{{{length, 0, 0}, {0, length, 0}, {0, 0, length}}}});
  std::vector<Vec3> at(header.numbers.size());
  for (Vec3& r : at) r = length * Vec3{random.uniform(), random.uniform(), random.uniform()};
  for (int t = 0; t < frames; ++t) {
    TrajectoryFrame frame{50LL * t, 100.0 * t, cell, at, {}};
    for (std::size_t i = 0; i < at.size(); ++i) {
      for (int k = 0; k < 3; ++k) {
        if (i < static_cast<std::size_t>(ions)) at[i][k] += 0.3 * (random.uniform() - 0.5);
        frame.positions[i][k] += 0.2 * (random.uniform() - 0.5);
      }
    }
    writer.append(frame);
  }
  writer.close();
  return 0;
}

IonTracks collected(const std::string& file, std::size_t memory) {
  return timed("reading", [&] {
    const auto source = open_h5md(file, {});
    return collect_tracks(*source, {.mobile = {3}, .memory_bytes = memory});
  });
}

int msd(const std::string& file, std::size_t memory) {
  const IonTracks tracks = collected(file, memory);
  const auto lags = log_spaced_lags(tracks.n_frames / 2);
  const std::vector<double> charges(static_cast<std::size_t>(tracks.n_ions()), 1.0);
  const MsdCurve tracer = timed("tracer", [&] {
    return mean_squared_displacement(tracks, lags, {0, tracks.n_frames});
  });
  const CollectiveCurve collective = timed("collective", [&] {
    return collective_displacement(charge_displacement(tracks, charges), static_cast<double>(charges.size()), lags,
                                   {0, tracks.n_frames});
  });
  fmt::print("{} ions, {} frames, {} lags; {:.17g} {:.17g}\n", tracks.n_ions(), tracks.n_frames, lags.size(),
             tracer.total.back(), collective.total.back());
  return 0;
}

int all(const std::string& file, std::size_t memory) {
  IonTracks tracks = collected(file, memory);
  TransportOptions options = testing::walk_options();
  options.hop_length = 2;
  std::vector<IonTracks> run;
  run.push_back(std::move(tracks));
  const TransportResult result = timed("analysis", [&] { return analyse_tracks(std::move(run), options); });
  fmt::print("D* {:.6g} cm^2/s from {:.3g} to {:.3g} ps\n", result.tracer.iso.value, result.window.tau0_ps,
             result.window.tau1_ps);
  return 0;
}

}  // namespace
}  // namespace haven

int main(int argc, char** argv) {
  using namespace haven;
  const std::string_view mode = argc > 2 ? argv[1] : "";
  if (mode == "make" && argc == 5) return make(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  const auto memory = static_cast<std::size_t>(1e9 * (argc > 3 ? std::atof(argv[3]) : 1.5));
  if (mode == "msd") return msd(argv[2], memory);
  if (mode == "all") return all(argv[2], memory);
  fmt::print(stderr, "usage: analysis_bench make FILE.h5 IONS FRAMES | msd FILE.h5 [GB] | all FILE.h5 [GB]\n");
  return 2;
}
