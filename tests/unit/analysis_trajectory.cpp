#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "analysis/displacements.hpp"
#include "analysis/msd.hpp"
#include "core/error.hpp"
#include "io/trajectory.hpp"
#include "physics/analysis_walks.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::FastRandom;
using testing::TemporaryFolder;

constexpr const char* fixed_head = "test\n2.0\n 5 0 0\n 0 5 0\n 0 0 5\n Li S\n 1 1\n";

std::string written(const TemporaryFolder& folder, const std::string& text, const std::string& name = "XDATCAR") {
  const std::string path = folder.file(name);
  std::ofstream(path) << text;
  return path;
}

TrajectoryFrame frame_at(int step, const Cell& cell, std::vector<Vec3> positions) {
  return {step, 100.0 * step, cell, std::move(positions), {}};
}

Cell cube(double length) { return Cell(Mat3{{{{length, 0, 0}, {0, length, 0}, {0, 0, length}}}}); }

/// A drifting crystal of 27 Li and 27 S on a rock-salt lattice that vibrates in a cell whose length fluctuates by 3 %;
/// wrapped positions.
std::vector<TrajectoryFrame> breathing_crystal(int frames, std::vector<double>& lengths) {
  FastRandom random(17);
  std::vector<TrajectoryFrame> out;
  for (int t = 0; t < frames; ++t) {
    const double length = 24.0 * (1.0 + 0.03 * random.normal());
    lengths.push_back(length);
    std::vector<Vec3> positions;
    for (int species = 0; species < 2; ++species)
      for (int i = 0; i < 27; ++i) {
        Vec3 s{(i % 3) / 3.0, (i / 3 % 3) / 3.0, (i / 9) / 3.0};
        if (species == 1) s += Vec3{1 / 6.0, 1 / 6.0, 1 / 6.0};
        for (int k = 0; k < 3; ++k) {
          s[k] += 0.004 * random.normal() + 0.05 * t;  // the whole crystal drifts through many boundaries
          s[k] -= std::floor(s[k]);
        }
        positions.push_back(length * s);
      }
    out.push_back(frame_at(t, cube(length), std::move(positions)));
  }
  return out;
}

TrajectoryInfo crystal_info() {
  TrajectoryInfo info;
  info.path = "memory";
  info.numbers.assign(27, 3);
  info.numbers.insert(info.numbers.end(), 27, 16);
  info.temperature_K = 600;
  return info;
}

}  // namespace

TEST(Xdatcar, ReadsFixedCellAndFollowsTheNearestImage) {
  const TemporaryFolder folder;
  const std::string path = written(folder, std::string(fixed_head) +
                                               "Direct configuration= 1\n0.95 0.5 0.5\n0 0 0\n"
                                               "Direct configuration= 2\n0.05 0.5 0.5 Li\n0 0 0 S\n"
                                               "Direct configuration= 3\n0.15 0.5 0.5\n0 0 0\n");
  const auto source = open_xdatcar(path, {.frame_interval_fs = 50, .temperature_K = 500});
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  ASSERT_EQ(tracks.n_frames, 3);
  EXPECT_DOUBLE_EQ(tracks.interval_ps, 0.05);
  EXPECT_NEAR(tracks.series[0][2] - tracks.series[0][0], 2.0, 1e-12);  // two steps of a tenth of 10 A
  EXPECT_NEAR(tracks.max_step, 1.0, 1e-12);
  EXPECT_EQ(tracks.temperature_K, 500);
}

TEST(Xdatcar, AFixedCellHasNoSpreadOfItsVolumeInALongRun) {
  // Lengths without a short binary form: a difference of large sums would leave rounding of 1e-8 of the volume (TR008).
  const TemporaryFolder folder;
  std::string text = "fixed\n1.0\n9.4777 0.0 0.0\n-4.7389 8.2079 0.0\n0.0 0.0 11.6251\nLi S\n1 1\n";
  for (int frame = 1; frame <= 333; ++frame)
    text += "Direct configuration= " + std::to_string(frame) + "\n0.5 0.5 0.5\n0 0 0\n";
  const auto source = open_xdatcar(written(folder, text), {.frame_interval_fs = 50, .temperature_K = 500});
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  ASSERT_EQ(tracks.n_frames, 333);
  EXPECT_EQ(tracks.volume_sd, 0.0);
}

