#pragma once
#include "md/integrators/velocity_verlet.hpp"

namespace haven {

/// Velocity rescaling with canonical sampling (Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007)).
///
/// After every velocity Verlet step all velocities are multiplied by one factor, which makes the kinetic energy an
/// exact draw of its relaxation over one step (eq. A7). Conserves K + U minus the energy received from the bath. Random
/// numbers are a function of (seed, Stream::csvr, step), so a restart continues the same sequence.
class Csvr final : public Integrator {
 public:
  /// @param tau  relaxation time of the kinetic energy, fs, > 0; infinite means no bath
  explicit Csvr(double tau) : tau_(tau) {}
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics&, double kinetic, double potential) const override {
    return kinetic + potential - received_;
  }
  void save(Variables& variables) const override;
  void load(const Variables& variables) override;

 private:
  VelocityVerlet verlet_;
  double tau_;
  double received_ = 0;  // eV from the bath since the stage began
};

/// Factor for all velocities: eq. A7 with the sign of Bussi & Parrinello, Comput. Phys. Commun. 179, 26 (2008), eq. A8,
/// which matters for few degrees of freedom only.
/// @param kinetic         present kinetic energy, eV, > 0
/// @param mean_kinetic    N_f k_B T / 2, eV
/// @param decay           exp(-dt / tau), in [0, 1]
struct CsvrDraw {
  double kinetic = 0, mean_kinetic = 0, decay = 1;
  Index degrees_of_freedom = 0;
};
[[nodiscard]] double csvr_factor(const CsvrDraw& draw, std::uint64_t seed, std::uint64_t step);

}  // namespace haven
