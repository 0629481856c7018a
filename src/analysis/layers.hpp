#pragma once
#include <array>
#include <string>
#include <vector>

#include "analysis/displacements.hpp"
#include "analysis/estimate.hpp"
#include "analysis/sites.hpp"

namespace haven {

/// Slabs of the cell between lattice planes: layers of a crystal, grains and the boundary between them.
struct LayerOptions {
  std::array<int, 3> planes{0, 0, 1};  ///< Miller indices h k l in the cell of the run
  std::vector<double> edges{};  ///< h x + k y + l z in [0, 1), ascending: the last layer runs over 1 to the first
  double lag_ps = 0;            ///< motion within a layer is taken between this lag and twice of it: diffusive
};

struct CellLayer {
  double low = 0, high = 0;      ///< fractional; high > 1 when the layer runs over the cell boundary
  double thickness = 0;          ///< A
  double ions = 0, ions_sd = 0;  ///< mean number, standard error from ten blocks
  double density = 0;            ///< ions per A^3
  Estimate in_plane{};           ///< diffusion coefficient along the layer, cm^2/s
  double segments = 0;           ///< stays of twice the lag, counted without overlap, behind it
  Rate leaving{};                ///< per ion in the layer
  double residence_ps = 0;       ///< 1 / rate; 0 when no ion left
};

struct LayerReport {
  std::array<int, 3> planes{0, 0, 1};
  double lag_ps = 0;
  std::vector<CellLayer> layers;
};

/// Diffusion along each layer, where the ions are, and how fast they leave.
///
/// Only displacements of ions that stay in the layer for the whole lag count: motion along the layer that knows nothing
/// of the motion across it is then measured without bias (Liu, Harder & Berne, J. Phys. Chem. B 108, 6595 (2004)).
/// Across a layer the same condition selects the ions that move little, so no coefficient is given there; the rate of
/// leaving is what can be said. An ion has left when it is 0.5 A inside another layer, so that rattling across an edge
/// is no exchange. D = (MSD(2 lag) - MSD(lag)) / 4 lag, errors from ten blocks of the run with Student's t. Refused
/// when fewer than twenty stays are behind it.
/// @throws ConfigError for edges or a lag that do not make sense
[[nodiscard]] LayerReport analyse_layers(const IonTracks& tracks, const LayerOptions& options);

[[nodiscard]] std::string layers_json(const LayerReport& report);
[[nodiscard]] std::string layers_csv(const LayerReport& report);
[[nodiscard]] std::string layers_text(const LayerReport& report);
[[nodiscard]] std::string layers_svg(const LayerReport& report);

}  // namespace haven
