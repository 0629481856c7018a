#include "support/every_potential.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "potentials/program/drivers/cpu_simd.hpp"
#include "potentials/registry.hpp"
#include "support/imported_models.hpp"

namespace haven::testing {
namespace {

PotentialCase lennard_jones_case(const std::string& name, const std::vector<int>& elements) {
  const auto n = elements.size();
  std::vector<LennardJonesPair> pairs;
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b)
      pairs.push_back(
          {.epsilon = 0.05 + 0.01 * static_cast<double>(a + b), .sigma = 2.0 + 0.1 * static_cast<double>(a + b)});
  const LennardJonesOptions options{.elements = elements, .pairs = pairs, .cutoff = 5.0, .switch_start = 4.0};
  return {.name = name,
          .elements = elements,
          .make = [options] { return make_lennard_jones(options); },
          .model = {},
          .lennard_jones = options};
}

PotentialCase model_case(const std::string& name, const std::vector<int>& elements,
                         const std::function<Model()>& model) {
  return {.name = name,
          .elements = elements,
          .make = [model] { return make_potential(model(), Precision::float64); },
          .model = model};
}

PotentialCase model_case(const std::string& name, const RandomModel& options) {
  PotentialCase made = model_case(name, options.elements, [options] { return random_model(options); });
  made.wall_range = options.wall_range;
  return made;
}

PotentialCase with_kink(PotentialCase c) {
  c.kink = 0.5;
  return c;
}

std::vector<PotentialCase> make_cases() {
  const std::vector<int> four{3, 15, 16, 17};
  std::vector<PotentialCase> all{lennard_jones_case("lennard_jones_1", {18}),
                                 lennard_jones_case("lennard_jones_4", four)};
  for (const char* kind : {"moment", "behler-parrinello", "chebyshev"}) {
    const std::string name = kind == std::string("behler-parrinello") ? "behler_parrinello" : kind;
    all.push_back(model_case(name + "_1", {.kind = kind, .elements = {3}, .activation = Activation::silu, .seed = 1}));
    all.push_back(model_case(name + "_4", {.kind = kind, .elements = four, .activation = Activation::tanh, .seed = 2}));
  }
  all.push_back(model_case("moment_standard_2",
                           {.preset = "standard", .elements = {3, 8}, .activation = Activation::softplus, .seed = 3}));
  all.push_back(model_case("moment_accurate_1", {.preset = "accurate", .activation = Activation::gelu, .seed = 1}));
  all.push_back(model_case("deeppot_se_2", {.kind = "deeppot-se", .elements = {3, 16}, .seed = 1}));
  all.push_back(model_case("deeppot_se_r_1", {.kind = "deeppot-se-r", .seed = 2}));
  // The made-up structures have pairs from 1.8 A on: some are inside the wall.
  all.push_back(model_case("moment_zbl_2", {.elements = {3, 16}, .seed = 2, .wall_range = 2.6}));
  all.push_back(model_case("n2p2_2", {3, 8}, made_up_n2p2));
  all.push_back(model_case("n2p2_compact_2", {3, 8}, made_up_n2p2_compact));
  all.push_back(with_kink(model_case("nep_2", {3, 8}, made_up_nep)));
  all.push_back(with_kink(model_case("nep_zbl_2", {3, 8}, made_up_nep_zbl)));
  all.push_back(with_kink(model_case("aenet_2", {3, 8}, made_up_aenet)));
  all.push_back(model_case("pair_table_2", {3, 8}, made_up_pair_table));
  return all;
}

Evaluator vectorised_evaluator(const Model& model, Precision precision, Isa isa) {
  return {.name = isa_name(isa),
          .potential = make_vectorised_potential(model, precision, isa),
          .radial = reference::RadialSource::tables};
}

}  // namespace

const std::vector<PotentialCase>& every_potential() {
  static const std::vector<PotentialCase> cases = make_cases();
  return cases;
}

std::vector<PotentialCase> potentials_of_gpus() {
  std::vector<PotentialCase> cases;
  for (const PotentialCase& c : every_potential())
    if (c.model && !has_third_sides(c)) cases.push_back(c);
  return cases;
}

std::vector<PotentialCase> potentials_with_third_sides() {
  std::vector<PotentialCase> cases;
  for (const PotentialCase& c : every_potential())
    if (has_third_sides(c)) cases.push_back(c);
  cases.push_back(model_case("n2p2_narrow_2", {3, 8}, made_up_n2p2_narrow));
  return cases;
}

bool has_third_sides(const PotentialCase& c) {
  if (!c.model) return false;
  const Descriptor descriptor = describe(c.model());
  return std::any_of(descriptor.centres.begin(), descriptor.centres.end(),
                     [](const CentreDescriptor& centre) { return !centre.triplets.empty(); });
}

std::vector<FormChange> form_changes(const PotentialCase& c, double cutoff) {
  std::vector<FormChange> changes;
  const auto add = [&](double radius, double kink) {
    // Below distances that structures have, potentials are steep: up to 2,000 eV/A^3.
    changes.push_back({.radius = radius, .kink = kink, .bound = radius < 1.5 ? 2e-9 : 1e-10});
  };
  add(cutoff, c.kink);
  if (c.lennard_jones) add(c.lennard_jones->switch_start, 0);
  if (c.wall_range > 0) add(c.wall_range, 0), add(0.5 * c.wall_range, 0);
  if (!c.model) return changes;
  const Descriptor descriptor = describe(c.model());
  for (const double radius : descriptor.breaks) add(radius, c.kink);
  // A cosine begins and ends with half its squared wave number for a curvature, times the repulsion there.
  for (const PairRepulsion& pair : descriptor.repulsion) {
    const double wave = std::numbers::pi / (pair.outer - pair.inner);
    for (const double radius : {pair.inner, pair.outer}) {
      double full = 0;
      for (int k = 0; k < 4; ++k)
        full += pair.strength / radius * pair.amplitude[k] * std::exp(-pair.decay[k] * radius);
      changes.push_back({.radius = radius, .kink = c.kink + 0.5 * wave * wave * full, .bound = 1e-9});
    }
  }
  return changes;
}

Structure structure_for(const PotentialCase& c, std::uint64_t seed, int atoms) {
  return random_structure({.atoms = atoms, .elements = c.elements, .seed = seed});
}

std::vector<Evaluator> double_evaluators(const PotentialCase& c) {
  std::vector<Evaluator> all;
  if (!c.model) {
    all.push_back({.name = "scalar", .potential = c.make()});
    return all;
  }
  const Model model = c.model();
  all.push_back({.name = "scalar", .potential = reference::make_reference_potential(model)});
  for (const Isa isa : available_isas()) all.push_back(vectorised_evaluator(model, Precision::float64, isa));
  return all;
}

std::vector<Evaluator> mixed_evaluators(const PotentialCase& c) {
  std::vector<Evaluator> all;
  if (!c.model) return all;
  const Model model = c.model();
  for (const Isa isa : available_isas()) all.push_back(vectorised_evaluator(model, Precision::mixed, isa));
  return all;
}

}  // namespace haven::testing
