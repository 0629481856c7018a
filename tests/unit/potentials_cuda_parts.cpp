// The parts of the CUDA backend that need no GPU, and what its emulation promises: no order of lanes, warps, blocks or
// atoms changes a bit.
#include <gtest/gtest.h>

#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/drivers/cuda_emulation.hpp"
#include "potentials/program/drivers/cuda_evaluator.hpp"
#include "potentials/program/drivers/cuda_potential.hpp"
#include "potentials/program/drivers/cuda_totals.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/every_potential.hpp"

namespace haven::testing {
namespace {

void expect_same_bits(const FullEvaluation& a, const FullEvaluation& b) {
  EXPECT_EQ(a.fixed_forces, b.fixed_forces);
  EXPECT_EQ(a.fixed_energy, b.fixed_energy);
  EXPECT_EQ(a.fixed_virial, b.fixed_virial);
  EXPECT_EQ(a.atom_energies, b.atom_energies);
  EXPECT_EQ(a.atom_virials, b.atom_virials);
  EXPECT_EQ(a.extrapolating, b.extrapolating);
  EXPECT_EQ(a.extrapolates, b.extrapolates);
}

class CudaEmulation : public ::testing::TestWithParam<PotentialCase> {
 protected:
  void SetUp() override { model_ = random_model(*GetParam().model); }
  [[nodiscard]] FullEvaluation evaluate(Precision precision, const gpu::EmulationOptions& options,
                                        const Structure& s) const {
    return evaluate_all(*gpu::make_emulated_potential(model_, precision, options), s);
  }
  [[nodiscard]] const Model& model() const { return model_; }