TEST(Xdatcar, ReadsARepeatedHeadForEachFrameOfAVariableCell) {
  const TemporaryFolder folder;
  std::string text;
  for (int k = 0; k < 3; ++k)
    text += "cell " + std::to_string(k) + "\n1\n" + std::to_string(10 + k) +
            " 0 0\n0 10 0\n0 0 10\nLi_sv S\n1 1\nDirect configuration= " + std::to_string(k) + "\n0.5 0.5 0.5\n0 0 0\n";
  const auto source = open_xdatcar(written(folder, text), {.frame_interval_fs = 1});
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  EXPECT_NEAR(tracks.volume, 1100, 1e-9);
  EXPECT_GT(tracks.volume_sd, 0.0);
  EXPECT_NEAR(tracks.series[0][2], tracks.series[0][0], 1e-12);  // a constant fractional coordinate is rest
}

TEST(Xdatcar, LeavesOutACutOffLastFrameAndSaysSo) {
  const TemporaryFolder folder;
  const std::string path = written(folder, std::string(fixed_head) +
                                               "Direct configuration= 1\n0.1 0.5 0.5\n0 0 0\n"
                                               "Direct configuration= 2\n0.2 0.5 0.5\n0 0 0\n"
                                               "Direct configuration= 3\n0.3 0.5 0.5\n0 0");
  const auto source = open_xdatcar(path, {.frame_interval_fs = 1});
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  EXPECT_EQ(tracks.n_frames, 2);
  ASSERT_EQ(tracks.remarks.size(), 1U);
  EXPECT_NE(tracks.remarks[0].find("left out"), std::string::npos);
}

TEST(Xdatcar, RefusesWhatIsNone) {
  const TemporaryFolder folder;
  EXPECT_THROW(static_cast<void>(open_xdatcar(written(folder, ""), {.frame_interval_fs = 1})), InputError);
  EXPECT_THROW(static_cast<void>(open_xdatcar(written(folder, "a\nb\nc\n"), {.frame_interval_fs = 1})), InputError);
  EXPECT_THROW(static_cast<void>(
                   open_xdatcar(written(folder, "x\n1\n1 0 0\n0 1 0\n0 0 1\n1 1\n1 1\n"), {.frame_interval_fs = 1})),
               InputError);  // VASP 4: no symbols
  EXPECT_THROW(static_cast<void>(open_xdatcar(written(folder, fixed_head), {})), ConfigError);
}

TEST(Xdatcar, ReadsTheFilesOfManyVersions) {
  HAVEN_SHARED_DATA(folder, "vasp");
  const std::vector<std::pair<std::string, int>> files{{"/pymatgen/XDATCAR.MD", 5},
                                                       {"/pymatgen/XDATCAR_4", 4},
                                                       {"/pymatgen/XDATCAR_5", 4},
                                                       {"/pymatgen/XDATCAR_6", 4},
                                                       {"/pymatgen/XDATCAR_monatomic.gz", 10},
                                                       {"/pymatgen/XDATCAR_LiSi_traj", 100},
                                                       {"/vasppy/NaCl_800K_MD_XDATCAR", 40}};
  for (const auto& [name, frames] : files) {
    const auto source = open_xdatcar(folder + name, {.frame_interval_fs = 1});
    TrajectoryFrame frame;
    int count = 0;
    while (source->next(frame)) ++count;
    EXPECT_EQ(count, frames) << name;
  }
}

