#pragma once
#include <span>
#include <string>

#include "analysis/sites.hpp"
#include "analysis/structure.hpp"

namespace haven {

/// r_A, then g(r) and coordination of every pair.
[[nodiscard]] std::string pair_csv(std::span<const PairDistribution> pairs);
[[nodiscard]] std::string pair_svg(std::span<const PairDistribution> pairs);
/// r_A, then self and distinct part of every lag.
[[nodiscard]] std::string van_hove_csv(std::span<const VanHove> functions);
[[nodiscard]] std::string van_hove_svg(std::span<const VanHove> functions);

/// Everything that `haven transport structure` found.
struct StructureReport {
  std::string source{};
  std::vector<PairDistribution> pairs{};
  std::vector<VanHove> van_hove{};
  SiteMap sites{};
  JumpNetwork network{};
  std::vector<std::string> remarks{};
};
/// Shells, sites by type and jump rates by type; the full network is in jumps.json.
[[nodiscard]] std::string structure_json(const StructureReport& report);
[[nodiscard]] std::string structure_text(const StructureReport& report);

}  // namespace haven
