#pragma once
#include <span>
#include <string>

#include "analysis/hop_spread.hpp"
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
  double temperature_K = 0;  ///< as the trajectory says, 0 if unknown
  std::vector<PairDistribution> pairs{};
  std::vector<VanHove> van_hove{};
  SiteMap sites{};
  JumpNetwork network{};
  HopSpread spread{};
  CorrelationFactors factors{};
  std::vector<std::string> remarks{};
};
/// Shells, sites and jumps, hops of single ions, correlation factors.
[[nodiscard]] std::string structure_json(const StructureReport& report);
[[nodiscard]] std::string structure_text(const StructureReport& report);

}  // namespace haven