TEST(Extxyz, StreamsATrajectory) {
  const TemporaryFolder folder;
  std::string text;
  for (int k = 0; k < 4; ++k)
    text += "2\nLattice=\"10 0 0 0 10 0 0 0 10\" Properties=species:S:1:pos:R:3\nLi " +
            std::to_string(9.5 + 0.2 * k - (k > 2 ? 10 : 0)) + " 5 5\nS 0 0 0\n";
  const auto source = open_trajectory(written(folder, text, "run.xyz"), {.frame_interval_fs = 10});
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  EXPECT_EQ(tracks.n_frames, 4);
  EXPECT_NEAR(tracks.series[0][3] - tracks.series[0][0], 0.6, 1e-9);
}

TEST(H5md, RunFolderIsReadUnwrappedWithItsTemperatureAndLastStage) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  TrajectoryHeader header;
  header.numbers = {3, 16}, header.masses = {6.94, 32.06}, header.ids = {0, 1};
  header.timestep_fs = 2, header.frame_interval = 50, header.target_temperature = 650, header.stage = "prod";
  TrajectoryWriter writer(files, folder.file(segment_name(1)), header, {});
  for (int t = 0; t < 30; ++t) writer.append({50 * t, 100.0 * t, cube(10), {{0.9 * t, 1, 1}, {5, 5, 5}}, {}});
  writer.close();
  const auto source = open_trajectory(folder.path().string(), {});
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}, .skip_ps = 0.5});
  EXPECT_EQ(tracks.temperature_K, 650);
  EXPECT_EQ(tracks.n_frames, 25);
  EXPECT_NEAR(tracks.interval_ps, 0.1, 1e-12);
  EXPECT_NEAR(tracks.series[0][24] - tracks.series[0][0], 0.9 * 24, 1e-6);  // through the boundary, more than twice
}

TEST(Tracks, RemoveTheDriftOfTheHostAndNotOfTheIons) {
  std::vector<TrajectoryFrame> frames;
  for (int t = 0; t < 20; ++t) {
    const Vec3 drift{0.3 * t, -0.2 * t, 0};
    frames.push_back(frame_at(t, cube(12),
                              {Vec3{1, 1, 1} + drift + Vec3{0, 0, 0.5 * t}, Vec3{5, 5, 5} + drift + Vec3{0, 0, 0.5 * t},
                               Vec3{3, 3, 3} + drift, Vec3{9, 9, 9} + drift}));
  }
  TrajectoryInfo info{"memory", {3, 3, 16, 16}, {}, 300, Wrapping::unwrapped};
  const auto source = make_memory_source(info, frames);
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  EXPECT_EQ(tracks.drift, Drift::host);
  for (std::size_t s : {0U, 1U, 3U, 4U}) EXPECT_NEAR(tracks.series[s][19] - tracks.series[s][0], 0, 1e-12);
  EXPECT_NEAR(tracks.series[2][19] - tracks.series[2][0], 9.5, 1e-12);  // the common motion of the ions is kept
  EXPECT_NEAR(tracks.drift_length, 19 * std::hypot(0.3, 0.2), 1e-9);
}

// A light and a heavy host atom part: their plain mean moves half as far as the heavy one, their centre of mass three
// quarters. Positions and velocities have the same frame of reference.
TEST(Tracks, WeighTheHostByMassWhenAsked) {
  std::vector<TrajectoryFrame> frames;
  for (int t = 0; t < 20; ++t) {
    frames.push_back(frame_at(t, cube(12), {{1, 1, 1}, {3, 3, 3}, {9 + 0.1 * t, 9, 9}}));
    frames.back().velocities = {{0, 0, 0}, {0, 0, 0}, {1e-3, 0, 0}};
  }
  const TrajectoryInfo info{"memory", {3, 16, 16}, {7, 10, 30}, 300, Wrapping::unwrapped};
  for (const auto& [drift, share] : {std::pair{Drift::host, 0.5}, {Drift::host_mass, 0.75}}) {
    const auto source = make_memory_source(info, frames);
    const IonTracks tracks = collect_tracks(*source, {.mobile = {3}, .drift = drift});
    EXPECT_EQ(tracks.drift, drift);
    EXPECT_NEAR(tracks.series[0][19] - tracks.series[0][0], -1.9 * share, 1e-12);
    EXPECT_NEAR(tracks.velocities[0].sum[0][7], -1e-3 * share, 1e-15);
  }
}

