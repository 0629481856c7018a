#pragma once
#include "md/integrators/velocity_verlet.hpp"

namespace haven {

/// Velocity rescaling with canonical sampling (Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007)): all
/// velocities are multiplied by one factor, which makes the kinetic energy an exact draw of its relaxation over one
/// step (eq. A7). Random numbers are a function of (seed, Stream::csvr, step), so a restart continues the same
/// sequence.
class VelocityRescaling {
 public:
  /// @param tau  relaxation time of the kinetic energy, fs, > 0; infinite means no bath
  explicit VelocityRescaling(double tau) : tau_(tau) {}
  /// The bath's action over one timestep. Collective.
  void apply(Dynamics& dynamics, Communicator& group);
  [[nodiscard]] double received() const { return received_; }  ///< eV from the bath since the stage began
  void save(Integrator::Variables& variables) const;
  void load(const Integrator::Variables& variables);

 private:
  double tau_;
  double received_ = 0;
};

/// Constant temperature: velocity rescaling after every velocity Verlet step. Conserves K + U minus the energy received
/// from the bath.
class Csvr final : public Integrator {
 public:
  explicit Csvr(double tau) : bath_(tau) {}
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics&, double kinetic, double potential) const override {
    return kinetic + potential - bath_.received();
  }
  void save(Variables& variables) const override { bath_.save(variables); }
  void load(const Variables& variables) override { bath_.load(variables); }

 private:
  VelocityRescaling bath_;
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
