#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"
#include "md/drift_fit.hpp"
#include "md/observables.hpp"
#include "md/replicas.hpp"
#include "md/velocities.hpp"
#include "support/md_fixtures.hpp"

namespace haven::testing {
namespace {

AtomTable table_of(Index n, Index frozen = 0) {
  AtomTable table;
  for (Index i = 0; i < n; ++i) {
    table.numbers.push_back(18);
    table.species.push_back(0);
    table.masses.push_back(10.0 + static_cast<double>(i % 3));
    table.acceleration.push_back(i < frozen ? 0.0 : units::force_to_acceleration / table.masses.back());
    table.reference.emplace_back();
  }
  table.frozen = frozen;
  return table;
}

double temperature(const AtomTable& table, const std::vector<Vec3>& velocities) {
  double kinetic = 0;
  for (std::size_t i = 0; i < velocities.size(); ++i)
    kinetic += 0.5 * units::kinetic_to_ev * table.masses[i] * norm2(velocities[i]);
  return temperature_of(kinetic, degrees_of_freedom(table.size(), table.frozen));
}

Vec3 momentum(const AtomTable& table, const std::vector<Vec3>& velocities) {
  Vec3 sum;
  for (std::size_t i = 0; i < velocities.size(); ++i) sum += table.masses[i] * velocities[i];
  return sum;
}

}  // namespace

TEST(DegreesOfFreedom, ThreePerFreeAtomLessTheCentreOfMass) {
  EXPECT_EQ(degrees_of_freedom(108, 0), 321);
  EXPECT_EQ(degrees_of_freedom(2, 0), 3);
  EXPECT_EQ(degrees_of_freedom(1, 0), 0);
  EXPECT_EQ(degrees_of_freedom(108, 8), 300);  // frozen atoms hold the momentum: no centre of mass to take out
  EXPECT_EQ(degrees_of_freedom(2, 2), 0);
  EXPECT_EQ(temperature_of(0, 0), 0);
}

TEST(ThermalVelocities, TemperatureIsExactAndNothingDrifts) {
  for (const Index n : {2, 3, 500}) {
    const AtomTable table = table_of(n);
    const auto velocities = thermal_velocities(table, 345, 11);
    EXPECT_NEAR(temperature(table, velocities), 345, 345 * 1e-14 * std::sqrt(static_cast<double>(n)));
    EXPECT_LT(norm(momentum(table, velocities)), 1e-15 * static_cast<double>(n));
  }
}

TEST(ThermalVelocities, FrozenAtomsRestAndTheOthersHaveTheTemperature) {
  const AtomTable table = table_of(60, 20);
  const auto velocities = thermal_velocities(table, 345, 11);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(velocities[i], Vec3{});
  EXPECT_NEAR(temperature(table, velocities), 345, 1e-11);
}

TEST(ThermalVelocities, NoneForALoneAtomOrAtZeroTemperature) {
  EXPECT_EQ(thermal_velocities(table_of(1), 300, 1).front(), Vec3{});
  for (const Vec3& v : thermal_velocities(table_of(5), 0, 1)) EXPECT_EQ(v, Vec3{});
}

TEST(ThermalVelocities, AreAFunctionOfSeedAndId) {
  const AtomTable table = table_of(50);
  EXPECT_EQ(thermal_velocities(table, 300, 1), thermal_velocities(table, 300, 1));
  EXPECT_NE(thermal_velocities(table, 300, 1), thermal_velocities(table, 300, 2));
}

TEST(ThermalVelocities, EachElementHasItsShare) {
  // Equipartition: <m v^2> = 3 kT per atom for each mass, here 1/3 of 30,000 atoms each: relative error sqrt(2/(3 *
  // 10^4)).
  const AtomTable table = table_of(30000);
  const auto velocities = thermal_velocities(table, 300, 5);
  for (std::size_t element = 0; element < 3; ++element) {
    double sum = 0;
    for (std::size_t i = element; i < velocities.size(); i += 3)
      sum += table.masses[i] * norm2(velocities[i]) * units::kinetic_to_ev;
    EXPECT_NEAR(sum / 10000 / (3 * units::boltzmann * 300), 1, 3 * std::sqrt(2.0 / 30000));
  }
}

TEST(DriftFit, FindsTheSlopeAndItsErrorAndSurvivesARestart) {
  DriftFit fit;
  for (int k = 0; k < 10; ++k) fit.add(5.0 + k, 100 + 0.25 * k + (k % 2 == 0 ? 0.1 : -0.1));
  DriftFit copy;
  copy.restore(fit.state());
  EXPECT_EQ(copy.slope(), fit.slope());
  EXPECT_NEAR(fit.slope(), 0.25 - 0.1 * 5 / 82.5, 1e-12);  // the alternating part's own least-squares slope
  EXPECT_NEAR(fit.slope_error(), 0.012, 0.001);            // sqrt(residual / 8 / 82.5)
  EXPECT_EQ(DriftFit{}.slope(), 0);
  EXPECT_THROW(copy.restore({1, 2}), InputError);
}

/// What mixed precision does to a conserved energy: a random walk is no drift, however far it gets; a drift inside it
/// is.
TEST(TrendTest, TellsADriftFromARandomWalk) {
  int walks = 0, drifts = 0, noises = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    RandomSequence random(seed, Stream::test, 5);
    TrendTest walk, drift, noise;
    double position = 0;
    for (int k = 0; k < 1000; ++k) {
      position += random.normal();
      walk.add(position);
      drift.add(position + 0.5 * k);
      noise.add(random.normal());
    }
    walks += std::abs(walk.significance()) > 5 ? 1 : 0;
    drifts += drift.significance() > 5 ? 1 : 0;
    noises += std::abs(noise.significance()) > 5 ? 1 : 0;
  }
  EXPECT_LE(walks, 2);  // of 1000; a Student's t of at least 15 degrees of freedom exceeds 5 once in 6000
  EXPECT_EQ(noises, 0);
  EXPECT_GE(drifts, 990);  // half a step's noise per step: after 1000 steps 16 times the width of the walk
}

