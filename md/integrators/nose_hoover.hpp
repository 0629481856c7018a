#pragma once
#include <array>

#include "md/integrators/integrator.hpp"

namespace haven {

/// Constant temperature by a chain of three Nose-Hoover thermostats (Martyna, Klein, Tuckerman, J. Chem. Phys. 97, 2635
/// (1992)) in the reversible factorisation of Martyna, Tuckerman, Tobias, Klein, Mol. Phys. 87, 1117 (1996), with the
/// third-order weights of Suzuki and Yoshida. Deterministic.
///
/// Masses are N_f kT tau^2 and kT tau^2 with kT at the beginning of the stage. Conserves K + U plus the chain's kinetic
/// energy plus the heat it took; the heat is accumulated as an integral, so that it holds for ramps too.
class NoseHooverChain final : public Integrator {
 public:
  /// @param tau  time scale of the first thermostat, fs, > 0; infinite means no bath
  explicit NoseHooverChain(double tau) : tau_(tau) {}
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics& dynamics, double kinetic, double potential) const override;
  void save(Variables& variables) const override;
  void load(const Variables& variables) override;

 private:
  static constexpr std::size_t length = 3;
  void propagate_half(Dynamics& dynamics, Communicator& group);
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
