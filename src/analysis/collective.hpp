#pragma once
#include <array>
#include <span>
#include <vector>

#include "analysis/msd.hpp"

namespace haven {

/// Charge displacement P(t) = sum_i q_i r_i(t) of drift-free tracks, e A; [axis][frame].
using ChargeDisplacement = std::array<std::vector<double>, 3>;

/// `charges`: one formal charge per ion, e. Integer charges are exact for transport (Grasselli & Baroni, Nat. Phys. 15,
/// 967 (2019)).
[[nodiscard]] ChargeDisplacement charge_displacement(const IonTracks& tracks, std::span<const double> charges);

/// Mean squared charge displacement over all time origins, divided by sum_i q_i^2: in A^2, the collective analogue of
/// the MSD. Its slope / (2 d) is D_sigma; the number of ions is in this normalisation, so H_R = D* / D_sigma needs no
/// further factor.
struct CollectiveCurve {
  std::vector<Index> lags;                  ///< frames
  std::vector<std::array<double, 3>> axes;  ///< A^2
  std::vector<double> total;                ///< A^2
};
[[nodiscard]] CollectiveCurve collective_displacement(const ChargeDisplacement& displacement,
                                                      double sum_of_squared_charges, std::span<const Index> lags,
                                                      const FrameRange& range);

}  // namespace haven
