#include "potentials/lowerings/n2p2.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "potentials/lowerings/descriptor_builder.hpp"
#include "potentials/lowerings/legendre.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

namespace haven {
namespace {

constexpr int every_element = -1;  // seen by a weighted function

struct CutoffChoice {
  WindowType type;
  double alpha;
  [[nodiscard]] Window window(double cutoff) const {
    // n2p2 ignores an inner cut-off with the tanh functions.
    const bool plain = type == WindowType::tanh_cubed || type == WindowType::tanh_scaled;
    return {.type = type, .cutoff = cutoff, .inner = plain ? 0 : alpha * cutoff};
  }
};

struct Function {
  int centre, type, first, second;
  Window window;
  double eta, shift, lambda, zeta;
  AngleWindow sector{};

  [[nodiscard]] bool angular() const { return type != 2 && type != 12 && type != 20 && type != 23; }
  [[nodiscard]] bool weighted() const { return type == 12 || type == 13 || type >= 23; }
  [[nodiscard]] bool narrow() const { return type == 3 || type == 13 || type == 21 || type == 24; }
  /// Type 9 with an exponent that Legendre polynomials can express.
  [[nodiscard]] bool separates() const { return type == 9 && zeta == std::floor(zeta) && zeta <= largest_l; }
};

void read_functions(const Model& model, const CutoffChoice& choice, std::vector<Function>& functions) {
  const Array& table = parameter(model, "functions", {-1, 9});
  const int last = static_cast<int>(model.elements.size()) - 1;
  for (std::size_t k = 0; k + 9 <= table.values.size(); k += 9) {
    const double* v = &table.values[k];
    const double cutoff = v[8];
    Function f{.centre = checked_integer(v[0], "functions", 0, last),
               .type = checked_integer(v[1], "functions", 0, 99),
               .first = checked_integer(v[2], "functions", 0, last),
               .second = checked_integer(v[3], "functions", 0, last),
               .window = choice.window(cutoff),
               .eta = v[4],
               .shift = v[5],
               .lambda = v[6],
               .zeta = v[7]};
    if (f.type != 2 && f.type != 3 && f.type != 9 && f.type != 12 && f.type != 13)
      refuse_parameter("functions", fmt::format("type {} is unknown", f.type));
    if (!(f.eta >= 0 && f.eta <= 1e4 && std::abs(f.shift) <= 100 && cutoff > 0.1 && cutoff <= model.cutoff))
      refuse_parameter("functions",
                       fmt::format("eta = {}, r_s = {} or r_c = {} is out of range", f.eta, f.shift, cutoff));
    if (!(std::abs(f.lambda) <= 1 && f.zeta >= 1 && f.zeta <= 1024))
      refuse_parameter("functions", fmt::format("lambda = {} or zeta = {} is out of range", f.lambda, f.zeta));
    functions.push_back(f);
  }
}

/// The core of a compact function: n2p2's p1 to p4 as 1 to 4, p1a to p4a as 11 to 14, e as 5.
Window compact_window(double low, double cutoff, int core) {
  constexpr WindowType types[] = {WindowType::poly1, WindowType::poly2, WindowType::poly3, WindowType::poly4,
                                  WindowType::exponential};
  const int form = core > 10 ? core - 10 : core;
  if (form < 1 || form > 5 || core == 15)
    refuse_parameter("compact_functions", fmt::format("core {} is unknown", core));
  return {.type = types[form - 1],
          .cutoff = cutoff,
          .inner = 0.5 * (low + cutoff),
          .shape = core > 10 ? WindowShape::flat_bump : WindowShape::bump};
}

/// An angle window has the core of the distances, never the flat form of it; degrees. One that is cut by 0 or 180
/// degrees would not be smooth there unless that is its middle.
AngleWindow compact_sector(double left, double right, WindowType type) {
  const double middle = 0.5 * (left + right);
  if (!(right > left && right - left <= 360 && (left >= 0 || middle == 0) && (right <= 180 || middle == 180)))
    refuse_parameter("compact_functions", fmt::format("an angle from {} to {} degrees", left, right));
  constexpr double degree = std::numbers::pi / 180;
  return {.type = type, .middle = middle * degree, .width = 0.5 * (right - left) * degree};
}

void read_compact_functions(const Model& model, std::vector<Function>& functions) {
  const Array& table = parameter(model, "compact_functions", {-1, 9});
  const int last = static_cast<int>(model.elements.size()) - 1;
  for (std::size_t k = 0; k + 9 <= table.values.size(); k += 9) {
    const double* v = &table.values[k];
    const double low = v[4], cutoff = v[5];
    if (!(low >= -1000 && cutoff > 0.1 && cutoff <= model.cutoff && cutoff - low > 1e-3))
      refuse_parameter("compact_functions", fmt::format("r_l = {} or r_c = {} is out of range", low, cutoff));
    Function f{.centre = checked_integer(v[0], "compact_functions", 0, last),
               .type = checked_integer(v[1], "compact_functions", 20, 25),
               .first = checked_integer(v[2], "compact_functions", 0, last),
               .second = checked_integer(v[3], "compact_functions", 0, last),
               .window = compact_window(low, cutoff, checked_integer(v[8], "compact_functions", 1, 14)),
               .eta = 0,
               .shift = 0,
               .lambda = 1,
               .zeta = 1};
    if (f.angular()) f.sector = compact_sector(v[6], v[7], f.window.type);
    functions.push_back(f);
  }
}

std::vector<Function> functions_of(const Model& model, const CutoffChoice& choice) {
  std::vector<Function> functions;
  if (model.parameters.contains("functions") || !model.parameters.contains("compact_functions"))
    read_functions(model, choice, functions);
  if (model.parameters.contains("compact_functions")) read_compact_functions(model, functions);
  for (Function& f : functions)
    if (f.first > f.second && f.angular()) std::swap(f.first, f.second);
  return functions;
}

/// Builds the functions of one centre. Functions with the same radial part share its channel.
class Centre {
 public:
  explicit Centre(const Model& model) : model_(model) {}

