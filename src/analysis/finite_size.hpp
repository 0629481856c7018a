#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/transport.hpp"

namespace haven {

/// Settings of the comparison of cells.
struct FiniteSizeOptions {
  /// mPa s; of a liquid: D* is then given for an infinite cell (Yeh & Hummer, J. Phys. Chem. B 108, 15873 (2004)).
  std::optional<double> viscosity_mPa_s{};
};

/// One quantity in cells of different size, beside the largest cell that determines it.
struct SizeComparison {
  std::string name;                       ///< "D*", "D_sigma", "H_R"
  std::vector<Estimate> values{};         ///< by cell, smallest first
  std::vector<double> difference{};       ///< ln(value / that of the largest cell); 0 where either is refused
  std::vector<double> standard_scores{};  ///< difference over its standard error
  double chi2 = 0, p_value = 1;           ///< that all cells have one value
  int dof = 0;                            ///< 0: fewer than two cells determine it
  double resolution = 0;                  ///< difference that would have been seen: 1.96 of the smallest standard error
};

/// Results of one temperature in cells of different size.
struct SizeStudy {
  double temperature_K = 0;
  std::vector<long long> n_ions{};  ///< ascending
  std::vector<double> width{};      ///< A, smallest distance of opposite faces
  std::vector<SizeComparison> quantities{};
  std::vector<double> hydrodynamic_correction{};  ///< cm^2/s, by cell; empty without a viscosity
  std::vector<AnalysisWarning> warnings{};
};

/// Finite-size correction of D* of a liquid in a cubic cell, 2.837297 kB T / (6 pi eta L), cm^2/s (Yeh & Hummer 2004).
/// @param viscosity_mPa_s  > 0
[[nodiscard]] double yeh_hummer_correction(double temperature_K, double viscosity_mPa_s, double edge_A);

/// Compares D*, D_sigma and H_R of cells of different size at every temperature where there are at least two, hottest
/// last. A crystal has no hydrodynamic correction: its cells are compared as they are.
/// @throws ConfigError when no temperature has two sizes, when sizes of one temperature repeat, and for a viscosity
/// with results that have a host at rest (a solid) or a cell that is not cubic.
[[nodiscard]] std::vector<SizeStudy> compare_sizes(std::span<const TransportResult> results,
                                                   const FiniteSizeOptions& options);

[[nodiscard]] std::string sizes_text(const SizeStudy& study);
[[nodiscard]] std::string sizes_json(std::span<const SizeStudy> studies);
[[nodiscard]] std::string sizes_csv(std::span<const SizeStudy> studies);
/// Every quantity over that of the largest cell, against 1/N.
[[nodiscard]] std::string sizes_svg(const SizeStudy& study);

}  // namespace haven
