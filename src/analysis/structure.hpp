#pragma once
#include <array>
#include <string>
#include <vector>

#include "analysis/displacements.hpp"

namespace haven {

/// Pair distribution of two elements, averaged over frames and origins.
struct PairDistribution {
  int first = 0, second = 0;                 ///< atomic numbers
  std::vector<double> r{};                   ///< A, centres of the bins
  std::vector<double> g{};                   ///< g(r), 1 for an ideal gas
  std::vector<double> coordination{};        ///< mean number of `second` atoms within r + half a bin of a `first` atom
  double first_peak = 0, first_minimum = 0;  ///< A; 0 when there is no clear peak
  double neighbours = 0, neighbours_sd = 0;  ///< coordination at the first minimum, standard error from five blocks
};

/// g(r) and coordination numbers of all pairs of elements up to half the smallest height of the cell, from the frames
/// in which the host is kept (at most 512).
[[nodiscard]] std::vector<PairDistribution> pair_distributions(const IonTracks& tracks, double bin = 0.05);

/// van Hove functions of the mobile ions at one lag.
struct VanHove {
  double lag_ps = 0;
  std::vector<double> r{};         ///< A, centres of the bins
  std::vector<double> self{};      ///< 4 pi r^2 G_s(r, t), 1/A: probability density of the displacement; integral 1
  std::vector<double> distinct{};  ///< G_d(r, t) / density: 1 at large r; peaks at r -> 0 where ions replace each other
};
/// At `lags` frames, all origins for the self part, at most 200 for the distinct part (ions of one element are alike).
[[nodiscard]] std::vector<VanHove> van_hove(const IonTracks& tracks, const std::vector<Index>& lags, double bin = 0.1);

/// Number density of the mobile ions on a grid over the mean cell.
struct DensityMap {
  std::array<int, 3> points{};  ///< along a, b, c
  Mat3 cell{};
  std::vector<double> values{};  ///< 1/A^3, a slowest
  [[nodiscard]] std::size_t index(int a, int b, int c) const {
    return (static_cast<std::size_t>(a) * static_cast<std::size_t>(points[1]) + static_cast<std::size_t>(b)) *
               static_cast<std::size_t>(points[2]) +
           static_cast<std::size_t>(c);
  }
};
/// @param spacing  A between grid points
[[nodiscard]] DensityMap density_map(const IonTracks& tracks, double spacing = 0.25);
/// Gaussian cube file (bohr, density in 1/bohr^3) and VASP's CHGCAR (density times volume) with the host at its mean
/// positions.
[[nodiscard]] std::string cube_text(const DensityMap& map, const IonTracks& tracks);
[[nodiscard]] std::string chgcar_text(const DensityMap& map, const IonTracks& tracks);

/// Mean positions of the host atoms, A.
[[nodiscard]] std::vector<Vec3> mean_host(const IonTracks& tracks);

}  // namespace haven