  void find_reach(const Function& f) {
    if (!f.separates()) return;
    for (const int b : {f.first, f.second}) {
      int& reach = reach_[key(f, b)];
      reach = std::max(reach, static_cast<int>(f.zeta));
    }
  }

  void add(const Function& f) {
    if (!f.angular()) {
      const int c = channel(f, f.weighted() ? every_element : f.first);
      builder_.add_feature({{builder_.term({.degree = 1, .channel = c, .other_channel = 0, .l = 0}), 1.0}});
    } else if (f.separates()) {
      add_moments(f);
    } else {
      add_triplet(f);
    }
  }

  [[nodiscard]] CentreDescriptor build() const { return builder_.build(); }

 private:
  using Key = std::tuple<double, double, Window, int>;
  static Key key(const Function& f, int neighbour) { return {f.eta, f.shift, f.window, neighbour}; }

  [[nodiscard]] static RadialFunction radial(const Function& f) {
    return [window = f.window, eta = f.eta, shift = f.shift](double r) {
      return gaussian(eta, shift, r) * window_of(window, r);
    };
  }

  int channel(const Function& f, int neighbour) {
    const auto [found, is_new] = channels_.try_emplace(key(f, neighbour), 0);
    if (!is_new) return found->second;
    std::vector<DescriptorBuilder::Part> parts;
    if (neighbour != every_element) {
      parts.push_back({neighbour, 1.0, radial(f)});
    } else {
      for (std::size_t b = 0; b < model_.elements.size(); ++b)
        parts.push_back({static_cast<int>(b), static_cast<double>(model_.elements[b].number), radial(f)});
    }
    const auto reach = reach_.find(key(f, neighbour));
    found->second = builder_.add_channel(reach == reach_.end() ? 0 : reach->second, std::move(parts));
    return found->second;
  }

  int self_channel(const Function& f) {
    const auto [found, is_new] = self_channels_.try_emplace(key(f, f.first), 0);
    if (is_new)
      found->second = builder_.add_channel(0, {{f.first, 1.0, [g = radial(f)](double r) { return g(r) * g(r); }}});
    return found->second;
  }

  /// The double sum sum_l a_l p_l counts each pair twice and j = k once when both neighbours are of one element.
  void add_moments(const Function& f) {
    const int c = channel(f, f.first), other = channel(f, f.second);
    const bool same = f.first == f.second;
    const double scale = std::pow(2.0, 1 - f.zeta) * (same ? 0.5 : 1.0);
    const std::vector<double> series = legendre_of_power(f.lambda, static_cast<int>(f.zeta));
    DescriptorBuilder::Row feature;
    for (std::size_t l = 0; l < series.size(); ++l)
      feature.emplace_back(builder_.term({.degree = 2, .channel = c, .other_channel = other, .l = static_cast<int>(l)}),
                           scale * series[l]);
    // (1 + lambda)^zeta is exactly zero for lambda = -1: the self terms of the sum cancel by themselves.
    if (same && f.lambda != -1)
      feature.emplace_back(builder_.term({.degree = 1, .channel = self_channel(f), .other_channel = 0, .l = 0}),
                           -scale * std::pow(1 + f.lambda, f.zeta));
    builder_.add_feature(std::move(feature));
  }

  void add_triplet(const Function& f) {
    ThirdSide third;
    if (f.narrow()) third = {.window = f.window, .eta = f.eta, .shift = f.shift};
    const TripletTerm term{.channel = channel(f, f.weighted() ? every_element : f.first),
                           .other_channel = channel(f, f.weighted() ? every_element : f.second),
                           .third = third,
                           .lambda = f.lambda,
                           .zeta = f.zeta,
                           .sector = f.sector};
    builder_.add_feature({{builder_.triplet(term), std::pow(2.0, 1 - f.zeta)}});
  }

  const Model& model_;
  DescriptorBuilder builder_;
  std::map<Key, int> reach_, channels_, self_channels_;
};

}  // namespace

Descriptor describe_n2p2(const Model& model) {
  check_frame(model);
  const CutoffChoice choice{.type = static_cast<WindowType>(integer_parameter(model, "cutoff_type", 0, 8)),
                            .alpha = number_parameter(model, "cutoff_alpha", 0, 0.9999)};
  const std::vector<Function> functions = functions_of(model, choice);
  refuse_other_parameters(model, {"cutoff_type", "cutoff_alpha", "functions", "compact_functions"});
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = false, .centres = {}};
  descriptor.double_table_tolerance = 1e-12;
  std::set<double> breaks;
  for (const Function& f : functions) {
    const Window& w = f.window;
    breaks.insert(w.cutoff);
    if (w.inner > 0) breaks.insert(w.inner);
    if (w.shape != WindowShape::step && 2 * w.inner > w.cutoff) breaks.insert(2 * w.inner - w.cutoff);
  }
  descriptor.breaks.assign(breaks.begin(), breaks.end());
  for (int a = 0; a < static_cast<int>(model.elements.size()); ++a) {
    Centre centre(model);
    for (const Function& f : functions)
      if (f.centre == a) centre.find_reach(f);
    for (const Function& f : functions)
      if (f.centre == a) centre.add(f);
    descriptor.centres.push_back(centre.build());
    if (descriptor.centres.back().features() == 0)
      refuse_parameter("functions", fmt::format("element {} has no symmetry functions", a));
  }
  return descriptor;
}

}  // namespace haven
