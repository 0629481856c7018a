#include "potentials/feature_ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"

namespace haven {
namespace {

std::string term_name(const CentreDescriptor& centre, std::size_t term) {
  if (term < centre.terms.size()) {
    const BasisTerm& t = centre.terms[term];
    return t.degree == 1 ? fmt::format("radial, channel {}", t.channel)
                         : fmt::format("channels {} and {}, l = {}", t.channel, t.other_channel, t.l);
  }
  term -= centre.terms.size();
  if (term < centre.products.size()) {
    const MomentProduct& product = centre.products[term].front();
    std::string channels;
    for (std::size_t k = 0; k < static_cast<std::size_t>(product.degree); ++k)
      channels += fmt::format("{}{}", k == 0 ? "" : ", ", product.channel[k]);
    return fmt::format("product of channels {}", channels);
  }
  const TripletTerm& t = centre.triplets[term - centre.products.size()];
  if (t.sector.type != WindowType::none)
    return fmt::format("angular, channels {} and {}, {:g} to {:g} degrees", t.channel, t.other_channel,
                       (t.sector.middle - t.sector.width) * 180 / std::numbers::pi,
                       (t.sector.middle + t.sector.width) * 180 / std::numbers::pi);
  return fmt::format("angular, channels {} and {}, lambda = {:g}, zeta = {:g}", t.channel, t.other_channel, t.lambda,
                     t.zeta);
}

}  // namespace

FeatureRanges::FeatureRanges(const Model& model) : model_(model), descriptor_(describe(model)) {
  known_ = !model_.elements.empty();
  for (std::size_t e = 0; e < model_.elements.size(); ++e) {
    const auto features = static_cast<std::size_t>(descriptor_.centres[e].features());
    known_ = known_ && model_.elements[e].feature_min.size() == features &&
             model_.elements[e].feature_max.size() == features;
  }
}

FeatureExcess FeatureRanges::worst(const LocalAtoms& atoms, const NeighbourView& list, Index centre) const {
  HAVEN_ASSERT(known_);
  const auto i = static_cast<std::size_t>(centre);
  std::vector<reference::Neighbour<double>> neighbours;
  for (Index entry = list.offsets[i]; entry < list.offsets[i + 1]; ++entry) {
    const Vec3 d = list.displacement(atoms.positions, centre, entry);
    if (!(norm2(d) < model_.cutoff * model_.cutoff)) continue;
    const auto j = static_cast<std::size_t>(list.atom[static_cast<std::size_t>(entry)]);
    neighbours.push_back({.species = atoms.species[j], .d = {d.x, d.y, d.z}});
  }
  const int species = atoms.species[i];
  const std::vector<double> features =
      reference::evaluate_centre<double>(descriptor_, model_, reference::ClosedFormRadial{&descriptor_}, species,
                                         std::span<const reference::Neighbour<double>>(neighbours))
          .features;
  const ModelElement& element = model_.elements[static_cast<std::size_t>(species)];
  FeatureExcess worst{.excess = -std::numeric_limits<double>::infinity()};
  for (std::size_t f = 0; f < features.size(); ++f) {
    const double low = element.feature_min[f], high = element.feature_max[f];
    const double beyond = std::max(low - features[f], features[f] - high);
    // A feature that never varied in training: any distance is infinitely many widths.
    const double excess = high > low   ? beyond / (high - low)
                          : beyond > 0 ? std::numeric_limits<double>::infinity()
                                       : 0.0;
    if (excess > worst.excess)
      worst = {.feature = static_cast<Index>(f), .value = features[f], .low = low, .high = high, .excess = excess};
  }
  return worst;
}

std::string FeatureRanges::name(int species, Index feature) const {
  const CentreDescriptor& centre = descriptor_.centres[static_cast<std::size_t>(species)];
  const Matrix& map = centre.feature_map;
  if (map.rows == 0) return term_name(centre, static_cast<std::size_t>(feature));
  Index used = 0, largest = 0;
  for (Index t = 0; t < map.columns; ++t) {
    used += map(feature, t) != 0 ? 1 : 0;
    if (std::abs(map(feature, t)) > std::abs(map(feature, largest))) largest = t;
  }
  const std::string name = term_name(centre, static_cast<std::size_t>(largest));
  return used > 1 ? fmt::format("combination of {} terms, most of all {}", used, name) : name;
}

}  // namespace haven
