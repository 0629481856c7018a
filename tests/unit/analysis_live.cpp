#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "analysis/collective.hpp"
#include "analysis/live_displacements.hpp"
#include "analysis/transport.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "core/units.hpp"
#include "io/run_files.hpp"
#include "md/correlator.hpp"
#include "physics/analysis_walks.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::FastRandom;
using testing::TemporaryFolder;

constexpr int lithium = 12, fluorine = 9, sulfur = 4;
constexpr double sample_fs = 20;

/// A run folder: walking Li and F, a vibrating and drifting host, frames every `every` samples, and the displacements
/// that the correlators of a run measure at every sample. `scale` falsifies the latter.
void write_run(const std::string& folder, int samples, int every, double scale = 1.0) {
  PosixFileSystem files;
  Log log;
  RunFiles run(files, RunLock(files, folder, log), std::nullopt);
  TrajectoryHeader header;
  header.numbers.assign(lithium, 3), header.numbers.insert(header.numbers.end(), fluorine, 9);
  header.numbers.insert(header.numbers.end(), sulfur, 16);
  for (std::size_t i = 0; i < header.numbers.size(); ++i)
    header.ids.push_back(static_cast<AtomId>(i)), header.masses.push_back(i % 2 == 0 ? 10.0 : 30.0);
  header.timestep_fs = sample_fs, header.frame_interval = every, header.target_temperature = 600;
  header.stage = "prod";
  run.begin_stage(header, 0);
  FastRandom random(3);
  DisplacementCorrelator correlator({lithium, fluorine});
  std::vector<Vec3> walk(header.numbers.size());
  for (Vec3& r : walk) r = 15.0 * Vec3{random.uniform(), random.uniform(), random.uniform()};
  const std::vector<Vec3> start = walk;
  for (int t = 0; t < samples; ++t) {
    std::vector<Vec3> positions;
    Vec3 drift;
    for (std::size_t i = 0; i < walk.size(); ++i) {
      const double step = i < lithium ? 0.5 : i < lithium + fluorine ? 0.35 : 0.0;
      for (int k = 0; k < 3; ++k) walk[i][k] += 0.01 + step * random.normal();
      positions.push_back(walk[i]);
      for (int k = 0; k < 3; ++k) positions[i][k] += 0.1 * random.normal();
      if (i >= lithium + fluorine) drift += (1.0 / sulfur) * (positions[i] - start[i]);
    }
    if (t % every == 0)
      run.frame({t, sample_fs * t, Cell(Mat3{{{{22, 0, 0}, {0, 22, 0}, {0, 0, 22}}}}), positions, {}});
    std::vector<Vec3> moved, sums(2);
    for (std::size_t i = 0; i < lithium + fluorine; ++i) {
      moved.push_back(positions[i] - start[i] - drift);
      sums[i < lithium ? 0 : 1] += moved.back();
    }
    correlator.add(moved, sums);
  }
  LiveTransport live;
  live.stage = "prod", live.elements = {3, 9};
  for (const Index lag : correlator.lags()) live.lags_fs.push_back(static_cast<double>(lag) * sample_fs);
  live.origins = correlator.origins();
  live.tracer = {correlator.tracer(0), correlator.tracer(1)};
  live.collective = {correlator.collective(0, 0), correlator.collective(0, 1), correlator.collective(1, 1)};
  for (auto& msd : live.tracer)
    for (double& value : msd) value *= scale;
  run.live_transport(live);
  run.finish();
}

TransportOptions options() {
  TransportOptions options;
  options.mobile = {"Li", "F"};
  options.charges = {{"Li", 1.0}, {"F", -1.0}};
  options.hop_length = 2.5;
  return options;
}

TransportResult analysed(const std::string& folder, const TransportOptions& with = options()) {
  std::vector<std::unique_ptr<TrajectorySource>> sources;
  sources.push_back(open_h5md(folder, {}));
  Log log;
  return analyse_transport(std::move(sources), with, log);
}

