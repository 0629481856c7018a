#include "potentials/lowerings/behler_parrinello.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "potentials/lowerings/descriptor_builder.hpp"
#include "potentials/lowerings/legendre.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

namespace haven {
namespace {

struct RadialRow {
  int centre, neighbour;
  double eta, shift;
};
struct AngularRow {
  int centre, first, second;  // first <= second
  double eta, shift, lambda;
  int zeta;
};
/// Angular functions of one (eta, r_s) and neighbour element share a channel.
using ChannelKey = std::tuple<double, double, int>;

void check_width(const std::string& name, double eta, double shift, double cutoff) {
  if (!(eta >= 0 && eta <= 1e4 && shift >= 0 && shift <= cutoff))
    refuse_parameter(name, fmt::format("eta = {} 1/A^2 or r_s = {} A is out of range", eta, shift));
}

std::vector<RadialRow> radial_rows(const Model& model) {
  const Array& table = parameter(model, "radial", {-2, 4});
  const int last = static_cast<int>(model.elements.size()) - 1;
  std::vector<RadialRow> rows;
  for (std::size_t k = 0; k + 4 <= table.values.size(); k += 4) {
    const double* v = &table.values[k];
    rows.push_back({.centre = checked_integer(v[0], "radial", 0, last),
                    .neighbour = checked_integer(v[1], "radial", 0, last),
                    .eta = v[2],
                    .shift = v[3]});
    check_width("radial", v[2], v[3], model.cutoff);
  }
  return rows;
}

std::vector<AngularRow> angular_rows(const Model& model) {
  const Array& table = parameter(model, "angular", {-2, 7});
  const int last = static_cast<int>(model.elements.size()) - 1;
  std::vector<AngularRow> rows;
  for (std::size_t k = 0; k + 7 <= table.values.size(); k += 7) {
    const double* v = &table.values[k];
    const int b = checked_integer(v[1], "angular", 0, last), c = checked_integer(v[2], "angular", 0, last);
    rows.push_back({.centre = checked_integer(v[0], "angular", 0, last),
                    .first = std::min(b, c),
                    .second = std::max(b, c),
                    .eta = v[3],
                    .shift = v[4],
                    .lambda = v[5],
                    .zeta = checked_integer(v[6], "angular", 1, largest_l)});
    check_width("angular", v[3], v[4], model.cutoff);
    if (std::abs(v[5]) != 1) refuse_parameter("angular", fmt::format("lambda = {} is neither 1 nor -1", v[5]));
  }
  return rows;
}

RadialFunction symmetry_function(CutoffType type, double cutoff, double eta, double shift) {
  return [=](double r) { return gaussian(eta, shift, r) * cutoff_function(type, r, cutoff); };
}

/// Adds the angular functions of one centre. G = 2^{1-zeta} sum over pairs of (1 + lambda cos)^zeta R R; the double sum
/// sum_l a_l p_l counts each pair twice and j = k once when both neighbours are of the same element.
class AngularPart {
 public:
  AngularPart(DescriptorBuilder& builder, CutoffType type, double cutoff)
      : builder_(builder), type_(type), cutoff_(cutoff) {}

  void find_reach(const AngularRow& row) {
    for (const int b : {row.first, row.second}) {
      int& reach = reach_[{row.eta, row.shift, b}];
      reach = std::max(reach, row.zeta);
    }
  }

  void add(const AngularRow& row) {
    const int c = channel(row, row.first), other = channel(row, row.second);
    const bool same = row.first == row.second;
    const double scale = std::pow(2.0, 1 - row.zeta) * (same ? 0.5 : 1.0);
    const std::vector<double> series = legendre_of_power(row.lambda, row.zeta);
    DescriptorBuilder::Row feature;
    double at_one = 0;
    for (std::size_t l = 0; l < series.size(); ++l) {
      feature.emplace_back(builder_.term({.degree = 2, .channel = c, .other_channel = other, .l = static_cast<int>(l)}),
                           scale * series[l]);
      at_one += series[l];
    }
    // (1 + lambda)^zeta is exactly zero for lambda = -1: the self terms of the sum cancel by themselves.
    if (same && row.lambda > 0)
      feature.emplace_back(builder_.term({.degree = 1, .channel = self_channel(row), .other_channel = 0, .l = 0}),
                           -scale * at_one);
    builder_.add_feature(std::move(feature));
  }

