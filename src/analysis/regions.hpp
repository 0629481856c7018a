#pragma once
#include <array>
#include <string>
#include <vector>

#include "analysis/displacements.hpp"
#include "analysis/estimate.hpp"

namespace haven {

/// A part of the cell: a sphere (a particle, a void), a cylinder along a lattice direction (a dislocation, a pore), or
/// a slab between lattice planes (a grain boundary).
struct Region {
  enum class Shape { sphere, cylinder, slab };
  Shape shape = Shape::sphere;
  Vec3 centre{};                    ///< fractional; of the sphere, or a point of the cylinder's axis
  std::array<int, 3> indices{};     ///< direction u v w of the cylinder, planes h k l of the slab
  double radius = 0;                ///< A
  std::array<double, 2> between{};  ///< h x + k y + l z of the slab, the second above the first, at most 1 apart
  [[nodiscard]] std::string name() const;
};

struct RegionOptions {
  std::vector<Region> regions{};  ///< an ion in several belongs to the first; what is left is the last of the result
  double lag_ps = 0;              ///< motion is taken between this lag and twice of it: diffusive
};

struct RegionMotion {
  std::string name;                ///< "elsewhere" for the rest of the cell
  double ions = 0, ions_sd = 0;    ///< mean number, standard error from ten blocks
  std::array<double, 2> weight{};  ///< share of all displacements of one and of two lags that counts here
  std::array<double, 2> msd{};     ///< A^2, at one and two lags
  Estimate diffusion{};            ///< cm^2/s
};

struct RegionReport {
  double lag_ps = 0;
  std::vector<RegionMotion> regions;
};

/// Diffusion by region with displacements weighted by residence: a displacement counts in every region with the share
/// of its time that the ion spent there, so that weights add up to one and weighted means to the whole cell's.
/// D = (MSD(2 lag) - MSD(lag)) / 6 lag; errors from ten blocks of the run (jackknife, Student's t); refused above 50 %
/// or below twenty independent displacements. Over the distance that ions move within twice the lag neighbouring
/// regions are mixed; a conductivity of a region is not defined by its ions.
/// @throws ConfigError for shapes or a lag that do not make sense
[[nodiscard]] RegionReport analyse_regions(const IonTracks& tracks, const RegionOptions& options);

[[nodiscard]] std::string regions_text(const RegionReport& report);
[[nodiscard]] std::string regions_json(const RegionReport& report);
[[nodiscard]] std::string regions_csv(const RegionReport& report);

}  // namespace haven