bool warned(const TransportResult& result, const char* code) {
  return std::any_of(result.warnings.begin(), result.warnings.end(), [&](const auto& w) { return w.code == code; });
}

}  // namespace

/// Where a frame was stored at every sample, the means over the same origins are the same numbers: 1e-10 covers the
/// order of the sums. Up to 16 samples the origins are all of them, and the curves of the analysis themselves agree.
TEST(LiveDisplacements, EqualThoseOfTheFrames) {
  const TemporaryFolder folder;
  write_run(folder.path().string(), 700, 1);
  const auto source = open_h5md(folder.path().string(), {});
  const std::vector<IonTracks> tracks{collect_tracks(*source, {.mobile = {3, 9}})};
  ASSERT_TRUE(tracks[0].live.has_value());
  const LiveTransport& live = *tracks[0].live;
  ASSERT_EQ(live.elements, (std::vector<int>{3, 9}));
  ASSERT_GT(live.lags_fs.size(), 40U);
  for (std::size_t k = 0; k < live.lags_fs.size(); ++k) {
    const auto lag = static_cast<std::size_t>(std::llround(live.lags_fs[k] / sample_fs));
    std::size_t stride = 1;
    while (16 * stride < lag) stride *= 2;
    double origins = 0, msd[2] = {}, product = 0;
    for (std::size_t t = 0; t + lag < 700; t += stride, ++origins) {
      Vec3 sums[2];
      for (std::size_t i = 0; i < lithium + fluorine; ++i) {
        const IonPath ion = tracks[0].ion(i);
        const std::size_t e = i < lithium ? 0 : 1;
        const Vec3 moved = ion.at(t + lag) - ion.at(t);
        msd[e] += norm2(moved) / (e == 0 ? lithium : fluorine), sums[e] += moved;
      }
      product += dot(sums[0], sums[1]);
    }
    EXPECT_EQ(static_cast<double>(live.origins[k]), origins);
    for (std::size_t e = 0; e < 2; ++e) EXPECT_NEAR(live.tracer[e][k] / (msd[e] / origins), 1, 1e-10) << lag;
    EXPECT_NEAR(live.collective[1][k], product / origins, 1e-10 * live.collective[0][k]) << lag;
  }
  const std::map<std::string, double> charges{{"Li", 1.0}, {"F", -1.0}};
  const LiveCurve curve = mean_live_curve(tracks, charges);
  std::vector<Index> lags;
  for (Index lag = 1; lag <= 16; ++lag) lags.push_back(lag);
  const MsdCurve tracer = mean_squared_displacement(tracks[0], lags, {0, 700});
  std::vector<double> signs(lithium, 1.0);
  signs.resize(lithium + fluorine, -1.0);
  const CollectiveCurve collective =
      collective_displacement(charge_displacement(tracks[0], signs), lithium + fluorine, lags, {0, 700});
  for (std::size_t k = 0; k < lags.size(); ++k) {
    EXPECT_NEAR(curve.tracer[k] / tracer.total[k], 1, 1e-10);
    EXPECT_NEAR(curve.collective[k] / collective.total[k], 1, 1e-10);
  }
}

/// The stream of a run beside the Fourier transform of what it has seen, at every lag of ions and of their sum: a level
/// of the stream has every 2^l-th sample as origin, as the transform of every 2^l-th sample.
TEST(LiveDisplacements, EqualTheFourierTransform) {
  const IonTracks tracks = testing::make_walk({.ions = 5, .frames = 1500}, 21);
  const auto sums = charge_displacement(tracks, std::vector<double>(5, 1.0));
  const std::vector<std::vector<double>> total(sums.begin(), sums.end());
  DisplacementCorrelator correlator({5});
  for (std::size_t t = 0; t < 1500; ++t) {
    std::vector<Vec3> ions;
    for (std::size_t i = 0; i < 5; ++i)
      ions.push_back({tracks.series[3 * i][t], tracks.series[3 * i + 1][t], tracks.series[3 * i + 2][t]});
    const std::vector<Vec3> sum{{total[0][t], total[1][t], total[2][t]}};
    correlator.add(ions, sum);
  }
  const std::vector<Index> lags = correlator.lags();
  const std::vector<double> tracer = correlator.tracer(0), collective = correlator.collective(0, 0);
  ASSERT_GT(lags.size(), 50U);
  for (std::size_t k = 0; k < lags.size(); ++k) {
    Index stride = 1;
    while (16 * stride < lags[k]) stride *= 2;
    const std::vector<Index> lag{lags[k] / stride};
    const auto every = static_cast<std::size_t>(stride);
    EXPECT_NEAR(tracer[k] / (testing::fourier_msd(tracks.series, lag, every)[0] / 5), 1, 1e-10) << lags[k];
    EXPECT_NEAR(collective[k] / testing::fourier_msd(total, lag, every)[0], 1, 1e-10) << lags[k];
  }
}

