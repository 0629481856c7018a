#pragma once
#include <string>
#include <vector>

#include "analysis/estimate.hpp"
#include "analysis/sites.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// Ions that made `first` to `last` hops, beside what a Poisson process of the mean rate would give.
struct HopBin {
  long long first = 0, last = 0;
  long long ions = 0;
  double expected = 0;
};

/// How hops and displacements are spread over the ions: whether few of them carry the diffusion.
struct HopSpread {
  std::vector<int> numbers;     ///< [ion] atomic number
  std::vector<long long> hops;  ///< [ion] over the run
  double mean_hops = 0;
  double dispersion = 0;          ///< variance of hops over ions / mean: 1 when ions with one rate hop independently
  double poisson_p = 1;           ///< that such ions scatter this much or more (chi^2 of N - 1 degrees of freedom)
  double half_share = 0;          ///< smallest share of the ions that makes half of the hops; 0 without hops
  double half_share_poisson = 0;  /// the same of ions with one rate
  std::vector<HopBin> histogram;  ///< at most some forty bins
  double lag_ps = 0;
  std::vector<double> msd;  ///< [ion] A^2 at the lag, over all time origins
  double mean_msd = 0;
  double msd_spread = 0;           ///< standard deviation over ions / mean
  double msd_spread_expected = 0;  ///< of equal ions that jump independently: sqrt(V + 1/n), V that of a Gaussian walk
                                   ///< averaged over the origins of this run, n hops of an ion
  double covariance = 0;  ///< of ln(mean hops) and ln(mean msd), measured over ions: those that jump more move more
};

/// @param lag_ps  where motion is diffusive, at most half the run
[[nodiscard]] HopSpread hop_spread(const IonTracks& tracks, const JumpNetwork& network, double lag_ps);

/// Diffusion coefficients side by side, cm^2/s, and their ratios.
struct CorrelationFactors {
  Estimate hop;          ///< D_hop: as if jumps were independent
  Estimate tracer;       ///< D*
  Estimate collective;   ///< D_sigma; refused for several mobile species
  Estimate f;            ///< D*/D_hop
  Estimate f_I;          ///< D_sigma/D_hop
  Estimate haven_ratio;  ///< D*/D_sigma = f/f_I
};
/// Intervals from the errors of the logarithms. Those of D_hop and D* share what the ions share (`spread`); those of
/// D_hop and D_sigma are taken as independent.
/// @param motion  of the same tracks, all mobile ions with one charge
[[nodiscard]] CorrelationFactors correlation_factors(const JumpNetwork& network, const TransportResult& motion,
                                                     const HopSpread& spread);

/// ion,element,hops,msd_A2,msd_over_mean
[[nodiscard]] std::string ions_csv(const HopSpread& spread);
/// hops_from,hops_to,ions,expected_poisson
[[nodiscard]] std::string hops_csv(const HopSpread& spread);
[[nodiscard]] std::string hops_svg(const HopSpread& spread);
/// Histogram of the ions' MSD over its mean, beside that of equal ions.
[[nodiscard]] std::string ions_svg(const HopSpread& spread);
/// Objects of structure.json.
[[nodiscard]] std::string hop_spread_json(const HopSpread& spread);
[[nodiscard]] std::string correlation_factors_json(const CorrelationFactors& factors);
[[nodiscard]] std::string hop_spread_text(const HopSpread& spread);
[[nodiscard]] std::string correlation_factors_text(const CorrelationFactors& factors);

}  // namespace haven
