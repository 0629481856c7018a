#pragma once
#include <array>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// A chain of three Nose-Hoover thermostats (Martyna, Klein, Tuckerman, J. Chem. Phys. 97, 2635 (1992)) in the
/// reversible factorisation of Martyna, Tuckerman, Tobias, Klein, Mol. Phys. 87, 1117 (1996), with the third-order
/// weights of Suzuki and Yoshida. Acts on anything that has a kinetic energy: atoms, or a barostat.
///
/// Masses are N_f kT tau^2 and kT tau^2 with kT at its first use.
class ThermostatChain {
 public:
  /// @param tau  time scale of the first thermostat, fs, > 0; infinite means no bath
  explicit ThermostatChain(double tau) : tau_(tau) {}
  /// The chain's action over `time` (fs) on `degrees` degrees of freedom with this kinetic energy (eV), at this kT
  /// (eV). Returns the factor for their velocities.
  [[nodiscard]] double apply(double time, double kt, Index degrees, double kinetic);
  /// The chain's kinetic energy plus the heat it took, eV. The heat is accumulated as an integral, so that the sum with
  /// the energy of the thermostatted degrees is conserved in temperature ramps too.
  [[nodiscard]] double energy(Index degrees) const;
  [[nodiscard]] std::vector<double> state() const { return {mass_kt_, momenta_[0], momenta_[1], momenta_[2], taken_}; }
  static constexpr std::size_t state_size = 5;
  /// Inverse of state(), which has state_size values.
  void restore(const std::vector<double>& state);

 private:
  static constexpr std::size_t length = 3;
  /// One factor of the factorisation over time `delta`; returns the factor for all velocities.
  double propagate(double delta, double kt, double degrees, double kinetic);
  [[nodiscard]] double mass(std::size_t k, double degrees) const {
    return (k == 0 ? degrees : 1.0) * mass_kt_ * tau_ * tau_;
  }

  double tau_;
  double mass_kt_ = 0;                    // eV, in the masses; 0 before the first step
  std::array<double, length> momenta_{};  // eV fs
  double taken_ = 0;                      // eV
};

}  // namespace haven