/// Frames at every fourth sample: the run adds the three lags below, agrees at the others within a fraction of their
/// error, and stands in the figure.
TEST(LiveDisplacements, AddTheLagsBelowTheFrames) {
  const TemporaryFolder folder;
  write_run(folder.path().string(), 8000, 4);
  const TransportResult result = analysed(folder.path().string());
  ASSERT_TRUE(result.tracer.iso.determined()) << result.tracer.iso.refused;
  ASSERT_EQ(result.curves.live.lag_ps.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    const double lag = static_cast<double>(k + 1);
    EXPECT_NEAR(result.curves.live.lag_ps[k], 1e-3 * sample_fs * lag, 1e-12);
    // <|dr|^2> of a walk of 3 s^2 per sample with vibration of sd 0.1 A and that of the mean of four host atoms; its
    // standard error is below 1 %.
    const double step2 = (lithium * 0.25 + fluorine * 0.1225) / (lithium + fluorine);
    EXPECT_NEAR(result.curves.live.tracer[k] / (3 * lag * step2 + 6 * 0.01 * 1.25), 1, 0.03);
  }
  ASSERT_TRUE(result.checks.live_deviation.has_value());
  EXPECT_LT(*result.checks.live_deviation, 1.0);
  EXPECT_FALSE(warned(result, "TR032"));
  EXPECT_NE(msd_svg(result).find("during the run"), std::string::npos);
  EXPECT_NEAR(*transport_from_json(transport_json(result), "text").checks.live_deviation, *result.checks.live_deviation,
              1e-6);
}

/// Only what belongs together is compared: the same ions, the whole stage, the same frame of reference.
TEST(LiveDisplacements, AreLeftOutWhereTheyMeasureSomethingElse) {
  const TemporaryFolder folder;
  write_run(folder.path().string(), 4000, 4);
  TransportOptions later = options(), one = options(), by_mass = options();
  later.skip_ps = 1, one.mobile = {"Li"}, by_mass.drift = Drift::host_mass;
  for (const TransportOptions& other : {later, one, by_mass}) {
    const TransportResult result = analysed(folder.path().string(), other);
    EXPECT_TRUE(result.curves.live.lag_ps.empty());
    EXPECT_FALSE(result.checks.live_deviation.has_value());
  }
}

/// Frames that are not of this run are found out; a damaged table is named.
TEST(LiveDisplacements, TellWhenTheyDisagree) {
  const TemporaryFolder folder;
  write_run(folder.path().string(), 8000, 4, 2.0);
  EXPECT_TRUE(warned(analysed(folder.path().string()), "TR032"));
  for (const char* text : {"", "lag_ps,origins\n", "lag_ps,origins,tracer_Li_A2,collective_Li_Li_A2\n0.1,3,0.5\n",
                           "lag_ps,origins,tracer_Li_A2,collective_Li_Li_A2\n0.1,3,x,0.5\n"}) {
    std::ofstream(folder.file("displacements_prod.csv")) << text;
    EXPECT_THROW(static_cast<void>(analysed(folder.path().string())), InputError) << text;
  }
}

}  // namespace haven
