#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "analysis/green_kubo.hpp"
#include "analysis/plan.hpp"
#include "analysis/planner.hpp"
#include "analysis/structure_output.hpp"
#include "core/error.hpp"
#include "core/units.hpp"
#include "physics/analysis_vacancies.hpp"

/// Structure and mechanism, on crystals and walks whose answers are known.
namespace haven {
namespace {

using testing::FastRandom;

constexpr double lattice = 4.0;  ///< A
constexpr int cells = 5;

/// Ions that hop on a simple cubic lattice of 125 sites, half of them empty, with vibration of 0.2 A; a host in the
/// centres of the cubes. Every ion tries a jump in each frame of 1 ps with the given probability.
IonTracks hopping(int frames, double rate, std::uint64_t seed) {
  FastRandom random(seed);
  constexpr int sites = cells * cells * cells, ions = 60;
  IonTracks tracks;
  tracks.path = "hopping";
  tracks.numbers.assign(ions, 3);
  tracks.series.assign(3 * ions, {});
  tracks.n_frames = frames;
  tracks.interval_ps = 1;
  const double edge = cells * lattice;
  tracks.mean_cell = Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}};
  tracks.volume = edge * edge * edge;
  std::vector<char> taken(sites, 0);
  const auto site = [](const std::array<int, 3>& r) {
    const auto wrap = [](int x) { return ((x % cells) + cells) % cells; };
    return static_cast<std::size_t>((wrap(r[0]) * cells + wrap(r[1])) * cells + wrap(r[2]));
  };
  std::vector<std::array<int, 3>> at;
  while (static_cast<int>(at.size()) < ions) {  // any arrangement is equally likely: equilibrium
    const auto k = static_cast<int>(random.below(sites));
    if (taken[site({k / 25, k / 5 % 5, k % 5})] != 0) continue;
    at.push_back({k / 25, k / 5 % 5, k % 5});
    taken[site(at.back())] = 1;
  }
  for (int t = 0; t < frames; ++t) {
    for (auto& r : at) {
      if (random.uniform() >= rate) continue;
      auto to = r;
      to[random.below(3)] += random.uniform() < 0.5 ? 1 : -1;
      if (taken[site(to)] != 0) continue;
      taken[site(r)] = 0, taken[site(to)] = 1, r = to;
    }
    for (std::size_t i = 0; i < at.size(); ++i)
      for (std::size_t k = 0; k < 3; ++k)
        tracks.series[3 * i + k].push_back(lattice * at[i][k] + 0.2 * random.normal());
  }
  tracks.host.interval_ps = 1;
  for (int t = 0; t < std::min(frames, 200); ++t) {
    std::vector<Vec3> frame;
    for (int k = 0; k < sites; ++k) frame.push_back(lattice * Vec3{k / 25 + 0.5, k / 5 % 5 + 0.5, k % 5 + 0.5});
    tracks.host.frames.push_back(frame);
  }
  tracks.host.numbers.assign(sites, 16);
  tracks.host.nearest_distance = lattice;
  return tracks;
}

Structure reference_crystal() {
  Structure s;
  const double edge = cells * lattice;
  s.cell = Cell(Mat3{{{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}}});
  for (int k = 0; k < cells * cells * cells; ++k) {
    // Shifted as a whole: the host tells by how much.
    s.numbers.push_back(3), s.positions.push_back(lattice * Vec3{k / 25 + 0.3, k / 5 % 5 + 0.1, k % 5 + 0.0});
    s.numbers.push_back(16), s.positions.push_back(lattice * Vec3{k / 25 + 0.8, k / 5 % 5 + 0.6, k % 5 + 0.5});
  }
  return s;
}

}  // namespace