 private:
  int channel(const AngularRow& row, int neighbour) {
    const ChannelKey key{row.eta, row.shift, neighbour};
    const auto found = channels_.find(key);
    if (found != channels_.end()) return found->second;
    const int c =
        builder_.add_channel(reach_.at(key), {{neighbour, 1.0, symmetry_function(type_, cutoff_, row.eta, row.shift)}});
    channels_.emplace(key, c);
    return c;
  }
  int self_channel(const AngularRow& row) {
    const ChannelKey key{row.eta, row.shift, row.first};
    const auto found = self_channels_.find(key);
    if (found != self_channels_.end()) return found->second;
    const RadialFunction f = symmetry_function(type_, cutoff_, row.eta, row.shift);
    const int c = builder_.add_channel(0, {{row.first, 1.0, [f](double r) { return f(r) * f(r); }}});
    self_channels_.emplace(key, c);
    return c;
  }

  DescriptorBuilder& builder_;
  CutoffType type_;
  double cutoff_;
  std::map<ChannelKey, int> reach_, channels_, self_channels_;
};

struct Preset {
  int radial;
  std::vector<double> eta;
  std::vector<int> zeta;
};

Preset find_preset(const std::string& name) {
  if (name == "fast") return {.radial = 6, .eta = {0.02}, .zeta = {1, 4}};
  if (name == "standard") return {.radial = 8, .eta = {0.01, 0.08}, .zeta = {1, 2, 4}};
  if (name == "accurate") return {.radial = 12, .eta = {0.01, 0.05, 0.2}, .zeta = {1, 2, 4, 8}};
  throw ConfigError(fmt::format("there is no preset \"{}\"", name), "model.preset",
                    "Choose fast, standard or accurate.");
}

}  // namespace

Descriptor describe_behler_parrinello(const Model& model) {
  check_frame(model);
  const auto type = static_cast<CutoffType>(integer_parameter(model, "cutoff_type", 0, 2));
  const auto radial = radial_rows(model);
  const auto angular = angular_rows(model);
  refuse_other_parameters(model, {"cutoff_type", "radial", "angular"});
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = false, .centres = {}};
  for (int a = 0; a < static_cast<int>(model.elements.size()); ++a) {
    DescriptorBuilder builder;
    AngularPart part(builder, type, model.cutoff);
    for (const RadialRow& row : radial) {
      if (row.centre != a) continue;
      const int c =
          builder.add_channel(0, {{row.neighbour, 1.0, symmetry_function(type, model.cutoff, row.eta, row.shift)}});
      builder.add_feature({{builder.term({.degree = 1, .channel = c, .other_channel = 0, .l = 0}), 1.0}});
    }
    for (const AngularRow& row : angular)
      if (row.centre == a) part.find_reach(row);
    for (const AngularRow& row : angular)
      if (row.centre == a) part.add(row);
    descriptor.centres.push_back(builder.build());
    if (descriptor.centres.back().features() == 0)
      refuse_parameter("radial", fmt::format("element {} has no symmetry functions", a));
  }
  return descriptor;
}

void initialise_behler_parrinello(Model& model, const DescriptorOptions& options) {
  const Preset preset = find_preset(options.preset);
  const auto elements = static_cast<int>(model.elements.size());
  Array radial{.shape = {0, 4}, .values = {}}, angular{.shape = {0, 7}, .values = {}};
  // Gaussians on a uniform grid from 1 A to the cut-off, as wide as their spacing: they resolve every distance alike.
  const double spacing = (options.cutoff - 1.0) / preset.radial;
  for (int a = 0; a < elements; ++a) {
    for (int b = 0; b < elements; ++b)
      for (int k = 0; k < preset.radial; ++k)
        radial.values.insert(radial.values.end(), {static_cast<double>(a), static_cast<double>(b),
                                                   1 / (2 * spacing * spacing), 1.0 + spacing * k});
    for (int b = 0; b < elements; ++b)
      for (int c = b; c < elements; ++c)
        for (const double eta : preset.eta)
          for (const int zeta : preset.zeta)
            for (const double lambda : {1.0, -1.0})
              angular.values.insert(angular.values.end(),
                                    {static_cast<double>(a), static_cast<double>(b), static_cast<double>(c), eta, 0.0,
                                     lambda, static_cast<double>(zeta)});
  }
  radial.shape[0] = static_cast<Index>(radial.values.size() / 4);
  angular.shape[0] = static_cast<Index>(angular.values.size() / 7);
  model.parameters = {{"cutoff_type", scalar_array(0)}, {"radial", radial}, {"angular", angular}};
}

}  // namespace haven
