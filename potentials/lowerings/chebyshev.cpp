#include "potentials/lowerings/chebyshev.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "potentials/lowerings/descriptor_builder.hpp"
#include "potentials/lowerings/legendre.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

namespace haven {
namespace {

struct Settings {
  int radial_order, angular_order;
  double radial_cutoff, angular_cutoff;
  CutoffType type;
};

/// One channel over all neighbour elements, each multiplied by its weight.
std::vector<DescriptorBuilder::Part> weighted(const std::vector<double>& weights, const RadialFunction& function) {
  std::vector<DescriptorBuilder::Part> parts;
  for (std::size_t b = 0; b < weights.size(); ++b)
    parts.push_back({.neighbour = static_cast<int>(b), .weight = weights[b], .function = function});
  return parts;
}

/// Radial and angular features with one set of element weights. The angular triple sum is half of the double sum that a
/// degree-2 term is, less its j = k part, where T_n(1) = 1.
void add_features(const Settings& s, const std::vector<double>& weights, DescriptorBuilder& builder) {
  for (int n = 0; n <= s.radial_order; ++n) {
    const int c = builder.add_channel(
        0, weighted(weights, [n, s](double r) {
          const RadialValue x{.value = 2 * r / s.radial_cutoff - 1, .slope = 2 / s.radial_cutoff, .curvature = 0};
          return chebyshev_polynomial(n, x) * cutoff_function(s.type, r, s.radial_cutoff);
        }));
    builder.add_feature({{builder.term({.degree = 1, .channel = c, .other_channel = 0, .l = 0}), 1.0}});
  }
  const auto window = [s](double r) { return cutoff_function(s.type, r, s.angular_cutoff); };
  const int c = builder.add_channel(s.angular_order, weighted(weights, window));
  std::vector<double> squared;
  for (const double w : weights) squared.push_back(w * w);
  const int self = builder.add_channel(0, weighted(squared, [window](double r) { return window(r) * window(r); }));
  for (int n = 0; n <= s.angular_order; ++n) {
    const std::vector<double> series = legendre_of_chebyshev(n);
    DescriptorBuilder::Row feature;
    for (std::size_t l = 0; l < series.size(); ++l)
      if (series[l] != 0)
        feature.emplace_back(builder.term({.degree = 2, .channel = c, .other_channel = c, .l = static_cast<int>(l)}),
                             0.5 * series[l]);
    feature.emplace_back(builder.term({.degree = 1, .channel = self, .other_channel = 0, .l = 0}), -0.5);
    builder.add_feature(std::move(feature));
  }
}

}  // namespace

namespace {

/// A parameter given once for all centre elements or once for each.
double of_centre(const Model& model, const std::string& name, std::size_t centre, double low, double high) {
  const Array& list = parameter(model, name, {-1});
  if (list.shape[0] != 1 && list.shape[0] != static_cast<Index>(model.elements.size()))
    refuse_parameter(name, fmt::format("{} numbers for {} elements", list.shape[0], model.elements.size()));
  const double value = list.values[list.shape[0] == 1 ? 0 : centre];
  if (!(value >= low && value <= high)) refuse_parameter(name, fmt::format("{} is outside {} to {}", value, low, high));
  return value;
}

/// Weights of the neighbour elements around one centre.
std::vector<double> weights_of(const Model& model, std::size_t centre) {
  const auto n = model.elements.size();
  const auto found = model.parameters.find("element_weights");
  const bool each = found != model.parameters.end() && found->second.shape.size() == 2;
  const auto size = static_cast<Index>(n);
  const Array& weights = parameter(model, "element_weights", each ? Shape{size, size} : Shape{size});
  const auto first = weights.values.begin() + static_cast<std::ptrdiff_t>(each ? centre * n : 0);
  return {first, first + static_cast<std::ptrdiff_t>(n)};
}

}  // namespace

Descriptor describe_chebyshev(const Model& model) {
  check_frame(model);
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = false, .centres = {}};
  const auto type = static_cast<CutoffType>(integer_parameter(model, "cutoff_type", 0, 1));
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const auto order = [&](const std::string& name, int most) {
      return checked_integer(of_centre(model, name, a, 0, most), name, 0, most);
    };
    const Settings settings{.radial_order = order("radial_order", 64),
                            .angular_order = order("angular_order", largest_l),
                            .radial_cutoff = of_centre(model, "radial_cutoff", a, 1e-3, model.cutoff),
                            .angular_cutoff = of_centre(model, "angular_cutoff", a, 1e-3, model.cutoff),
                            .type = type};
    const std::vector<double> weights = weights_of(model, a);
    DescriptorBuilder builder;
    add_features(settings, std::vector<double>(weights.size(), 1.0), builder);
    if (weights.size() > 1) add_features(settings, weights, builder);
    descriptor.centres.push_back(builder.build());
    descriptor.breaks.insert(descriptor.breaks.end(), {settings.radial_cutoff, settings.angular_cutoff});
  }
  refuse_other_parameters(
      model, {"radial_order", "angular_order", "radial_cutoff", "angular_cutoff", "cutoff_type", "element_weights"});
  return descriptor;
}

void initialise_chebyshev(Model& model, const DescriptorOptions& options) {
  int radial = 0, angular = 0;
  if (options.preset == "fast") {
    radial = 10, angular = 3;
  } else if (options.preset == "standard") {
    radial = 16, angular = 4;
  } else if (options.preset == "accurate") {
    radial = 20, angular = 8;
  } else {
    throw ConfigError(fmt::format("there is no preset \"{}\"", options.preset), "model.preset",
                      "Choose fast, standard or accurate.");
  }
  const auto n = static_cast<int>(model.elements.size());
  Array weights{.shape = {n}, .values = {}};
  for (int w = -(n / 2); static_cast<int>(weights.values.size()) < n; ++w)
    if (w != 0 || n % 2 == 1) weights.values.push_back(w);
  model.parameters = {{"radial_order", scalar_array(radial)},
                      {"angular_order", scalar_array(angular)},
                      {"radial_cutoff", scalar_array(options.cutoff)},
                      {"angular_cutoff", scalar_array(options.cutoff)},
                      {"cutoff_type", scalar_array(0)},
                      {"element_weights", weights}};
}

}  // namespace haven