TEST(TrendTest, SurvivesARestart) {
  TrendTest whole, part;
  for (int k = 0; k < 333; ++k) {
    const double value = 0.01 * k + std::sin(0.7 * k);
    whole.add(value), part.add(value);
    if (k % 50 != 49) continue;
    TrendTest next;
    next.restore(part.state());
    part = next;
  }
  EXPECT_EQ(part.significance(), whole.significance());
  EXPECT_GT(whole.significance(), 3);
  EXPECT_THROW(part.restore({1, 2}), InputError);
}

TEST(Ladder, JobsKeepTheirSeedsWhenTemperaturesAreAdded) {
  const auto few = ladder_jobs({.temperatures = {600, 800}, .replicas = 2, .order = LadderOrder::as_given, .seed = 3});
  const auto more =
      ladder_jobs({.temperatures = {700, 600, 800}, .replicas = 3, .order = LadderOrder::descending, .seed = 3});
  std::set<std::uint64_t> seeds;
  for (const auto& job : more) seeds.insert(job.seed);
  EXPECT_EQ(seeds.size(), 9u);
  for (const auto& job : few) EXPECT_EQ(seeds.count(job.seed), 1u);
  EXPECT_EQ(more.front().temperature, 800);
  EXPECT_EQ(more.back().temperature, 600);
}

TEST(Ladder, RefusesNoRepeatedAndNegativeTemperatures) {
  EXPECT_THROW((void)ladder_jobs({.temperatures = {}}), ConfigError);
  EXPECT_THROW((void)ladder_jobs({.temperatures = {300, 300}}), ConfigError);
  EXPECT_THROW((void)ladder_jobs({.temperatures = {-300}}), ConfigError);
  EXPECT_THROW((void)ladder_jobs({.temperatures = {300}, .replicas = 0}), ConfigError);
}

TEST(Ladder, GroupsFillTheRanks) {
  EXPECT_EQ(choose_group_count(1, 12), 1);
  EXPECT_EQ(choose_group_count(12, 12), 12);
  EXPECT_EQ(choose_group_count(64, 12), 12);
  EXPECT_EQ(choose_group_count(4, 5), 1);  // four groups of one rank would need two rounds for five jobs
  EXPECT_EQ(choose_group_count(4, 400), 4);
}

TEST(Ladder, StagesTakeTheTemperatureAndRampsEndThere) {
  auto ramp = nvt_stage(300, 100, 1000);
  ramp.temperature = {50, 300};
  const auto stages = stages_at({ramp, nvt_stage(300, 100, 1000)}, 700);
  EXPECT_EQ(stages[0].temperature.start, 50);
  EXPECT_EQ(stages[0].temperature.end, 700);
  EXPECT_EQ(stages[1].temperature.start, 700);
  EXPECT_EQ(stages[1].temperature.end, 700);
}

TEST(Options, RefusesWhatCannotRun) {
  const auto refused = [](auto change) {
    MdOptions options = options_for({nvt_stage(300, 100, 1000)});
    change(options);
    EXPECT_THROW(validate(options), ConfigError);
  };
  refused([](MdOptions& o) { o.timestep_fs = 0; });
  refused([](MdOptions& o) { o.timestep_fs = std::nan(""); });
  refused([](MdOptions& o) { o.stages.clear(); });
  refused([](MdOptions& o) { o.skin = -1; });
  refused([](MdOptions& o) { o.thermo_interval = 0; });
  refused([](MdOptions& o) { o.stages[0].duration_fs = 0.1; });
  refused([](MdOptions& o) { o.stages[0].tau_fs = 0; });
  refused([](MdOptions& o) { o.stages[0].temperature = {-1, 300}; });
  refused([](MdOptions& o) { o.stages[0].temperature = {100, 300}, o.stages[0].transport = true; });
  EXPECT_NO_THROW(validate(options_for({nvt_stage(300, 100, 1000)})));
}

}  // namespace haven::testing
