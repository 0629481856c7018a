#include "support/imported_models.hpp"

#include <cmath>
#include <iterator>
#include <span>
#include <string>
#include <tuple>

#include "core/rng.hpp"
#include "potentials/lowerings/pair_table.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

constexpr double cutoff = 5.0;
constexpr int cutoff_type_fifth_degree = 6, cutoff_type_cosine = 1;

Model empty_model(const std::string& kind) {
  Model model{.kind = kind,
              .cutoff = cutoff,
              .minimum_distance = 0,
              .repulsion = "none",
              .elements = {},
              .parameters = {},
              .provenance = {}};
  for (const int number : {3, 8}) {
    ModelElement element;
    element.number = number;
    element.mass = 2 * number;
    model.elements.push_back(element);
  }
  return model;
}

Array list_of(const std::vector<double>& values) {
  return {.shape = {static_cast<Index>(values.size())}, .values = values};
}

/// The same functions for both elements as centres: rows of the centre's number and a function.
Array of_both_elements(std::span<const double[8]> rows) {
  Array functions{.shape = {0, 9}, .values = {}};
  for (const double centre : {0.0, 1.0})
    for (const auto& row : rows) {
      functions.values.push_back(centre);
      functions.values.insert(functions.values.end(), std::begin(row), std::end(row));
      ++functions.shape[0];
    }
  return functions;
}

Model with_networks(Model model, std::uint64_t seed) {
  return with_random_networks(std::move(model), {.elements = {3, 8}, .cutoff = cutoff, .hidden = 10, .seed = seed});
}

}  // namespace

Model made_up_n2p2() {
  // type, two neighbours, eta, r_s, lambda, zeta, cut-off
  constexpr double rows[][8] = {
      {2, 0, 0, 0.3, 0.0, 1, 1, 5.0},  {2, 1, 0, 0.9, 2.1, 1, 1, 5.0},   {2, 1, 0, 0.4, 0.0, 1, 1, 4.2},
      {3, 0, 0, 0.05, 0.0, 1, 1, 5.0}, {3, 0, 1, 0.05, 0.0, -1, 4, 5.0}, {3, 1, 1, 0.08, 0.3, 1, 2.5, 4.2},
      {9, 0, 0, 0.05, 0.0, 1, 3, 5.0}, {9, 0, 1, 0.05, 0.0, -1, 6, 5.0}, {9, 1, 1, 0.02, 0.4, 0.5, 2, 4.2},
      {12, 0, 0, 0.1, 0.5, 1, 1, 5.0}, {13, 0, 0, 0.04, 0.2, 1, 2, 5.0}};
  Model model = empty_model("n2p2");
  model.parameters = {{"cutoff_type", list_of({cutoff_type_fifth_degree})},
                      {"cutoff_alpha", list_of({0.0})},
                      {"functions", of_both_elements(rows)}};
  return with_networks(std::move(model), 4);
}

Model made_up_n2p2_compact() {
  // type, two neighbours, r_l, r_c, angles, core
  constexpr double rows[][8] = {{20, 0, 0, -5.0, 5.0, 0, 0, 2},     {20, 1, 0, 0.5, 4.5, 0, 0, 12},
                                {20, 1, 0, -1.0, 5.0, 0, 0, 5},     {21, 0, 1, 0.0, 5.0, 0, 120, 2},
                                {22, 0, 1, -5.0, 5.0, -90, 90, 12}, {23, 0, 0, 0.0, 5.0, 0, 0, 13},
                                {25, 0, 0, 0.5, 4.5, 90, 270, 4}};
  Model model = empty_model("n2p2");
  model.parameters = {{"cutoff_type", list_of({cutoff_type_fifth_degree})},
                      {"cutoff_alpha", list_of({0.0})},
                      {"compact_functions", of_both_elements(rows)}};
  return with_networks(std::move(model), 7);
}

