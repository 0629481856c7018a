#include "potentials/lowerings/nep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "core/error.hpp"
#include "potentials/lowerings/descriptor_builder.hpp"
#include "potentials/lowerings/invariants.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"

namespace haven {
namespace {

constexpr int most_functions = 64;

/// (T_k(x) + 1)/2 f_c(r)
RadialFunction basis_function(int order, double cutoff) {
  return [order, cutoff](double r) -> RadialValue {
    if (r >= cutoff) return {};
    const double rest = r / cutoff - 1;
    const RadialValue x{.value = 2 * rest * rest - 1, .slope = 4 * rest / cutoff, .curvature = 4 / (cutoff * cutoff)};
    RadialValue t = chebyshev_polynomial(order, x);
    t = {.value = 0.5 * (t.value + 1), .slope = 0.5 * t.slope, .curvature = 0.5 * t.curvature};
    return t * cutoff_function(CutoffType::cosine, r, cutoff);
  };
}

std::vector<double> cutoffs(const Model& model, const std::string& name) {
  const Array& list = parameter(model, name, {static_cast<Index>(model.elements.size())});
  for (const double r : list.values)
    if (!(r > 0.1 && r <= model.cutoff)) refuse_parameter(name, fmt::format("{} A is out of range", r));
  return list.values;
}

/// Channels g_n of one centre element from a table of coefficients; returns the first.
int add_channels(DescriptorBuilder& builder, const Array& table, int elements, int l_max,
                 const std::vector<double>& pair_cutoff) {
  const Index basis = table.shape[1] / elements;
  int first = -1;
  for (Index n = 0; n < table.shape[0]; ++n) {
    std::vector<DescriptorBuilder::Part> parts;
    for (int b = 0; b < elements; ++b)
      for (Index k = 0; k < basis; ++k)
        parts.push_back({.neighbour = b,
                         .weight = table.values[static_cast<std::size_t>(n * table.shape[1] + b * basis + k)],
                         .function = basis_function(static_cast<int>(k), pair_cutoff[static_cast<std::size_t>(b)])});
    const int c = builder.add_channel(l_max, std::move(parts));
    if (first < 0) first = c;
  }
  return first;
}

void add_features(DescriptorBuilder& builder, int radial, int n_radial, int angular, int n_angular, int l_max,
                  const std::vector<double>& invariants) {
  constexpr std::array<std::array<int, 3>, 6> l_of{{{2, 2, 2}, {0, 0, 0}, {1, 1, 2}, {1, 2, 3}, {2, 3, 3}, {1, 3, 4}}};
  for (int n = 0; n < n_radial; ++n)
    builder.add_feature({{builder.term({.degree = 1, .channel = radial + n, .other_channel = 0, .l = 0}), 1.0}});
  for (int l = 1; l <= l_max; ++l)
    for (int n = angular; n < angular + n_angular; ++n)
      builder.add_feature({{builder.term({.degree = 2, .channel = n, .other_channel = n, .l = l}),
                            (2 * l + 1) / (4 * std::numbers::pi)}});
  for (std::size_t k = 0; k < l_of.size(); ++k) {
    if (invariants[k] == 0) continue;
    for (int n = angular; n < angular + n_angular; ++n) {
      // The 5-body invariant carries 7/15 in the reference implementation.
      ProductTerm term = k == 1 ? squared_dipole(n, 7.0 / 15) : coupled_product({n, n, n}, l_of[k]);
      builder.add_feature({{builder.product(std::move(term)), 1.0}});
    }
  }
}

std::vector<PairRepulsion> repulsion(const Model& model) {
  if (model.parameters.count("repulsion") == 0) return {};
  const auto n = static_cast<Index>(model.elements.size());
  const Array& table = parameter(model, "repulsion", {n * n, 11});
  std::vector<PairRepulsion> pairs;
  for (std::size_t k = 0; k < table.values.size(); k += 11) {
    const double* v = &table.values[k];
    PairRepulsion pair{.strength = v[0], .inner = v[9], .outer = v[10], .ending = PairRepulsion::Switch::cosine};
    for (int t = 0; t < 4; ++t) {
      pair.amplitude[t] = v[1 + t];
      pair.decay[t] = v[5 + t];
    }
    if (!(pair.inner >= 0 && pair.inner < pair.outer && pair.outer <= model.cutoff))
      refuse_parameter("repulsion", fmt::format("its cut-offs {} and {} A are out of range", pair.inner, pair.outer));
    pairs.push_back(pair);
  }
  return pairs;
}

}  // namespace

Descriptor describe_nep(const Model& model) {
  check_frame(model);
  const auto elements = static_cast<int>(model.elements.size());
  const std::vector<double> radial_cutoff = cutoffs(model, "radial_cutoff"),
                            angular_cutoff = cutoffs(model, "angular_cutoff");
  const int l_max = integer_parameter(model, "l_max", 0, 8);
  const std::vector<double>& invariants = parameter(model, "invariants", {6}).values;
  constexpr int needs_l[6] = {2, 1, 2, 3, 3, 4};
  for (std::size_t k = 0; k < 6; ++k)
    if (checked_integer(invariants[k], "invariants", 0, 1) == 1 && l_max < needs_l[k])
      refuse_parameter("invariants", fmt::format("number {} needs l up to {}", k, needs_l[k]));
  std::vector<std::string> known{"radial_cutoff", "angular_cutoff", "l_max", "invariants", "repulsion"};
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = false, .centres = {}};
  std::set<double> breaks;
  for (int a = 0; a < elements; ++a) {
    DescriptorBuilder builder;
    int first[2], count[2];
    for (const int angular : {0, 1}) {
      known.push_back(fmt::format("{}_{}", angular == 0 ? "radial" : "angular", a));
      const Array& table = parameter(model, known.back(), {-1, -1});
      if (table.shape[1] % elements != 0 || table.shape[0] > most_functions ||
          table.shape[1] / elements > most_functions)
        refuse_parameter(known.back(), fmt::format("{} functions of {} coefficients", table.shape[0], table.shape[1]));
      const std::vector<double>& of = angular == 0 ? radial_cutoff : angular_cutoff;
      std::vector<double> pair_cutoff;
      for (int b = 0; b < elements; ++b)
        pair_cutoff.push_back(0.5 * (of[static_cast<std::size_t>(a)] + of[static_cast<std::size_t>(b)]));
      breaks.insert(pair_cutoff.begin(), pair_cutoff.end());
      count[angular] = static_cast<int>(table.shape[0]);
      first[angular] = add_channels(builder, table, elements, angular == 0 ? 0 : l_max, pair_cutoff);
    }
    add_features(builder, first[0], count[0], first[1], count[1], l_max, invariants);
    descriptor.centres.push_back(builder.build());
  }
  refuse_other_parameters(model, known);
  descriptor.breaks.assign(breaks.begin(), breaks.end());
  descriptor.repulsion = repulsion(model);
  return descriptor;
}

}  // namespace haven
