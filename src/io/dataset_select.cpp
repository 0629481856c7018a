#include "io/dataset_select.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "core/neighbour_list.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

/// Features of the atoms of one structure, [atoms][features].
class AtomFeatures {
 public:
  AtomFeatures(const DescriptorOptions& options, const std::vector<int>& elements)
      : model_(with_networks(new_model(options, elements, 1))),
        descriptor_(describe(model_)),
        program_(compile(descriptor_, model_, 1e-6)),
        tables_(descriptor_, program_) {
    for (const ModelElement& element : model_.elements) elements_.push_back(element.number);
  }

  [[nodiscard]] const std::vector<int>& elements() const { return elements_; }
  [[nodiscard]] std::size_t features(std::size_t element) const {
    return static_cast<std::size_t>(descriptor_.centres[element].features());
  }

  /// Calls use(element, features) for every atom.
  template <class Use>
  void for_each_atom(const Structure& structure, Use use) {
    const std::vector<int> species = species_indices(structure.numbers, elements_);
    std::vector<AtomId> ids(structure.numbers.size());
    std::iota(ids.begin(), ids.end(), AtomId{0});
    list_.build(structure.cell,
                {.positions = structure.positions, .ids = ids, .species = species, .n_centres = structure.size()},
                model_.cutoff);
    const NeighbourView view = list_.view();
    std::vector<reference::Neighbour<double>> neighbours;
    for (Index i = 0; i < structure.size(); ++i) {
      const auto atom = static_cast<std::size_t>(i);
      neighbours.clear();
      for (Index entry = view.offsets[atom]; entry < view.offsets[atom + 1]; ++entry) {
        const Vec3 d = view.displacement(structure.positions, i, entry);
        if (norm2(d) >= model_.cutoff * model_.cutoff) continue;
        const auto j = static_cast<std::size_t>(view.atom[static_cast<std::size_t>(entry)]);
        neighbours.push_back({.species = species[j], .d = {d.x, d.y, d.z}});
      }
      const auto result = reference::evaluate_centre<double>(descriptor_, model_, tables_, species[atom],
                                                             std::span<const reference::Neighbour<double>>(neighbours));
      use(static_cast<std::size_t>(species[atom]), result.features);
    }
  }

 private:
  /// The evaluator wants networks; only its features are used.
  static Model with_networks(Model model) {
    const Descriptor descriptor = describe(model);
    for (std::size_t e = 0; e < model.elements.size(); ++e) {
      const auto n = static_cast<std::size_t>(descriptor.centres[e].features());
      ModelElement& element = model.elements[e];
      element.feature_shift.assign(n, 0.0);
      element.feature_scale.assign(n, 1.0);
      element.network.layers = {{static_cast<int>(n), 1, Activation::identity, std::vector<double>(n, 0.0), {0.0}}};
    }
    return model;
  }

  Model model_;
  Descriptor descriptor_;
  Program program_;
  reference::TableRadial tables_;
  std::vector<int> elements_;
  NeighbourList list_;
};

std::vector<int> elements_of(std::span<const Frame> frames) {
  std::set<int> elements;
  for (const Frame& frame : frames) {
    if (frame.structure.size() == 0)
      throw InputError("a frame has no atoms", frame.source.path, "Leave it out of the dataset.");
    elements.insert(frame.structure.numbers.begin(), frame.structure.numbers.end());
  }
  return {elements.begin(), elements.end()};
}

