#include "potentials/lowerings/moment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "potentials/lowerings/invariants.hpp"
#include "potentials/lowerings/parameters.hpp"
#include "potentials/lowerings/radial_functions.hpp"
#include "potentials/program/harmonic_coefficients.hpp"

namespace haven {
namespace {

constexpr int most_primitives = 64, most_channels = 64;

RadialFunction primitive(int order, double cutoff) {
  return [order, cutoff](double r) {
    const double rest = 1 - r / cutoff;
    const RadialValue x{.value = 2 * rest * rest - 1, .slope = -4 * rest / cutoff, .curvature = 4 / (cutoff * cutoff)};
    return chebyshev_polynomial(order, x) * cutoff_function(CutoffType::polynomial, r, cutoff);
  };
}

/// All q_c, then all p_{c c' l} with c <= c', l fastest.
std::vector<BasisTerm> all_terms(const std::vector<int>& channel_l_max) {
  std::vector<BasisTerm> terms;
  const int channels = static_cast<int>(channel_l_max.size());
  for (int c = 0; c < channels; ++c) terms.push_back({.degree = 1, .channel = c, .other_channel = 0, .l = 0});
  for (int c = 0; c < channels; ++c)
    for (int other = c; other < channels; ++other) {
      const int reach =
          std::min(channel_l_max[static_cast<std::size_t>(c)], channel_l_max[static_cast<std::size_t>(other)]);
      for (int l = 0; l <= reach; ++l) terms.push_back({.degree = 2, .channel = c, .other_channel = other, .l = l});
    }
  return terms;
}

std::string mixing_name(std::size_t centre) { return fmt::format("mixing_{}", centre); }

/// l1, l2, l3, l4, L of a product of one channel's moments; l4 = -1: degree 3, without L.
using Coupling = std::array<int, 5>;

constexpr int largest_coupled_l = 6;

bool is_coupling(const Coupling& c) {
  for (std::size_t k = 0; k < 3; ++k)
    if (c[k] < 0 || c[k] > largest_coupled_l) return false;
  if (c[3] < 0) return c[3] == -1 && c[4] == -1 && wigner_3j_zero(c[0], c[1], c[2]) != 0;
  return c[3] <= largest_coupled_l && c[4] >= 0 && c[4] <= 2 * largest_coupled_l &&
         wigner_3j_zero(c[0], c[1], c[4]) != 0 && wigner_3j_zero(c[2], c[3], c[4]) != 0;
}

std::vector<Coupling> read_couplings(const Model& model) {
  std::vector<Coupling> couplings;
  if (model.parameters.count("couplings") == 0) return couplings;
  const Array& table = parameter(model, "couplings", {-1, 5});
  for (std::size_t row = 0; row < static_cast<std::size_t>(table.shape[0]); ++row) {
    Coupling coupling{};
    for (std::size_t k = 0; k < 5; ++k)
      coupling[k] = checked_integer(table.values[5 * row + k], "couplings", -1, 2 * largest_coupled_l);
    if (!is_coupling(coupling)) refuse_parameter("couplings", fmt::format("row {} is not an invariant", row));
    couplings.push_back(coupling);
  }
  return couplings;
}

/// Every coupling of each channel that reaches its l; channels of one coupling follow each other, which the engine
/// vectorises over.
std::vector<ProductTerm> all_products(const std::vector<Coupling>& couplings, const std::vector<int>& channel_l_max) {
  std::vector<ProductTerm> products;
  for (const Coupling& l : couplings)
    for (int c = 0; c < static_cast<int>(channel_l_max.size()); ++c) {
      if (std::max({l[0], l[1], l[2], l[3]}) > channel_l_max[static_cast<std::size_t>(c)]) continue;
      products.push_back(l[3] < 0 ? coupled_product({c, c, c}, {l[0], l[1], l[2]})
                                  : coupled_product({c, c, c, c}, {l[0], l[1], l[2], l[3]}, l[4]));
    }
  return products;
}

/// All couplings of three moments with 1 <= l <= l_max.
std::vector<Coupling> cubic_couplings(int l_max) {
  std::vector<Coupling> couplings;
  for (int a = 1; a <= l_max; ++a)
    for (int b = a; b <= l_max; ++b)
      for (int c = b; c <= l_max; ++c)
        if (wigner_3j_zero(a, b, c) != 0) couplings.push_back({a, b, c, -1, -1});
  return couplings;
}

std::vector<Coupling> with(std::vector<Coupling> couplings, const std::vector<Coupling>& more) {
  couplings.insert(couplings.end(), more.begin(), more.end());
  return couplings;
}

struct Preset {
  int primitives, channels, l_max;
  std::vector<Coupling> couplings;
};

Preset find_preset(const std::string& name) {
  if (name == "fast") return {.primitives = 8, .channels = 6, .l_max = 3, .couplings = cubic_couplings(2)};
  if (name == "standard")
    return {.primitives = 8, .channels = 8, .l_max = 4, .couplings = with(cubic_couplings(4), {{1, 1, 2, 2, 2}})};
  if (name == "accurate")
    return {.primitives = 10,
            .channels = 12,
            .l_max = 4,
            .couplings = with(cubic_couplings(4), {{1, 1, 2, 2, 2}, {1, 1, 1, 3, 2}, {1, 2, 2, 3, 3}})};
  throw ConfigError(fmt::format("there is no preset \"{}\"", name), "model.preset",
                    "Choose fast, standard or accurate.");
}

}  // namespace

Descriptor describe_moment(const Model& model) {
  check_frame(model);
  const int primitives = integer_parameter(model, "primitives", 1, most_primitives);
  const Array& l_max = parameter(model, "channel_l_max", {-1});
  if (l_max.shape[0] > most_channels)
    refuse_parameter("channel_l_max", fmt::format("{} channels; the most is {}", l_max.shape[0], most_channels));
  std::vector<int> channel_l_max;
  int largest = 0;
  for (const double value : l_max.values) {
    channel_l_max.push_back(checked_integer(value, "channel_l_max", 0, largest_l));
    largest = std::max(largest, channel_l_max.back());
  }
  const int elements = static_cast<int>(model.elements.size());
  const std::vector<ProductTerm> products = all_products(read_couplings(model), channel_l_max);
  std::vector<std::string> known{"primitives", "channel_l_max", "couplings"};
  Descriptor descriptor{.cutoff = model.cutoff, .mixing_is_trainable = true, .centres = {}};
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    known.push_back(mixing_name(a));
    const Array& mixing = parameter(model, mixing_name(a), {l_max.shape[0], static_cast<Index>(elements) * primitives});
    CentreDescriptor centre{.primitives = {},
                            .channel_l_max = channel_l_max,
                            .mixing = {.rows = mixing.shape[0], .columns = mixing.shape[1], .values = mixing.values},
                            .terms = all_terms(channel_l_max),
                            .products = products,
                            .feature_map = {}};
    for (int b = 0; b < elements; ++b)
      for (int k = 0; k < primitives; ++k)
        centre.primitives.push_back({.neighbour = b, .l_max = largest, .function = primitive(k, model.cutoff)});
    descriptor.centres.push_back(std::move(centre));
  }
  refuse_other_parameters(model, known);
  return descriptor;
}

