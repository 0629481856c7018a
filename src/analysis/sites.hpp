#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "analysis/displacements.hpp"
#include "analysis/estimate.hpp"
#include "analysis/structure.hpp"
#include "core/structure.hpp"

namespace haven {

/// Places where mobile ions rest.
struct SiteMap {
  Mat3 cell{};
  std::vector<Vec3> fractional{};  ///< in [0, 1)
  std::vector<int> type{};         ///< sites of equal surroundings share a type, numbered from 0
  std::string origin{};            ///< where the sites come from, for the output
};

/// Sites of a reference crystal: its atoms of the mobile elements. Its cell is scaled to the mean one; the rigid shift
/// between the two is found from the host atoms.
/// @throws InputError when the reference has no mobile atoms, or its host does not fit that of the run
[[nodiscard]] SiteMap sites_of_reference(const Structure& reference, const IonTracks& tracks);

/// Sites at the maxima of the density: points that no other within `separation` exceeds and that hold at least a tenth
/// of an ion within half of it; refined to the centre of the density around them.
[[nodiscard]] SiteMap sites_of_density(const DensityMap& map, const IonTracks& tracks, double separation = 1.5);

/// A rate with its 95 % interval.
struct Rate {
  long long count = 0;
  double per_ps = 0;
  std::array<double, 2> ci95{};
  double dispersion = 1;  ///< variance of counts over that of a Poisson process; in the interval
};
/// `count` events in `time_ps`: the exact interval of a Poisson process (Garwood 1936), from 0 when there was none. Of
/// events that come in bursts, `dispersion` to one, the interval of count / dispersion bursts.
[[nodiscard]] Rate poisson_rate(long long count, double time_ps, double dispersion = 1);
/// Variance of counts over that of a Poisson process of their mean rate, from cells of observed time: Pearson's chi^2
/// over its degrees of freedom where it contradicts a Poisson process (p < 0.5 %), else 1. Cells are merged until they
/// hold five events on average; fewer than fifty events tell nothing.
[[nodiscard]] double count_dispersion(std::span<const double> events, std::span<const double> time);

struct SiteStatistics {
  double occupation = 0, occupation_sd = 0;  ///< mean number of ions, standard error from five blocks
  double residence_ps = 0;                   ///< mean time until the ion leaves; 0 when none left
  std::array<double, 2> residence_ci95{};    ///< upper end infinite when none left
  long long departures = 0;
  double occupied_ps = 0;  ///< summed over ions: what rates are counted against
};

/// Jumps from one site (or site type) to another.
struct Jump {
  int from = 0, to = 0;
  double distance = 0;  ///< A, mean over the jumps (types) or between the sites
  Rate rate{};          ///< per ion on `from`
};

/// What the ions did on the sites.
struct JumpNetwork {
  std::vector<SiteStatistics> sites, types{};
  std::vector<Jump> jumps, type_jumps{};
  std::vector<long long> sites_of_type{};
  double time_ps = 0;
  double core_radius = 0;    ///< A, an ion has arrived when it is that close to a site
  double between_sites = 0;  ///< share of the time that ions are outside every core
  long long returns = 0;     ///< jumps undone by the same ion's next jump
  long long jumps_total = 0;
  std::vector<long long> jumps_of_ion{};
  /// D_hop = sum of squared jump lengths / (2 d N t), cm^2/s: the diffusion of independent jumps. The interval is that
  /// of a Poisson process of these lengths, widened where counts contradict one; refused with a bound without jumps.
  Estimate hop_diffusion{};
  bool finely_sampled = true;  ///< fewer than 5 % of the jumps skip over another site
};

/// Follows every ion from site to site. An ion belongs to the site whose core it visited last, so that rattling across
/// a boundary is no jump. The core radius is 0.45 of the distance of the closest two sites.
[[nodiscard]] JumpNetwork jump_network(const IonTracks& tracks, const SiteMap& sites);

/// For kinetic Monte Carlo: sites (fractional and Cartesian), types, cell, and rates with intervals.
[[nodiscard]] std::string network_json(const SiteMap& sites, const JumpNetwork& network);
/// from,to,from_type,to_type,distance_A,count,rate_per_ps,low,high
[[nodiscard]] std::string jumps_csv(const SiteMap& sites, const JumpNetwork& network);
/// site,type,x,y,z,occupation,sd,residence_ps,...
[[nodiscard]] std::string sites_csv(const SiteMap& sites, const JumpNetwork& network);

}  // namespace haven