/// Columns to mean 0 and spread 1; those that do not vary go.
FrameFeatures standardised(const std::vector<std::vector<double>>& rows) {
  const std::size_t width = rows.empty() ? 0 : rows.front().size();
  const auto n = static_cast<double>(rows.size());
  std::vector<double> mean(width, 0.0), spread(width, 0.0), size(width, 0.0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < width; ++c) {
      mean[c] += row[c] / n;
      size[c] = std::max(size[c], std::abs(row[c]));
    }
  for (const auto& row : rows)
    for (std::size_t c = 0; c < width; ++c) spread[c] += (row[c] - mean[c]) * (row[c] - mean[c]) / n;
  std::vector<std::size_t> kept;
  for (std::size_t c = 0; c < width; ++c)
    if (std::sqrt(spread[c]) > 1e-9 * size[c]) kept.push_back(c);
  FrameFeatures features{.columns = kept.size(), .values = {}};
  features.values.reserve(rows.size() * kept.size());
  for (const auto& row : rows)
    for (const std::size_t c : kept)
      features.values.push_back(static_cast<float>((row[c] - mean[c]) / std::sqrt(spread[c])));
  return features;
}

double distance2(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    const double d = static_cast<double>(a[c]) - static_cast<double>(b[c]);
    sum += d * d;
  }
  return sum;
}

}  // namespace

FrameFeatures frame_features(std::span<const Frame> frames, const DescriptorOptions& descriptor) {
  AtomFeatures atoms(descriptor, elements_of(frames));
  const std::size_t elements = atoms.elements().size();
  std::vector<std::vector<double>> rows;
  for (const Frame& frame : frames) {
    std::vector<std::vector<double>> sum(elements), squares(elements);
    std::vector<double> count(elements, 0.0);
    for (std::size_t e = 0; e < elements; ++e) {
      sum[e].assign(atoms.features(e), 0.0);
      squares[e].assign(atoms.features(e), 0.0);
    }
    atoms.for_each_atom(frame.structure, [&](std::size_t e, const std::vector<double>& features) {
      count[e] += 1;
      for (std::size_t f = 0; f < features.size(); ++f) {
        sum[e][f] += features[f];
        squares[e][f] += features[f] * features[f];
      }
    });
    std::vector<double> row;
    for (std::size_t e = 0; e < elements; ++e) {
      const double n = std::max(1.0, count[e]);
      for (std::size_t f = 0; f < sum[e].size(); ++f) {
        const double mean = sum[e][f] / n;
        row.push_back(mean);
        row.push_back(std::sqrt(std::max(0.0, squares[e][f] / n - mean * mean)));
      }
      row.push_back(count[e] / static_cast<double>(frame.structure.size()));
    }
    rows.push_back(std::move(row));
  }
  return standardised(rows);
}

Selection farthest_points(const FrameFeatures& features, std::size_t count, std::size_t known) {
  const std::size_t n = features.columns == 0 ? 0 : features.values.size() / features.columns;
  if (count < 1 || known > n || count > n - known)
    throw ConfigError(fmt::format("{} of {} frames cannot be chosen", count, n - std::min(known, n)), "-k",
                      "Choose between 1 and the number of frames that differ from each other.");
  constexpr double far = std::numeric_limits<double>::infinity();
  std::vector<double> nearest(n, far);  // squared distance to the chosen and known rows
  const auto take = [&](std::size_t chosen) {
    for (std::size_t f = known; f < n; ++f)
      nearest[f] = std::min(nearest[f], distance2(features.row(f), features.row(chosen)));
  };
  for (std::size_t k = 0; k < known; ++k) take(k);
  Selection selection;
  for (std::size_t pick = 0; pick < count; ++pick) {
    std::size_t best = known;
    if (pick == 0 && known == 0) {
      const std::vector<float> mean(features.columns, 0.0F);
      for (std::size_t f = 1; f < n; ++f)
        if (distance2(features.row(f), mean) < distance2(features.row(best), mean)) best = f;
    } else {
      for (std::size_t f = known; f < n; ++f)
        if (nearest[f] > nearest[best]) best = f;
    }
    selection.frames.push_back(best);
    selection.distance.push_back(std::isinf(nearest[best]) ? 0.0 : std::sqrt(nearest[best]));
    take(best);
    nearest[best] = -1;  // never again, not even among equal frames
  }
  for (std::size_t f = known; f < n; ++f) selection.left = std::max(selection.left, nearest[f]);
  selection.left = std::sqrt(selection.left);
  return selection;
}

}  // namespace haven