TEST(PairDistributions, OfAnIdealGasAreOne) {
  FastRandom random(1);
  IonTracks gas = hopping(200, 0, 1);
  for (auto& series : gas.series)
    for (double& x : series) x = 20 * random.uniform();
  for (const PairDistribution& pair : pair_distributions(gas)) {
    if (pair.first == 16 && pair.second == 16) continue;
    double mean = 0;
    for (std::size_t k = 100; k < 200; ++k) mean += pair.g[k] / 100;
    EXPECT_NEAR(mean, 1.0, pair.first == pair.second ? 0.03 : 0.02);  // 200 x 1,770 and 7,500 pairs; (N-1)/N = 0.983
    const std::size_t last = pair.r.size() - 1;
    const double volume = 4.0 / 3 * std::numbers::pi * std::pow(pair.r[last] + 0.025, 3);
    const double others = pair.first == pair.second ? 59 : 125;
    EXPECT_NEAR(pair.coordination[last], others * volume / 8000, 0.01 * others * volume / 8000);
  }
}

TEST(PairDistributions, OfACrystalCountItsShells) {
  const auto pairs = pair_distributions(hopping(200, 0, 1));
  ASSERT_EQ(pairs.size(), 3U);
  const PairDistribution& mixed = pairs[1];
  EXPECT_EQ(mixed.first, 3);
  EXPECT_EQ(mixed.second, 16);
  EXPECT_NEAR(mixed.first_peak, lattice * std::sqrt(0.75), 0.1);
  EXPECT_NEAR(mixed.neighbours, 8, 0.05);
  EXPECT_NEAR(pairs[2].neighbours, 6, 1e-9);  // host-host, at rest
  EXPECT_NEAR(pairs[2].first_peak, lattice, 0.1);
}

TEST(VanHoveFunctions, AreNormalisedAndShowReplacement) {
  const IonTracks tracks = hopping(2000, 0.1, 2);
  const auto functions = van_hove(tracks, {1, 100});
  for (const VanHove& f : functions) {
    double sum = 0;
    for (const double s : f.self) sum += 0.1 * s;
    EXPECT_LE(sum, 1.0 + 1e-12);
    EXPECT_GT(sum, f.lag_ps < 2 ? 0.999 : 0.5);  // beyond half the cell nothing is counted
  }
  // A site that another ion has left is taken: a peak of G_d at r -> 0 grows with time.
  EXPECT_GT(functions[1].distinct[2], 5 * functions[0].distinct[2] + 0.5);
  double far = 0;
  for (std::size_t k = 70; k < 100; ++k) far += functions[1].distinct[k] / 30;
  EXPECT_NEAR(far, 1.0, 0.1);
}

TEST(DensityMapOfIons, HoldsAllIonsAndItsFilesReadBack) {
  const IonTracks tracks = hopping(300, 0.1, 3);
  const DensityMap map = density_map(tracks, 0.5);
  double sum = 0;
  for (const double value : map.values) sum += value;
  EXPECT_NEAR(sum * tracks.volume / static_cast<double>(map.values.size()), 60, 1e-9);
  std::istringstream cube(cube_text(map, tracks));
  std::string line;
  std::getline(cube, line), std::getline(cube, line);
  int atoms = 0, points = 0;
  double x = 0, y = 0, z = 0, volume = 1;
  cube >> atoms >> x >> y >> z;
  EXPECT_EQ(atoms, 125);
  std::size_t total = 1;
  for (int k = 0; k < 3; ++k) {
    cube >> points >> x >> y >> z;
    total *= static_cast<std::size_t>(points), volume *= std::max({x, y, z});
  }
  for (int k = 0; k < 5 * atoms; ++k) cube >> x;
  double ions = 0;
  std::size_t count = 0;
  for (double value = 0; cube >> value; ++count) ions += value * volume;
  EXPECT_EQ(count, total);
  EXPECT_NEAR(ions, 60, 1e-3);
  const std::string chgcar = chgcar_text(map, tracks);
  std::istringstream grid(chgcar.substr(chgcar.find("\n 40 40 40\n") + 10));
  ions = 0, count = 0;
  for (double value = 0; grid >> value; ++count) ions += value / static_cast<double>(total);
  EXPECT_EQ(count, total);
  EXPECT_NEAR(ions, 60, 1e-3);
}

