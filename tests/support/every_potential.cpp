#include "support/every_potential.hpp"

#include "potentials/pair/lennard_jones.hpp"
#include "potentials/registry.hpp"

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
  return {.name = name, .elements = elements, .make = [options] { return make_lennard_jones(options); }, .model = {}};
}

PotentialCase model_case(const std::string& name, const RandomModel& options) {
  return {.name = name,
          .elements = options.elements,
          .make = [options] { return make_potential(random_model(options), Precision::float64); },
          .model = options};
}

}  // namespace

const std::vector<PotentialCase>& every_potential() {
  static const std::vector<PotentialCase> cases = [] {
    const std::vector<int> four{3, 15, 16, 17};
    std::vector<PotentialCase> all{lennard_jones_case("lennard_jones_1", {18}),
                                   lennard_jones_case("lennard_jones_4", four)};
    for (const char* kind : {"moment", "behler-parrinello", "chebyshev"}) {
      const std::string name = kind == std::string("behler-parrinello") ? "behler_parrinello" : kind;
      all.push_back(
          model_case(name + "_1", {.kind = kind, .elements = {3}, .activation = Activation::silu, .seed = 1}));
      all.push_back(
          model_case(name + "_4", {.kind = kind, .elements = four, .activation = Activation::tanh, .seed = 2}));
    }
    all.push_back(
        model_case("moment_standard_2",
                   {.preset = "standard", .elements = {3, 8}, .activation = Activation::softplus, .seed = 3}));
    all.push_back(model_case("moment_accurate_1", {.preset = "accurate", .activation = Activation::gelu, .seed = 1}));
    return all;
  }();
  return cases;
}

Structure structure_for(const PotentialCase& c, std::uint64_t seed, int atoms) {
  return random_structure({.atoms = atoms, .elements = c.elements, .seed = seed});
}

}  // namespace haven::testing
