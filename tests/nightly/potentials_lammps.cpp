// T15 for a many-body potential: the program of Haven's evaluator against another program. Stillinger and Weber's
// silicon (Phys. Rev. B 31, 5262 (1985)) is a pair function and a product of two radial functions times
// (cos theta - cos theta_0)^2, which is a sum of terms of degree 2 with l = 0, 1, 2: exactly what the kernels run for
// every descriptor. LAMMPS has it in closed form (`pair_style sw`).
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "potentials/lowerings/descriptor_builder.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/structure_evaluation.hpp"
#include "support/file_bytes.hpp"
#include "support/lammps.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

constexpr double epsilon = 2.1683, sigma = 2.0951, a = 1.8, lambda = 21, gamma = 1.2, cosine = -1.0 / 3,
                 A = 7.049556277, B = 0.6022245584, cutoff = a * sigma;
constexpr double shortest = cutoff / 2;  // A: below it, where no atoms come, functions stay constant
constexpr const char* potential_file =
    "Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.333333333333333333 7.049556277 0.6022245584 4 0 0\n";

/// e^{strength/(r - r_c)} and its derivatives.
RadialValue ending(double strength, double r) {
  if (r >= cutoff) return {};
  const double u = 1 / (r - cutoff), e = std::exp(strength * u), slope = -strength * u * u;
  return {.value = e, .slope = slope * e, .curvature = (slope * slope + 2 * strength * u * u * u) * e};
}

RadialValue above_shortest(const RadialFunction& f, double r) {
  if (r >= shortest) return f(r);
  return {.value = f(shortest).value, .slope = 0, .curvature = 0};
}

RadialValue pair_energy(double r) {
  const double s4 = std::pow(sigma / r, 4), scale = A * epsilon;
  const RadialValue power{
      .value = scale * (B * s4 - 1), .slope = -4 * scale * B * s4 / r, .curvature = 20 * scale * B * s4 / (r * r)},
      end = ending(sigma, r);
  return {.value = power.value * end.value,
          .slope = power.slope * end.value + power.value * end.slope,
          .curvature = power.curvature * end.value + 2 * power.slope * end.slope + power.value * end.curvature};
}

Descriptor stillinger_weber() {
  const auto function = [](RadialFunction f) -> RadialFunction {
    return [f = std::move(f)](double r) { return above_shortest(f, r); };
  };
  DescriptorBuilder builder;
  const int pair = builder.add_channel(0, {{0, 1.0, function(pair_energy)}});
  const int leg = builder.add_channel(2, {{0, 1.0, function([](double r) { return ending(gamma * sigma, r); })}});
  const int self = builder.add_channel(0, {{0, 1.0, function([](double r) { return ending(2 * gamma * sigma, r); })}});
  // (c - c0)^2 = (1/3 + c0^2) P_0 - 2 c0 P_1 + 2/3 P_2; the double sum has each pair twice and j = k once.
  const double triplet = 0.5 * lambda * epsilon;
  const auto degree_two = [&](int l) {
    return builder.term({.degree = 2, .channel = leg, .other_channel = leg, .l = l});
  };
  builder.add_feature({{builder.term({.degree = 1, .channel = pair, .other_channel = 0, .l = 0}), 0.5},
                       {degree_two(0), triplet * (1.0 / 3 + cosine * cosine)},
                       {degree_two(1), -2 * triplet * cosine},
                       {degree_two(2), triplet * 2.0 / 3},
                       {builder.term({.degree = 1, .channel = self, .other_channel = 0, .l = 0}),
                        -triplet * (1 - cosine) * (1 - cosine)}});
  Descriptor descriptor{.cutoff = cutoff, .mixing_is_trainable = false, .centres = {builder.build()}};
  descriptor.breaks = {shortest};
  descriptor.double_table_tolerance = 3e-13;
  return descriptor;
}

Model silicon() {
  Model model{
      .kind = "n2p2", .cutoff = cutoff, .repulsion = "none", .elements = {}, .parameters = {}, .provenance = {}};
  ModelElement element;
  element.number = 14;
  element.mass = 28.0855;
  element.feature_shift = {0.0};
  element.feature_scale = {1.0};
  element.network.layers = {
      {.inputs = 1, .outputs = 1, .activation = Activation::identity, .weights = {1.0}, .bias = {0.0}}};
  model.elements.push_back(element);
  return model;
}

/// Diamond cells, deformed and disturbed.
Structure silicon_in(const Mat3& deformation, int n, double amplitude) {
  constexpr double lattice = 5.431;
  Structure s{.cell = Cell((lattice * n) * deformation), .numbers = {}, .positions = {}};
  for (int k = 0; k < 8 * n * n * n; ++k) {
    const int corner = k % 8, cell = k / 8, face = corner % 4;
    const double quarter = corner < 4 ? 0 : 0.25;
    const Vec3 at{cell % n + quarter + (face == 1 || face == 2 ? 0.5 : 0),
                  cell / n % n + quarter + (face == 1 || face == 3 ? 0.5 : 0),
                  cell / (n * n) + quarter + (face == 2 || face == 3 ? 0.5 : 0)};
    s.numbers.push_back(14);
    const double phase = k;
    s.positions.push_back(s.cell.to_cartesian((1.0 / n) * at) +
                          amplitude * Vec3{std::sin(1 + 2.3 * phase), std::sin(2 + 1.7 * phase), std::sin(3 + phase)});
  }
  return s;
}

LammpsResult run_lammps(const Structure& structure, const TemporaryFolder& folder) {
  std::ofstream(folder.file("si.sw")) << potential_file;
  std::ofstream(folder.file("data")) << lammps_data(structure, 28.0855);
  std::ofstream(folder.file("in"))
      << "units metal\natom_style atomic\nbox tilt large\nread_data data\npair_style sw\npair_coeff * * si.sw Si\n"
      << single_point_commands;
  const ProgramResult ran = run_program({lammps_program, "-in", "in", "-log", "log"}, folder.path().string());
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  return single_point(bytes_of(folder.file("log")), bytes_of(folder.file("dump")), structure.positions.size());
}

// In a cubic, a triclinic and a small cell (lower than twice the cut-off), on every instruction set.
TEST(ManyBodyPotential, GivesTheEnergyForcesAndPressureOfLammps) {
  if (!std::filesystem::exists(lammps_program)) GTEST_SKIP() << "no LAMMPS here";
  const Mat3 cube = Mat3::identity(), sheared{{{{1, 0, 0}, {0.12, 0.95, 0}, {-0.1, 0.08, 1.04}}}};
  const Descriptor descriptor = stillinger_weber();
  const Model model = silicon();
  for (const Structure& structure :
       {silicon_in(cube, 2, 0.1), silicon_in(sheared, 2, 0.08), silicon_in(sheared, 1, 0.08)}) {
    SCOPED_TRACE(structure.size());
    const TemporaryFolder folder;
    const LammpsResult expected = run_lammps(structure, folder);
    EXPECT_GT(largest_component(expected.forces), 0.5);
    for (const Isa isa : available_isas()) {
      SCOPED_TRACE(isa_name(isa));
      const auto potential = make_vectorised_potential(descriptor, model, Precision::float64, isa);
      expect_the_same(evaluate_structure(*potential, structure), expected);
    }
  }
}

}  // namespace
}  // namespace haven::testing
