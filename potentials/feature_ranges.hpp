#pragma once
#include <string>
#include <vector>

#include "core/neighbour_list.hpp"
#include "potentials/descriptor.hpp"
#include "potentials/model.hpp"

namespace haven {

/// Where a feature of one atom lies relative to its range over the training set.
struct FeatureExcess {
  Index feature = 0;         ///< of the descriptor of the atom's element
  double value = 0;          ///< before shift and scale
  double low = 0, high = 0;  ///< the range
  double excess = 0;         ///< distance beyond the range over its width; not positive inside
};

/// Says in plain words why an atom counts as outside the training range of a model. The evaluators only count: this is
/// for the few atoms that are reported, by the literal evaluator in double precision, about a millisecond each.
class FeatureRanges {
 public:
  /// @throws ModelError what describe() throws
  explicit FeatureRanges(const Model& model);
  /// Whether the model carries ranges of all its elements. Imported potentials do not.
  [[nodiscard]] bool known() const { return known_; }
  /// The feature of a centre that is farthest outside, or nearest to its bound; the ranges must be known.
  [[nodiscard]] FeatureExcess worst(const LocalAtoms& atoms, const NeighbourView& list, Index centre) const;
  /// Atomic number of an element of the model.
  [[nodiscard]] int number(int species) const { return model_.elements[static_cast<std::size_t>(species)].number; }
  /// What a feature is made of: "channels 2 and 3, l = 1".
  /// @param species  index of the element in the model
  [[nodiscard]] std::string name(int species, Index feature) const;

 private:
  Model model_;
  Descriptor descriptor_;
  bool known_ = false;
};

}  // namespace haven
