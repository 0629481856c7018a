#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/arrhenius.hpp"
#include "analysis/collective.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using nlohmann::json;

json read_json(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

/// Slope of the line through the MSD between two lag indices, as fractions of the file: the procedure of the paper.
double plain_slope(const std::string& path) {
  TextFile file(path);
  std::string_view line;
  std::vector<double> x, y;
  while (file.next_line(line)) {
    Cursor cursor(line);
    const RealField lag = cursor.real();
    Vec3 msd;
    if (lag.ok() && cursor.vec3(msd) == FieldState::number) x.push_back(lag.value), y.push_back(msd.x + msd.y + msd.z);
  }
  const std::size_t first = x.size() / 10, last = x.size() * 4 / 10;
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t k = first; k < last; ++k) n += 1, sx += x[k], sy += y[k], sxx += x[k] * x[k], sxy += x[k] * y[k];
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

}  // namespace

// MSD and collective MSD of five AIMD runs against an independent script, to the six decimals that it prints.
TEST(Argyrodite, MeanSquaredDisplacementsEqualTheReference) {
  HAVEN_SHARED_DATA(folder, "argyrodite_md");
  const json reference = read_json(folder + "/reference.json");
  for (const auto& [name, expected] : reference.items()) {
    SCOPED_TRACE(name);
    const auto source = open_xdatcar(folder + "/" + expected.at("file").get<std::string>(), {.frame_interval_fs = 100});
    const IonTracks tracks = collect_tracks(*source, {.mobile = {3}});
    EXPECT_EQ(tracks.n_frames, expected.at("n_frames").get<Index>());
    EXPECT_NEAR(tracks.volume, expected.at("volume_A3").get<double>(), 1e-6);
    EXPECT_NEAR(tracks.max_step, expected.at("max_step_A").get<double>(), 1e-6);
    const std::vector<Index> lags{5, 10, 20, 40, 70};
    const MsdCurve curve = mean_squared_displacement(tracks, lags, {0, tracks.n_frames});
    const std::vector<double> charges(static_cast<std::size_t>(tracks.n_ions()), 1.0);
    const CollectiveCurve collective = collective_displacement(
        charge_displacement(tracks, charges), static_cast<double>(tracks.n_ions()), lags, {0, tracks.n_frames});
    const json& values = expected.at("fit_2_to_7_ps").at("framework_drift_removed");
    const std::vector<std::string> keys{"0.5", "1", "2", "4", "7"};
    for (std::size_t k = 0; k < keys.size(); ++k) {
      EXPECT_NEAR(curve.total[k], values.at("msd_A2_at_ps").at(keys[k]).get<double>(), 1.1e-6) << keys[k];
      if (k > 0) {
        EXPECT_NEAR(collective.total[k], values.at("collective_msd_per_ion_A2_at_ps").at(keys[k]).get<double>(), 1.1e-6)
            << keys[k];
      }
    }
  }
}

// 14 ps of AIMD do not determine D_sigma: peers print Haven ratios of -19, 0.5 and 3 for these files. We say so.
TEST(Argyrodite, FourteenPicosecondsAreRefused) {
  HAVEN_SHARED_DATA(folder, "argyrodite_md");
  const json reference = read_json(folder + "/reference.json");
  TransportOptions options;
  options.mobile = {"Li"};
  options.charges = {{"Li", 1.0}};
  options.temperature_K = 500;
  Log log;
  for (const auto& [name, expected] : reference.items()) {
    SCOPED_TRACE(name);
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    sources.push_back(open_xdatcar(folder + "/" + expected.at("file").get<std::string>(), {.frame_interval_fs = 100}));
    const TransportResult result = analyse_transport(std::move(sources), options, log);
    EXPECT_FALSE(result.haven_ratio.determined());
    EXPECT_FALSE(result.refused.empty());
    ASSERT_TRUE(result.collective.iso.upper_bound.has_value());
  }
}

