#include "core/structure.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/species.hpp"

namespace haven {

std::string composition(const Structure& structure) {
  std::vector<std::pair<int, Index>> counts;
  for (const int number : structure.numbers) {
    auto it = counts.begin();
    while (it != counts.end() && it->first != number) ++it;
    if (it == counts.end()) {
      counts.emplace_back(number, 1);
    } else {
      ++it->second;
    }
  }
  std::string text;
  for (const auto& [number, count] : counts)
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", element_symbol(number), count);
  return text;
}

Structure supercell(const Structure& structure, int n_a, int n_b, int n_c) {
  if (n_a < 1 || n_b < 1 || n_c < 1)
    throw ConfigError("a supercell needs three positive repeats", "supercell", "Give for example [2, 2, 2].");
  const Mat3& h = structure.cell.vectors();
  const Mat3 scaled{
      {{static_cast<double>(n_a) * h[0], static_cast<double>(n_b) * h[1], static_cast<double>(n_c) * h[2]}}};
  Structure result{.cell = Cell(scaled, structure.cell.periodic()), .numbers = {}, .positions = {}};
  for (int a = 0; a < n_a; ++a)
    for (int b = 0; b < n_b; ++b)
      for (int c = 0; c < n_c; ++c) {
        const Vec3 shift = structure.cell.translation({a, b, c});
        for (const Vec3& position : structure.positions) result.positions.push_back(position + shift);
        result.numbers.insert(result.numbers.end(), structure.numbers.begin(), structure.numbers.end());
        result.velocities.insert(result.velocities.end(), structure.velocities.begin(), structure.velocities.end());
      }
  return result;
}

}  // namespace haven