TEST(Sites, OfDensityAndOfReferenceAreTheLattice) {
  const IonTracks tracks = hopping(3000, 0.2, 4);
  const SiteMap found = sites_of_density(density_map(tracks), tracks),
                given = sites_of_reference(reference_crystal(), tracks);
  EXPECT_EQ(found.fractional.size(), 125U);
  EXPECT_EQ(given.fractional.size(), 125U);
  const Cell cell(tracks.mean_cell);
  for (const SiteMap* map : {&found, &given})
    for (std::size_t k = 0; k < map->fractional.size(); ++k) {
      EXPECT_EQ(map->type[k], 0);
      Vec3 off = (1.0 / lattice) * cell.to_cartesian(map->fractional[k]);
      for (int a = 0; a < 3; ++a) off[a] -= std::nearbyint(off[a]);
      EXPECT_LT(lattice * norm(off), 0.1) << k;
    }
}

TEST(Sites, AReferenceOfAnotherCrystalIsRefused) {
  const IonTracks tracks = hopping(100, 0, 4);
  Structure wrong = reference_crystal();
  for (std::size_t k = 0; k < wrong.positions.size(); k += 3) wrong.positions[k] += Vec3{2, 1, 1.5};
  for (Vec3& r : wrong.positions) r.x *= 0.55;
  EXPECT_THROW(static_cast<void>(sites_of_reference(wrong, tracks)), InputError);
  wrong.numbers.pop_back(), wrong.positions.pop_back();
  EXPECT_THROW(static_cast<void>(sites_of_reference(wrong, tracks)), InputError);
}

// A jump is tried with probability 0.02 per ps in one of six directions, and done when the site is free: half of them
// are, with a correlation that 60 ions on 125 sites have (free share of neighbours 65/124). Vibration must not count.
TEST(JumpNetworkOfIons, RatesAreThoseOfTheModelAndVibrationIsNoJump) {
  const IonTracks still = hopping(2000, 0, 5);
  const SiteMap sites = sites_of_reference(reference_crystal(), still);
  EXPECT_EQ(jump_network(still, sites).jumps_total, 0);
  const IonTracks tracks = hopping(5000, 0.02, 5);
  const JumpNetwork network = jump_network(tracks, sites);
  ASSERT_EQ(network.type_jumps.size(), 1U);
  const double expected = 0.02 * 65.0 / 124.0;
  EXPECT_NEAR(network.type_jumps[0].rate.per_ps / expected, 1,
              0.06);  // 3,100 jumps: 1.8 %, and frames that hide returns
  EXPECT_LE(network.type_jumps[0].rate.ci95[0], network.type_jumps[0].rate.per_ps);
  EXPECT_NEAR(network.type_jumps[0].distance, lattice, 1e-9);
  EXPECT_NEAR(network.types[0].occupation, 60.0 / 125, 1e-9);
  EXPECT_NEAR(network.types[0].residence_ps, 1 / expected, 0.06 / expected);
  EXPECT_NEAR(network.hop_diffusion.value / (expected * lattice * lattice / 6 * 1e-4), 1, 0.06);
  EXPECT_TRUE(network.finely_sampled);
  const auto json = nlohmann::json::parse(network_json(sites, network));
  EXPECT_EQ(json.at("sites").size(), 125U);
  long long jumps = 0;
  for (const auto& jump : json.at("jumps")) jumps += jump.at("count").get<long long>();
  EXPECT_EQ(jumps, network.jumps_total);
}

TEST(JumpNetworkOfIons, PoissonIntervalsCover) {
  // Exact intervals cover at least 95 %.
  FastRandom random(9);
  int covered = 0;
  for (int run = 0; run < 2000; ++run) {
    int count = 0;
    for (double time = -std::log(1 - random.uniform()); time < 5.0; time -= std::log(1 - random.uniform())) ++count;
    const Rate rate = poisson_rate(count, 5.0);
    covered += rate.ci95[0] <= 1.0 && 1.0 <= rate.ci95[1];
  }
  EXPECT_GE(covered, 1900);
  EXPECT_LE(covered, 1985);
}