// A window given by the user: D* agrees with the plain line of the reference within our error, or we say that the curve
// is not straight there (the plain line weights the long lags, ours the short ones, so they differ exactly when it is
// not).
TEST(Argyrodite, TracerDiffusionAgreesWithThePlainFitOrTheCurvatureIsReported) {
  HAVEN_SHARED_DATA(folder, "argyrodite_md");
  const json reference = read_json(folder + "/reference.json");
  TransportOptions options;
  options.mobile = {"Li"};
  options.charges = {{"Li", 1.0}};
  options.temperature_K = 500;
  options.window_ps = {2.0, 7.0};
  Log log;
  for (const auto& [name, expected] : reference.items()) {
    SCOPED_TRACE(name);
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    sources.push_back(open_xdatcar(folder + "/" + expected.at("file").get<std::string>(), {.frame_interval_fs = 100}));
    const TransportResult result = analyse_transport(std::move(sources), options, log);
    ASSERT_TRUE(result.tracer.iso.determined());
    const double plain = expected.at("fit_2_to_7_ps").at("framework_drift_removed").at("D_cm2_s").get<double>();
    const double difference = std::abs(std::log(plain / result.tracer.iso.value));
    EXPECT_LT(difference, 0.5);
    const bool curved =
        std::any_of(result.warnings.begin(), result.warnings.end(), [](const auto& w) { return w.code == "TR017"; });
    EXPECT_TRUE(curved || difference < 3 * result.tracer.iso.log_sd())
        << difference << " " << result.checks.fit_p_tracer;
    // Nernst-Einstein conversion, with the program's own D.
    const double factor =
        expected.at("fit_2_to_7_ps").at("framework_drift_removed").at("sigma_NE_mS_cm").get<double>() / plain;
    EXPECT_NEAR(1e3 * result.sigma_NE.value / result.tracer.iso.value / factor, 1, 1e-5);
  }
}

// Published activation energies from the published curves by the published procedure; errors of 3 % are put in by hand.
TEST(Llzo, ActivationEnergiesEqualThePublishedOnesAndTheKinkIsFound) {
  HAVEN_SHARED_DATA(folder, "llzo_msd");
  const json reference = read_json(folder + "/reference.json");
  for (const auto& [name, expected] : reference.items()) {
    SCOPED_TRACE(name);
    std::vector<TransportResult> results;
    for (std::size_t k = 0; k < 8; ++k) {
      TransportResult r;
      r.temperature_K = expected.at("temperatures_K")[k].get<double>();
      const double d =
          plain_slope(folder + "/" + name + "/" + std::to_string(std::lround(r.temperature_K)) + "K_msd.out.gz") / 6.0 *
          units::a2_per_ps_in_cm2_per_s;
      EXPECT_NEAR(d / expected.at("D_cm2_s")[k].get<double>(), 1, 2e-3);
      const double sigma = units::conductivity_from_cm2_per_s * expected.at("n_li").get<double>() * d /
                           (expected.at("volume_A3")[k].get<double>() * units::boltzmann * r.temperature_K);
      r.tracer.iso = log_normal_estimate(d, 0.03);
      r.sigma = log_normal_estimate(sigma, 0.03);
      results.push_back(r);
    }
    // The branch of the published energy: tetragonal below 875 K, or everything where there is no transition.
    const std::span<const TransportResult> branch =
        std::span<const TransportResult>(results).first(name == "8O_vac" ? 8 : 4);
    const ArrheniusResult line = fit_arrhenius(branch, {.model = "line"});
    EXPECT_NEAR(line.Ea_eV.value, expected.at("Ea_eV_published").get<double>(), 0.003);
    EXPECT_NEAR(std::log(line.sigma_at_target.value / expected.at("sigma300_S_cm_published").get<double>()), 0, 0.1);
    if (name != "pristine") continue;
    const ArrheniusResult all = fit_arrhenius(results, {});
    EXPECT_EQ(all.comparison.preferred, "two lines");
    EXPECT_EQ(all.comparison.break_low_K, 850);
    EXPECT_EQ(all.comparison.break_high_K, 900);
    EXPECT_EQ(all.model, "two lines (low-temperature branch)");
    EXPECT_NEAR(all.Ea_eV.value, 1.227, 0.003);
  }
}

}  // namespace haven
