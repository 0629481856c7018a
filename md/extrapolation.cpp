#include "md/extrapolation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/species.hpp"

namespace haven {
namespace {

bool lower_id(const OutsideAtom& a, const OutsideAtom& b) { return a.atom < b.atom; }

void keep_lowest(std::vector<OutsideAtom>& atoms) {
  std::sort(atoms.begin(), atoms.end(), lower_id);
  if (atoms.size() > most_named_atoms) atoms.resize(most_named_atoms);
}

bool farther(const OutsideAtom& a, const OutsideAtom& b) {
  return a.feature.excess > b.feature.excess || (a.feature.excess == b.feature.excess && a.atom < b.atom);
}

}  // namespace

std::vector<OutsideAtom> outside_atoms(Communicator& group, const ForceEngine& engine, const AtomStore& atoms,
                                       const FeatureRanges& ranges) {
  std::vector<OutsideAtom> mine;
  for (std::size_t i = 0; i < atoms.extrapolates.size(); ++i)
    if (atoms.extrapolates[i] != 0)
      mine.push_back(
          {.atom = atoms.ids[i], .species = atoms.species[i], .position = atoms.positions[i], .feature = {}});
  keep_lowest(mine);
  for (OutsideAtom& atom : mine) {
    const auto at = std::find(atoms.ids.begin(), atoms.ids.begin() + atoms.n_owned, atom.atom) - atoms.ids.begin();
    atom.feature = ranges.worst(atoms.local(), engine.list(), static_cast<Index>(at));
  }
  std::vector<OutsideAtom> all;
  for (const auto& bytes : group.all_gather(bytes_of(std::span<const OutsideAtom>(mine))))
    for (const OutsideAtom& atom : values_of<OutsideAtom>(bytes)) all.push_back(atom);
  keep_lowest(all);
  return all;
}

const OutsideAtom* farthest(const std::vector<OutsideAtom>& atoms) {
  return atoms.empty() ? nullptr : &*std::min_element(atoms.begin(), atoms.end(), farther);
}

std::string outside_text(const std::vector<OutsideAtom>& atoms, const FeatureRanges& ranges) {
  constexpr std::size_t most_in_text = 3;
  std::vector<OutsideAtom> order = atoms;
  std::sort(order.begin(), order.end(), farther);
  if (order.size() > most_in_text) order.resize(most_in_text);
  std::string text;
  for (const OutsideAtom& atom : order)
    text += fmt::format("{}atom {} ({}): feature {} ({}) is {:.4g}, in training {:.4g} to {:.4g}",
                        text.empty() ? "" : "; ", atom.atom, element_symbol(ranges.number(atom.species)),
                        atom.feature.feature, ranges.name(atom.species, atom.feature.feature), atom.feature.value,
                        atom.feature.low, atom.feature.high);
  return text;
}

std::string outside_json(const std::vector<OutsideAtom>& atoms, const FeatureRanges& ranges) {
  const auto number = [](double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; };
  std::string text;
  for (const OutsideAtom& atom : atoms)
    text += fmt::format(
        R"({}{{"atom":{},"element":"{}","feature":{},"feature_name":"{}","value":{},"low":{},"high":{},"excess":{}}})",
        text.empty() ? "" : ",", atom.atom, element_symbol(ranges.number(atom.species)), atom.feature.feature,
        ranges.name(atom.species, atom.feature.feature), number(atom.feature.value), number(atom.feature.low),
        number(atom.feature.high), number(atom.feature.excess));
  return text.empty() ? "" : fmt::format(R"(,"atoms":[{}])", text);
}

}  // namespace haven
