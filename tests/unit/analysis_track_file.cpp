#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "analysis/layers.hpp"
#include "analysis/sites.hpp"
#include "analysis/structure.hpp"
#include "analysis/structure_output.hpp"
#include "analysis/track_file.hpp"
#include "analysis/transport.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "physics/analysis_walks.hpp"
#include "support/failing_file_system.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::FailingFileSystem;
using testing::FastRandom;
using testing::TemporaryFolder;

constexpr int ions = 10, hosts = 6, frames = 1500;

/// Two kinds of diffusing ions and a vibrating, drifting host in a triclinic cell that breathes.
std::unique_ptr<TrajectorySource> hopping_crystal() {
  FastRandom random(5);
  TrajectoryInfo info{"memory", std::vector<int>(ions, 3), {}, 600, Wrapping::unwrapped};
  for (int i = ions / 2; i < ions; ++i) info.numbers[static_cast<std::size_t>(i)] = 9;
  info.numbers.insert(info.numbers.end(), hosts, 16);
  std::vector<Vec3> at(ions + hosts);
  for (Vec3& s : at) s = {random.uniform(), random.uniform(), random.uniform()};
  std::vector<TrajectoryFrame> out;
  for (int t = 0; t < frames; ++t) {
    const double scale = 1.0 + 0.01 * random.normal();
    const Cell cell(Mat3{{{{12 * scale, 0, 0}, {3, 11 * scale, 0}, {-2, 1, 10 * scale}}}});
    std::vector<Vec3> positions;
    for (std::size_t i = 0; i < at.size(); ++i) {
      for (int k = 0; k < 3; ++k) at[i][k] += 0.001 + (i < ions ? 0.03 * random.normal() : 0.0);
      Vec3 s = at[i];
      for (int k = 0; k < 3; ++k) s[k] += 0.005 * random.normal();
      positions.push_back(cell.to_cartesian(s));
    }
    out.push_back({t, 100.0 * t, cell, std::move(positions), {}});
  }
  return make_memory_source(std::move(info), std::move(out));
}

constexpr std::size_t memory_for(std::size_t kept) { return kept * 3 * ions * sizeof(double); }

CollectOptions collecting(std::size_t memory_bytes, const std::string& scratch = "") {
  return {.mobile = {3, 9}, .memory_bytes = memory_bytes, .scratch = scratch};
}

TransportResult analysed(std::size_t memory_bytes) {
  TransportOptions options;
  options.mobile = {"Li", "F"};
  options.charges = {{"Li", 1.0}, {"F", -1.0}};
  options.hop_length = 2.0;
  options.memory_bytes = memory_bytes;
  std::vector<std::unique_ptr<TrajectorySource>> sources;
  sources.push_back(hopping_crystal()), sources.push_back(hopping_crystal());
  Log log;
  return analyse_transport(std::move(sources), options, log);
}

}  // namespace

/// Tracks that went to the file are those of the memory, bit for bit: both are the same fractions times the same mean
/// cell. Blocks of one frame, of a length that does not divide the run, and one that is never full.
TEST(TrackFile, HoldsTheTracksOfTheMemory) {
  const TemporaryFolder folder;
  const auto source = hopping_crystal();
  const IonTracks memory = collect_tracks(*source, collecting(memory_for(2 * frames)));
  ASSERT_EQ(memory.stored, nullptr);
  for (const std::size_t kept : {1u, 7u, 400u, 1499u, 1500u}) {
    SCOPED_TRACE(kept);
    const auto again = hopping_crystal();
    const IonTracks stored = collect_tracks(*again, collecting(memory_for(kept), folder.path().string()));
    ASSERT_EQ(stored.stored == nullptr, kept == frames);
    EXPECT_EQ(stored.n_frames, memory.n_frames);
    EXPECT_EQ(stored.duration_ps(), memory.duration_ps());
    for (std::size_t i = 0; i < ions; ++i) {
      const IonPath one = stored.ion(i), other = memory.ion(i);
      for (std::size_t a = 0; a < 3; ++a)
        ASSERT_TRUE(std::equal(one[a].begin(), one[a].end(), other[a].begin(), other[a].end())) << i;
      EXPECT_EQ(one.at(frames - 1), other.at(frames - 1));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the file has no name, so nothing can be left behind";
  }
}

/// Curves, fits, intervals, warnings: everything of the analysis, of two species and two replicas.
TEST(TrackFile, GivesTheSameAnalysis) {
  const TransportResult memory = analysed(memory_for(1u << 20u)), stored = analysed(memory_for(300));
  ASSERT_TRUE(memory.tracer.iso.determined()) << memory.tracer.iso.refused;
  ASSERT_TRUE(memory.onsager.has_value());
  EXPECT_EQ(transport_json(stored), transport_json(memory));
  EXPECT_EQ(curves_csv(stored), curves_csv(memory));
}

TEST(TrackFile, GivesTheSameStructureAndLayers) {
  const auto report = [](std::size_t kept) {
    const auto source = hopping_crystal();
    const IonTracks tracks = collect_tracks(*source, collecting(memory_for(kept)));
    StructureReport structure{.source = "memory"};
    structure.pairs = pair_distributions(tracks), structure.van_hove = van_hove(tracks, {3, 100});
    structure.sites.cell = tracks.mean_cell;
    for (int k = 0; k < 8; ++k) {
      structure.sites.fractional.push_back({0.5 * (k % 2), 0.5 * (k / 2 % 2), 0.5 * (k / 4)});
      structure.sites.type.push_back(k % 2);
    }
    structure.network = jump_network(tracks, structure.sites);
    return pair_csv(structure.pairs) + van_hove_csv(structure.van_hove) +
           network_json(structure.sites, structure.network) + cube_text(density_map(tracks, 1.0), tracks) +
           layers_json(analyse_layers(tracks, {.edges = {0.0, 0.5}, .lag_ps = 1.0}));
  };
  EXPECT_EQ(report(300), report(frames));
}

/// A disk that is full, or that breaks, says what to do; a short transfer is continued.
TEST(TrackFile, TellsWhatToDoWhenThereIsNoRoom) {
  const TemporaryFolder folder;
  const std::vector<std::vector<double>> series(6, std::vector<double>(50, 1.5));
  const auto with_fault = [&](FailingFileSystem::Fault fault) {
    TrackFile file(folder.path().string(), std::make_unique<FailingFileSystem>(fault));
    file.append(series);
    file.append(series);
    std::vector<double> values(file.n_frames());
    for (std::size_t s = 0; s < series.size(); ++s) file.read(s, values);
    return values;
  };
  EXPECT_EQ(with_fault({}), std::vector<double>(100, 1.5));
  int failures = 0;
  for (int call = 1; call <= 26; ++call) {  // open, size, 12 writes, 12 reads
    EXPECT_EQ(with_fault({.call = call, .short_transfer = true}), std::vector<double>(100, 1.5)) << call;
    try {
      static_cast<void>(with_fault({.call = call, .error = ENOSPC}));
    } catch (const IoError& error) {
      ++failures;
      if (call > 2 && call <= 14) {
        EXPECT_NE(error.remedy().find("TMPDIR"), std::string::npos);
        EXPECT_EQ(error.where(), folder.path().string());
      }
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << call;
  }
  EXPECT_EQ(failures, 26);
  const auto source = hopping_crystal();
  EXPECT_THROW(static_cast<void>(collect_tracks(*source, collecting(memory_for(7), folder.file("nowhere")))), IoError);
}

}  // namespace haven