// Jumps in bursts: a burst at rate 1 of a geometric number of jumps (mean 3, variance 6), so that counts have the mean
// 3 t and the variance (9 + 6) t, five times that of a Poisson process. 600 runs of 100 cells of four time units:
// 95 % intervals cover within three standard errors (2.7 %) of 95 %, where exact Poisson intervals cover 62 %. Without
// bursts the dispersion is left at one in all but about 0.5 % of the runs.
TEST(JumpNetworkOfIons, IntervalsKnowAboutBursts) {
  FastRandom random(4);
  const auto poisson = [&](double mean) {
    int count = 0;
    for (double p = random.uniform(); p > std::exp(-mean); p *= random.uniform()) ++count;
    return count;
  };
  constexpr int runs = 600;
  int covered = 0, covered_plainly = 0, widened = 0;
  double dispersion = 0;
  for (int run = 0; run < runs; ++run) {
    std::vector<double> bursts(100, 0.0), single(100, 0.0);
    const std::vector<double> time(100, 4.0);
    double count = 0;
    for (std::size_t c = 0; c < 100; ++c) {
      for (int k = poisson(4.0); k > 0; --k) do
          bursts[c] += 1;
        while (random.uniform() < 2.0 / 3.0);
      single[c] = poisson(12.0), count += bursts[c];
    }
    dispersion += count_dispersion(bursts, time) / runs;
    widened += count_dispersion(single, time) > 1;
    const auto in = [&](double factor) {
      const Rate rate = poisson_rate(static_cast<long long>(count), 400, factor);
      return rate.ci95[0] <= 3.0 && 3.0 <= rate.ci95[1];
    };
    covered += in(count_dispersion(bursts, time)), covered_plainly += in(1.0);
  }
  EXPECT_NEAR(dispersion, 5.0, 0.15);
  EXPECT_NEAR(static_cast<double>(covered) / runs, 0.95, 0.027);
  EXPECT_LT(static_cast<double>(covered_plainly) / runs, 0.7);
  EXPECT_LE(widened, 12);
}

TEST(JumpNetworkOfIons, FewEventsTellNothingAboutBursts) {
  const std::vector<double> events{49, 0, 0, 0}, more{60, 0, 0, 0}, time{1, 1, 1, 1};
  EXPECT_EQ(count_dispersion(events, time), 1.0);
  EXPECT_NEAR(count_dispersion(more, time), 60.0, 1e-9);  // chi^2 = 45^2/15 + 3 * 15 = 180 of 3 degrees of freedom
}

// A walk along (1, 1, 0) and nothing else: the principal axis is found, and the tensor has its off-diagonal element.
TEST(Tensor, PrincipalAxesOfADiagonalConductor) {
  IonTracks tracks = testing::make_walk({.ions = 32, .frames = 2000, .noise = 0}, 3);
  FastRandom random(4);
  for (std::size_t i = 0; i < 32; ++i)
    for (std::size_t t = 0; t < 2000; ++t) {
      const double s = tracks.series[3 * i][t] / std::sqrt(2.0);
      tracks.series[3 * i][t] = s + 0.3 * random.normal(), tracks.series[3 * i + 1][t] = s + 0.3 * random.normal();
      tracks.series[3 * i + 2][t] = 0.3 * random.normal();
    }
  TransportOptions options = testing::walk_options();
  options.hop_length = 4;
  const TransportResult result = analyse_tracks({tracks}, options);
  ASSERT_TRUE(result.tracer.tensor && result.collective.tensor) << result.refused;
  const double d = testing::walk_diffusion;
  const DiffusionTensor& tracer = *result.tracer.tensor;
  EXPECT_NEAR(tracer.value[0][1], 0.5 * d, 4 * tracer.sd[0][1]);
  EXPECT_LT(tracer.sd[0][1], 0.1 * d);
  EXPECT_NEAR(tracer.value[0][2], 0, 4 * tracer.sd[0][2] + 1e-3 * d);
  EXPECT_NEAR(std::abs(dot(tracer.axes[0], (1 / std::sqrt(2.0)) * Vec3{1, 1, 0})), 1, 1e-3);
  EXPECT_NEAR(std::log(tracer.principal[0].value / d), 0, 4 * tracer.principal[0].log_sd());
  EXPECT_NEAR(result.collective.tensor->value[0][1], 0.5 * d, 4 * result.collective.tensor->sd[0][1]);
}