void initialise_moment(Model& model, const DescriptorOptions& options, std::uint64_t seed) {
  const Preset preset = find_preset(options.preset);
  model.parameters["primitives"] = scalar_array(preset.primitives);
  model.parameters["channel_l_max"] = {
      .shape = {preset.channels},
      .values = std::vector<double>(static_cast<std::size_t>(preset.channels), static_cast<double>(preset.l_max))};
  if (!preset.couplings.empty()) {
    Array table{.shape = {static_cast<Index>(preset.couplings.size()), 5}, .values = {}};
    for (const Coupling& coupling : preset.couplings)
      table.values.insert(table.values.end(), coupling.begin(), coupling.end());
    model.parameters["couplings"] = std::move(table);
  }
  const auto columns = static_cast<Index>(model.elements.size()) * preset.primitives;
  const double width = 1 / std::sqrt(static_cast<double>(preset.primitives));
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    RandomSequence random(seed, Stream::weight_init, 1000 + a);
    Array mixing{.shape = {preset.channels, columns}, .values = {}};
    for (Index k = 0; k < preset.channels * columns; ++k) {
      const auto order = static_cast<double>(k % preset.primitives);
      mixing.values.push_back(width * random.normal() / (1 + order));
    }
    model.parameters[mixing_name(a)] = std::move(mixing);
  }
}

}  // namespace haven