TEST(Tracks, BreathingCellMovesNobodyWhereImageCountingDoes) {
  std::vector<double> lengths;
  const auto frames = breathing_crystal(400, lengths);
  const auto source = make_memory_source(crystal_info(), frames);
  const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
  const std::vector<Index> lags{1, 10, 100};
  const MsdCurve ours = mean_squared_displacement(tracks, lags, {0, tracks.n_frames});
  const double vibration = 6.0 * std::pow(0.004 * 24.0, 2);  // 2 u^2 per axis
  for (const double value : ours.total) EXPECT_NEAR(value, vibration, 0.1 * vibration);

  // Negative control: the usual scheme keeps the image nearest to the last unwrapped position, in the current cell.
  double naive = 0;
  std::vector<Vec3> last = frames[0].positions, first = last;
  for (std::size_t t = 1; t < frames.size(); ++t) {
    for (std::size_t i = 0; i < last.size(); ++i) {
      Vec3 u = frames[t].positions[i];
      for (int k = 0; k < 3; ++k) u[k] += lengths[t] * std::floor((last[i][k] - u[k]) / lengths[t] + 0.5);
      last[i] = u;
    }
  }
  Vec3 host;
  for (std::size_t i = 27; i < 54; ++i) host += (1.0 / 27) * (last[i] - first[i]);
  for (std::size_t i = 0; i < 27; ++i) naive += norm2(last[i] - first[i] - host) / 27;
  EXPECT_GT(naive, 10 * vibration);
}

TEST(Tracks, RefuseStepsOfHalfTheCell) {
  TrajectoryInfo info{"memory", {3, 16}, {}, 300, Wrapping::wrapped};
  const auto source = make_memory_source(
      info, {frame_at(0, cube(8), {{0, 0, 0}, {4, 4, 4}}), frame_at(1, cube(8), {{3.9, 3.9, 0}, {4, 4, 4}})});
  EXPECT_THROW(static_cast<void>(collect_tracks(*source, {.mobile = {3}})), InputError);
}

TEST(Tracks, InterpolateAFewMissingFramesOnly) {
  std::vector<TrajectoryFrame> frames;
  for (int t = 0; t < 300; ++t)
    if (t != 150) frames.push_back(frame_at(t, cube(10), {{0.01 * t, 0, 0}, {5, 5, 5}}));
  TrajectoryInfo info{"memory", {3, 16}, {}, 300, Wrapping::unwrapped};
  const IonTracks tracks = collect_tracks(*make_memory_source(info, frames), {.mobile = {3}});
  EXPECT_EQ(tracks.n_frames, 300);
  EXPECT_EQ(tracks.filled, 1);
  EXPECT_NEAR(tracks.series[0][150], 1.5, 1e-12);
  frames.erase(frames.begin() + 20, frames.begin() + 40);
  EXPECT_THROW(static_cast<void>(collect_tracks(*make_memory_source(info, frames), {.mobile = {3}})), InputError);
}

TEST(Tracks, RefuseUnevenTimesAndMissingSpecies) {
  TrajectoryInfo info{"memory", {3, 16}, {}, 300, Wrapping::unwrapped};
  std::vector<TrajectoryFrame> frames;
  for (const int t : {0, 2, 3, 5}) frames.push_back(frame_at(t, cube(10), {{0, 0, 0}, {5, 5, 5}}));
  EXPECT_THROW(static_cast<void>(collect_tracks(*make_memory_source(info, frames), {.mobile = {3}})), InputError);
  EXPECT_THROW(static_cast<void>(collect_tracks(*make_memory_source(info, frames), {.mobile = {11}})), InputError);
}

}  // namespace haven