// Two species of charges +1 and -1 that share a common motion: sigma_ab are those of the generator.
TEST(Onsager, MatrixAndTransferenceOfTwoSpecies) {
  int covered = 0;
  double transference = 0;
  constexpr int runs = 40;
  for (std::uint64_t run = 0; run < runs; ++run) {
    IonTracks tracks = testing::make_walk({.ions = 40, .frames = 1500, .correlation = 0.02}, 70 + run);
    for (std::size_t i = 20; i < 40; ++i) {
      tracks.numbers[i] = 9;
      for (std::size_t k = 0; k < 3; ++k)
        for (double& x : tracks.series[3 * i + k]) x *= 0.5;  // F moves a quarter as fast
    }
    TransportOptions options = testing::walk_options();
    options.mobile = {"Li", "F"}, options.charges = {{"Li", 1}, {"F", -1}};
    options.hop_length = 5;
    const TransportResult result = analyse_tracks({tracks}, options);
    ASSERT_TRUE(result.onsager.has_value()) << result.refused;
    const OnsagerMatrix& m = *result.onsager;
    double sum = 0;
    for (const auto& row : m.sigma)
      for (const double value : row) sum += value;
    EXPECT_NEAR(sum / result.sigma.value, 1, 0.02);
    // Per step: S_LiLi = 20 + 380 rho, S_FF a quarter of it, S_LiF = -(1/2) 400 rho.
    const double li = 20 + 380 * 0.02, f = 0.25 * li, cross = -0.5 * 400 * 0.02;
    const double truth = (li + cross) / (li + f + 2 * cross);
    EXPECT_LT(std::abs(m.sigma[0][1] / result.sigma.value - cross / (li + f + 2 * cross)), 1.0);
    transference += m.species[0].transference / runs;
    covered += std::abs(m.species[0].transference - truth) < 1.96 * m.species[0].transference_sd;
    EXPECT_NEAR(m.species[0].transference + m.species[1].transference, 1, 1e-12);
    if (run == 0) {
      EXPECT_NEAR(std::log(m.species[1].tracer.value / (0.25 * testing::walk_diffusion)), 0,
                  4 * m.species[1].tracer.log_sd());
    }
  }
  const double li = 20 + 380 * 0.02, f = 0.25 * li, cross = -0.5 * 400 * 0.02;
  EXPECT_NEAR(transference, (li + cross) / (li + f + 2 * cross), 0.06);
  EXPECT_GE(covered, 33);  // 95 % of 40 is 38, three standard errors are 4.1
}

TEST(GreenKubo, FourierTransformOfASumOfWaves) {
  constexpr std::size_t n = 64;
  std::vector<double> x(2 * n, 0.0);
  for (std::size_t t = 0; t < n; ++t)
    x[2 * t] = 3 * std::cos(2 * std::numbers::pi * 5 * static_cast<double>(t) / n) + 1;
  fourier_transform(x);
  for (std::size_t k = 0; k < n; ++k) EXPECT_NEAR(x[2 * k], k == 0 ? 64 : k == 5 || k == 59 ? 96 : 0, 1e-10) << k;
}

