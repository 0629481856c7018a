#include "analysis/symmetry.hpp"

#include <fmt/format.h>
#include <spglib.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

namespace haven {

std::optional<SpaceGroup> space_group(const Structure& structure, double tolerance) {
  const auto& periodic = structure.cell.periodic();
  const auto atoms = static_cast<std::size_t>(structure.size());
  if (atoms == 0 || !std::all_of(periodic.begin(), periodic.end(), [](bool along) { return along; }))
    return std::nullopt;
  double lattice[3][3];  // spglib's cell vectors are columns
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) lattice[i][j] = structure.cell.vectors()[j][i];
  const auto positions = std::make_unique<double[][3]>(atoms);
  for (std::size_t i = 0; i < atoms; ++i) {
    const Vec3 s = structure.cell.to_fractional(structure.positions[i]);
    for (int k = 0; k < 3; ++k) positions[i][k] = s[k];
  }
  const std::unique_ptr<SpglibDataset, decltype(&spg_free_dataset)> found(
      spg_get_dataset(lattice, positions.get(), structure.numbers.data(), static_cast<int>(atoms), tolerance),
      &spg_free_dataset);
  if (!found || found->spacegroup_number == 0) return std::nullopt;
  const std::set<int> orbits(found->equivalent_atoms, found->equivalent_atoms + found->n_atoms);
  return SpaceGroup{.number = found->spacegroup_number,
                    .symbol = static_cast<const char*>(found->international_symbol),
                    .operations = found->n_operations,
                    .inequivalent = static_cast<Index>(orbits.size())};
}

std::string describe(const std::optional<SpaceGroup>& group) {
  return group ? fmt::format("{} ({})", group->symbol, group->number) : "unknown";
}

}  // namespace haven
