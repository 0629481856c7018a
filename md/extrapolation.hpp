#pragma once
#include <string>
#include <vector>

#include "md/dynamics.hpp"
#include "md/force_engine.hpp"
#include "potentials/feature_ranges.hpp"

namespace haven {

/// An atom outside the training range, with the feature that is farthest outside.
struct OutsideAtom {
  AtomId atom = -1;
  int species = 0;  ///< index of its element in the model
  Vec3 position{};  ///< A
  FeatureExcess feature;
};

/// The atoms that the last evaluation found outside: those with the lowest ids, at most `most_named_atoms` of them, the
/// same on every rank. Collective.
inline constexpr std::size_t most_named_atoms = 16;
[[nodiscard]] std::vector<OutsideAtom> outside_atoms(Communicator& group, const ForceEngine& engine,
                                                     const AtomStore& atoms, const FeatureRanges& ranges);
/// The one that is farthest outside, the lowest id among equals; null when there is none.
[[nodiscard]] const OutsideAtom* farthest(const std::vector<OutsideAtom>& atoms);
/// "atom 5 (Li): channels 2 and 3, l = 1 is 1.32, in training 0.1 to 1.21; ...", the three farthest outside first.
[[nodiscard]] std::string outside_text(const std::vector<OutsideAtom>& atoms, const FeatureRanges& ranges);
/// The same for events.jsonl: ,"atoms":[{"atom":5,...}, ...]
[[nodiscard]] std::string outside_json(const std::vector<OutsideAtom>& atoms, const FeatureRanges& ranges);

}  // namespace haven