// Langevin velocities: <v v> = exp(-g t), whose integral over all times is 2/g. 95 % intervals of 200 series.
TEST(GreenKubo, ZeroFrequencyOfLangevinVelocitiesIsCovered) {
  int covered = 0;
  double bias = 0;
  constexpr int runs = 200;
  constexpr double dt = 0.01, g = 5;  // ps, 1/ps
  for (std::uint64_t run = 0; run < runs; ++run) {
    FastRandom random(run);
    std::vector<std::array<std::vector<double>, 3>> current(1);
    const double keep = std::exp(-g * dt), kick = std::sqrt(1 - keep * keep);
    for (auto& axis : current[0]) {
      double v = random.normal();
      for (int t = 0; t < 8192; ++t) axis.push_back(v = keep * v + kick * random.normal());
    }
    const ZeroFrequency zero = zero_frequency(current, dt);
    ASSERT_EQ(zero.refused, "");
    // The sampled process has the integral dt (1 + keep) / (1 - keep).
    const double error = std::log(zero.value / (dt * (1 + keep) / (1 - keep)));
    bias += error / runs;
    covered += std::abs(error) < 1.96 * zero.log_sd;
    EXPECT_LT(zero.nyquist_ratio, 0.05);
  }
  EXPECT_GE(covered, 176);  // 95 % less what choosing the number of coefficients costs: at least 88 %
  EXPECT_NEAR(bias, 0, 0.03);
}

TEST(Plan, LengthsFollowFromTheOnsetAndTheActivationEnergy) {
  const Plan plan = make_plan({.temperatures = {600, 800},
                               .pilots = {{.temperature_K = 800, .d_cm2_per_s = 1e-5, .tau0_ps = 20}},
                               .activation_eV = 0.3,
                               .relative_error = 0.1,
                               .replicas = 2,
                               .ions = 100,
                               .ns_per_day = 2.0});
  ASSERT_EQ(plan.rows.size(), 2U);
  EXPECT_NEAR(plan.rows[0].total_ns, needed_run_ps(20, 0.1) / 1e3, 1e-12);
  EXPECT_NEAR(plan.rows[0].per_replica_ns, 0.5 * plan.rows[0].total_ns, 1e-12);
  EXPECT_NEAR(*plan.rows[0].days, 0.5 * plan.rows[0].total_ns, 1e-12);
  EXPECT_NEAR(*plan.rows[0].tracer_error, 0.01, 1e-12);
  const double slower = std::exp(0.3 / units::boltzmann * (1 / 600.0 - 1 / 800.0));
  EXPECT_NEAR(plan.rows[1].total_ns / plan.rows[0].total_ns, slower, 1e-9);
  EXPECT_GT(plan.rows[1].most_ns, plan.rows[1].total_ns);
  EXPECT_NE(plan_text(plan).find("800"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(plan_json(plan)).at("temperatures").size(), 2U);
}

TEST(Plan, TwoPilotsGiveTheActivationEnergyAndMissingValuesAreAskedFor) {
  const PlanPilot hot{.temperature_K = 1000, .d_cm2_per_s = 4e-5}, cold{.temperature_K = 700, .d_cm2_per_s = 1e-5};
  const Plan plan = make_plan({.temperatures = {500, 600, 700}, .pilots = {hot, cold}});
  EXPECT_TRUE(plan.activation_measured);
  EXPECT_NEAR(plan.activation_eV, std::log(4.0) * units::boltzmann / (1 / 700.0 - 1 / 1000.0), 1e-12);
  EXPECT_NEAR(plan.rows[0].tau0_ps, onset_from_diffusion_ps(1e-5, 3.0), 1e-9);
  EXPECT_NE(plan.advice.find("500 K"), std::string::npos);
  EXPECT_THROW(static_cast<void>(make_plan({.temperatures = {500, 700}, .pilots = {cold}})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_plan({.temperatures = {500}})), ConfigError);
  EXPECT_THROW(static_cast<void>(make_plan({.pilots = {cold}})), ConfigError);
  EXPECT_TRUE(
      make_plan({.temperatures = {700}, .pilots = {{.temperature_K = 700, .d_cm2_per_s = 1e-7, .is_bound = true}}})
          .at_least);
}

}  // namespace haven