 private:
  Model model_;
};

// A lane that read what another lane writes in the same phase would see other values in another order.
TEST_P(CudaEmulation, OrderOfLanesDoesNotChangeABit) {
  const Structure s = structure_for(GetParam(), 51, 10);
  const auto plain = evaluate(Precision::mixed, {}, s);
  for (const auto order : {gpu::HostWarp::Order::descending, gpu::HostWarp::Order::shuffled})
    expect_same_bits(plain, evaluate(Precision::mixed, {.lanes = order}, s));
}

TEST_P(CudaEmulation, NumberOfWarpsAndBlocksDoesNotChangeABit) {
  const Structure s = structure_for(GetParam(), 52, 10);
  const auto plain = evaluate(Precision::mixed, {}, s);
  expect_same_bits(plain, evaluate(Precision::mixed, {.warps_per_block = 1, .blocks = 1}, s));
  expect_same_bits(plain, evaluate(Precision::mixed, {.warps_per_block = 2, .blocks = 17}, s));
}

// Moments beyond the program's l_max do not exist, so the kernel for any l_max does the same arithmetic.
TEST_P(CudaEmulation, GeneralKernelGivesTheSameBits) {
  const Structure s = structure_for(GetParam(), 53, 8);
  for (const Precision precision : {Precision::mixed, Precision::float64})
    expect_same_bits(evaluate(precision, {}, s),
                     evaluate(precision, {.kernel = gpu::EmulationOptions::Kernel::general}, s));
}

// Atoms stored in another order keep their identities; lists are sorted by them.
TEST_P(CudaEmulation, OrderOfAtomsInMemoryDoesNotChangeABit) {
  const Structure s = structure_for(GetParam(), 54, 12);
  const auto potential = gpu::make_emulated_potential(model(), Precision::mixed);
  const auto n = static_cast<std::size_t>(s.size());
  const std::vector<int> species = species_indices(s.numbers, potential->requirements().elements);
  const auto evaluate_ordered = [&](const std::vector<std::size_t>& order) {
    std::vector<Vec3> positions;
    std::vector<AtomId> ids;
    std::vector<int> kinds;
    for (const std::size_t k : order) {
      positions.push_back(s.positions[k]);
      ids.push_back(static_cast<AtomId>(k));
      kinds.push_back(species[k]);
    }
    const LocalAtoms atoms{.positions = positions, .ids = ids, .species = kinds, .n_centres = s.size()};
    NeighbourList list;
    list.build(s.cell, atoms, potential->requirements().cutoff + 0.5);
    std::vector<FixedVec3> forces(n), by_id(n);
    Evaluation out{.forces = forces, .energy = {}, .virial = {}, .atom_energies = {}, .atom_virials = {}};
    potential->evaluate(atoms, list.view(), Wanted::virial, out);
    for (std::size_t k = 0; k < n; ++k) by_id[order[k]] = forces[k];
    return std::tuple(by_id, out.energy, out.virial);
  };
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto plain = evaluate_ordered(order);
  std::reverse(order.begin(), order.end());
  EXPECT_EQ(plain, evaluate_ordered(order));
  std::rotate(order.begin(), order.begin() + 5, order.end());
  EXPECT_EQ(plain, evaluate_ordered(order));
}

std::vector<PotentialCase> models_only() {
  std::vector<PotentialCase> cases;
  for (const PotentialCase& c : every_potential())
    if (c.model) cases.push_back(c);
  return cases;
}
INSTANTIATE_TEST_SUITE_P(All, CudaEmulation, ::testing::ValuesIn(models_only()),
                         [](const auto& test) { return test.param.name; });

// The limbs of the device's sums are those of the CPU's 128-bit integers, whatever the sign and size.
TEST(CudaTotals, LimbsAddUpToTheFixedSum) {
  RandomSequence random(7, Stream::test, 3);
  const gpu::HostWarp warp(gpu::HostWarp::Order::shuffled);
  for (const double scale : {1e-9, 1.0, 3e4, 1e12, 1e17}) {
    std::vector<double> values;
    for (int k = 0; k < 777; ++k) values.push_back(scale * (random.normal() - 0.3));
    FixedSum expected;
    for (const double value : values) expected.add(value);
    gpu::WideSum sum;
    const auto n = static_cast<Index>(values.size());
    for (Index first : {0, 32, 64})
      gpu::total(warp, first, 96, n, sum, [&](Index i) { return values[static_cast<std::size_t>(i)]; });
    __int128 whole = 0;
    for (int k = 2; k >= 0; --k) whole = whole * (__int128{1} << 32) + sum.limb[k];
    FixedSum got;
    got.add_multiples(whole);
    EXPECT_EQ(got, expected) << scale;
  }
}

TEST(CudaScratch, HoldsTwoDozenWarpsOfTheStandardModelOnAMultiprocessor) {
  const Model model = random_model({.preset = "standard", .elements = {3, 15, 16, 17}, .cutoff = 6.0, .hidden = 32});
  const auto image = gpu::make_image<float>(compile(describe(model), model, 1e-7));
  // 227 kB of shared memory can be used on an sm_90 multiprocessor.
  EXPECT_GE(227 * 1024 / gpu::make_layout<float>(image.needs).bytes, 16);
}

TEST(NeighbourListBuild, ViewsOfOneBuildAreKnownAndOtherBuildsAreNot) {
  const Structure s = random_structure({.atoms = 4, .seed = 3});
  const std::vector<AtomId> ids{0, 1, 2, 3};
  const std::vector<int> species(4, 0);
  const LocalAtoms atoms{.positions = s.positions, .ids = ids, .species = species, .n_centres = 4};
  NeighbourList list, other;
  list.build(s.cell, atoms, 3.0);
  other.build(s.cell, atoms, 3.0);
  const auto first = list.view().build;
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(first, list.view().build);
  EXPECT_NE(first, other.view().build);
  list.build(s.cell, atoms, 3.0);
  EXPECT_NE(first, list.view().build);
}

// The same list must be used again only for the same list: the potential is asked about two structures in turn.
TEST(CudaLists, OfAlternatingStructuresAreToldApart) {
  const Model model = random_model({.elements = {3}});
  const auto potential = gpu::make_emulated_potential(model, Precision::mixed);
  const Structure a = random_structure({.atoms = 8, .seed = 5}), b = random_structure({.atoms = 8, .seed = 6});
  const auto first_a = evaluate_all(*potential, a), first_b = evaluate_all(*potential, b);
  expect_same_bits(first_a, evaluate_all(*potential, a));
  expect_same_bits(first_b, evaluate_all(*potential, b));
}

TEST(CudaPotential, BuildWithoutCudaRefusesWithWhatToDo) {
  if (built_with_cuda()) GTEST_SKIP() << "skipped: this build has CUDA";
  const Model model = random_model({});
  try {
    static_cast<void>(make_cuda_potential(model, Precision::mixed));
    FAIL() << "must throw";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
    EXPECT_NE(error.remedy().find("cpu"), std::string::npos);
  }
  EXPECT_THROW(static_cast<void>(cuda_device_of(0)), ConfigError);
  EXPECT_EQ(cuda_device_count(), 0);
  EXPECT_FALSE(cuda_obstacle().empty());
}

TEST(CudaPotential, MachineWithoutAGpuRefusesWithExitCode6) {
  if (!built_with_cuda() || cuda_device_count() > 0) GTEST_SKIP() << "skipped: needs a build with CUDA and no GPU";
  const Model model = random_model({});
  try {
    static_cast<void>(make_cuda_potential(model, Precision::mixed));
    FAIL() << "must throw";
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::resource);
    EXPECT_FALSE(error.summary().empty() || error.where().empty() || error.remedy().empty());
  }
  EXPECT_THROW(static_cast<void>(cuda_device_of(0)), DeviceError);
}

TEST(CudaPotential, RanksOfANodeTakeDevicesInTurn) {
  const int count = cuda_device_count();
  if (count == 0) GTEST_SKIP() << "skipped: no CUDA device (" << cuda_obstacle() << ")";
  for (int rank = 0; rank < 2 * count; ++rank) EXPECT_EQ(cuda_device_of(rank), rank % count);
}

TEST(CudaPotential, UnknownDeviceIsRefused) {
  if (!built_with_cuda()) GTEST_SKIP() << "skipped: this build has no CUDA";
  EXPECT_THROW(static_cast<void>(make_cuda_potential(random_model({}), Precision::mixed, {.device = 4096})),
               DeviceError);
}

}  // namespace
}  // namespace haven::testing