Model made_up_n2p2_narrow() {
  constexpr double rows[][8] = {{2, 1, 0, 0.3, 0.0, 1, 1, 5.0},
                                {3, 0, 1, 0.05, 0.0, -1, 4, 5.0},
                                {3, 1, 1, 0.08, 0.3, 1, 2.5, 4.2},
                                {13, 0, 0, 0.04, 0.2, 1, 2, 4.6}};
  constexpr double compact_rows[][8] = {
      {21, 0, 1, 0.0, 5.0, 0, 140, 2}, {21, 0, 0, -1.0, 4.4, 60, 180, 12}, {24, 0, 0, -1.0, 4.8, 20, 160, 2}};
  Model model = empty_model("n2p2");
  model.parameters = {{"cutoff_type", list_of({cutoff_type_fifth_degree})},
                      {"cutoff_alpha", list_of({0.0})},
                      {"functions", of_both_elements(rows)},
                      {"compact_functions", of_both_elements(compact_rows)}};
  return with_networks(std::move(model), 9);
}

Model made_up_nep() {
  Model model = empty_model("nep");
  RandomSequence random(8, Stream::test, 81);
  for (const char* element : {"0", "1"})
    for (const auto& [name, functions, basis] :
         {std::tuple("radial_", Index{4}, Index{6}), std::tuple("angular_", Index{3}, Index{5})}) {
      Array table{.shape = {functions, 2 * basis}, .values = {}};
      for (Index k = 0; k < functions * 2 * basis; ++k) table.values.push_back(0.4 * random.normal());
      model.parameters[std::string(name) + element] = table;
    }
  model.parameters["radial_cutoff"] = list_of({5.0, 4.6});
  model.parameters["angular_cutoff"] = list_of({4.0, 4.4});
  model.parameters["l_max"] = list_of({4.0});
  model.parameters["invariants"] = list_of(std::vector<double>(6, 1.0));
  return with_networks(std::move(model), 5);
}

Model made_up_nep_zbl() {
  Model model = made_up_nep();
  Array wall{.shape = {4, 11}, .values = {}};
  constexpr double charges[] = {3, 8};
  for (const double z : charges)
    for (const double other : charges) {
      // The made-up structures have pairs from 1.8 A on: below, within and above the switch.
      const double decay = 2 * (std::pow(z, 0.23) + std::pow(other, 0.23)), inner = 0.1 * (16 + 0.25 * (z + other));
      wall.values.insert(wall.values.end(), {14.4 * z * other, 0.18, 0.51, 0.28, 0.03, 3.2 * decay, 0.9 * decay,
                                             0.4 * decay, 0.2 * decay, inner, inner + 0.8});
    }
  model.parameters["repulsion"] = wall;
  return model;
}

Model made_up_aenet() {
  Model model = empty_model("chebyshev");
  model.parameters = {{"radial_order", list_of({8, 6})},
                      {"angular_order", list_of({3, 4})},
                      {"radial_cutoff", list_of({5.0, 4.5})},
                      {"angular_cutoff", list_of({4.0, 3.6})},
                      {"cutoff_type", list_of({cutoff_type_cosine})},
                      {"element_weights", {.shape = {2, 2}, .values = {-1, 1, 1, -1}}}};
  return with_networks(std::move(model), 6);
}

Model made_up_pair_table() {
  constexpr Index points = 241;
  constexpr double first = 0.8, spacing = (cutoff - first) / (points - 1);
  Model model = empty_model("pair-table");
  Array energy{.shape = {3, points}, .values = {}}, force = energy;
  for (const double depth : {0.10, 0.25, 0.16})
    for (Index k = 0; k < points; ++k) {
      // A Morse well times (1 - x^3)^3, which ends with slope and curvature.
      const double r = first + spacing * static_cast<double>(k), x = r / cutoff, rest = 1 - x * x * x;
      const double e = std::exp(-1.6 * (r - 2.2));
      const double well = depth * (e * e - 2 * e), slope = -3.2 * depth * (e * e - e);
      const double window = rest * rest * rest, bend = -9 * x * x * rest * rest / cutoff;
      energy.values.push_back(well * window);
      force.values.push_back(-(slope * window + well * bend));
    }
  model.parameters = {{"range", list_of({first, cutoff})}, {"energy", energy}, {"force", force}};
  for (ModelElement& element : model.elements) {
    element.feature_shift = {0.0};
    element.feature_scale = {1.0};
    element.reference_energy = -1.0;
    element.network = pair_table_network();
  }
  return model;
}

}  // namespace haven::testing
