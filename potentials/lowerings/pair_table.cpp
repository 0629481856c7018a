#include "potentials/lowerings/pair_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "potentials/lowerings/descriptor_builder.hpp"
#include "potentials/lowerings/parameters.hpp"

namespace haven {
namespace {

constexpr std::size_t least_points = 6;

/// phi of one pair of elements.
struct PairTable {
  double first = 0, spacing = 0;                       // A
  std::vector<double> energy{}, slope{}, curvature{};  // by point

  [[nodiscard]] RadialValue at(double r) const;
};

/// Derivative of fourth order of equally spaced values, one-sided at the ends.
std::vector<double> derivative(const std::vector<double>& v, double spacing) {
  const std::size_t n = v.size();
  std::vector<double> d(n);
  for (std::size_t k = 2; k + 2 < n; ++k) d[k] = (8 * (v[k + 1] - v[k - 1]) - (v[k + 2] - v[k - 2])) / (12 * spacing);
  const auto at_end = [&](std::size_t k, int step) {  // k is the end itself or its neighbour
    const auto value = [&](int j) { return v[static_cast<std::size_t>(static_cast<int>(k) + step * j)]; };
    return step * (-25 * value(0) + 48 * value(1) - 36 * value(2) + 16 * value(3) - 3 * value(4)) / (12 * spacing);
  };
  d[0] = at_end(0, 1), d[1] = at_end(1, 1), d[n - 1] = at_end(n - 1, -1), d[n - 2] = at_end(n - 2, -1);
  return d;
}

RadialValue PairTable::at(double r) const {
  const double x = (r - first) / spacing;
  if (x <= 0) {
    const double d = r - first;
    return {.value = energy[0] + d * (slope[0] + 0.5 * d * curvature[0]),
            .slope = slope[0] + d * curvature[0],
            .curvature = curvature[0]};
  }
  const std::size_t k = std::min(static_cast<std::size_t>(x), energy.size() - 2);
  const double t = x - static_cast<double>(k), h = spacing;
  // Quintic Hermite in t: value, slope and curvature at both ends.
  const double e0 = energy[k], s0 = h * slope[k], c0 = h * h * curvature[k];
  const double d = energy[k + 1] - e0 - s0 - 0.5 * c0, s = h * slope[k + 1] - s0 - c0,
               c = h * h * curvature[k + 1] - c0;
  const double a3 = 10 * d - 4 * s + 0.5 * c, a4 = -15 * d + 7 * s - c, a5 = 6 * d - 3 * s + 0.5 * c;
  return {.value = e0 + t * (s0 + t * (0.5 * c0 + t * (a3 + t * (a4 + t * a5)))),
          .slope = (s0 + t * (c0 + t * (3 * a3 + t * (4 * a4 + t * 5 * a5)))) / h,
          .curvature = (c0 + t * (6 * a3 + t * (12 * a4 + t * 20 * a5))) / (h * h)};
}

}  // namespace

Descriptor describe_pair_table(const Model& model) {
  check_frame(model);
  const auto elements = static_cast<Index>(model.elements.size());
  const Index pairs = elements * (elements + 1) / 2;
  const Array& range = parameter(model, "range", {2});
  const Array& energy = parameter(model, "energy", {pairs, -1});
  const std::size_t points = energy.values.size() / static_cast<std::size_t>(pairs);
  const Array& force = parameter(model, "force", {pairs, static_cast<Index>(points)});
  refuse_other_parameters(model, {"range", "energy", "force"});
  const double first = range.values[0], last = range.values[1];
  if (points < least_points) refuse_parameter("energy", fmt::format("{} points are too few for a table", points));
  if (!(first > 0 && first < last && last == model.cutoff))
    refuse_parameter("range",
                     fmt::format("{} to {} A is no range up to the cut-off of {} A", first, last, model.cutoff));
  std::vector<std::shared_ptr<const PairTable>> tables;
  for (std::size_t p = 0; p < static_cast<std::size_t>(pairs); ++p) {
    const auto row = [&](const Array& array, double sign) {
      std::vector<double> values(points);
      for (std::size_t k = 0; k < points; ++k) values[k] = sign * array.values[p * points + k];
      return values;
    };
    PairTable table{.first = first, .spacing = (last - first) / static_cast<double>(points - 1)};
    table.energy = row(energy, 1), table.slope = row(force, -1);
    table.curvature = derivative(table.slope, table.spacing);
    tables.push_back(std::make_shared<const PairTable>(std::move(table)));
  }
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = false, .centres = {}};
  descriptor.double_table_tolerance = 1e-14;  // of the highest wall, which must not blunt the well
  descriptor.breaks = {first};
  for (int a = 0; a < static_cast<int>(elements); ++a) {
    DescriptorBuilder builder;
    DescriptorBuilder::Row half_of_all;
    for (int b = 0; b < static_cast<int>(elements); ++b) {
      const auto [low, high] = std::minmax(a, b);
      const auto table = tables[static_cast<std::size_t>(high * (high + 1) / 2 + low)];
      const int c = builder.add_channel(0, {{b, 1.0, [table](double r) { return table->at(r); }}});
      half_of_all.emplace_back(builder.term({.degree = 1, .channel = c, .other_channel = 0, .l = 0}), 0.5);
    }
    builder.add_feature(std::move(half_of_all));
    descriptor.centres.push_back(builder.build());
  }
  return descriptor;
}

Network pair_table_network() {
  return {.layers = {{.inputs = 1, .outputs = 1, .activation = Activation::identity, .weights = {1.0}, .bias = {0.0}}}};
}

}  // namespace haven
