#pragma once
#include "md/integrators/integrator.hpp"

namespace haven {

/// Velocities of owned atoms under the present forces for half a timestep.
void half_kick(Dynamics& dynamics);
/// Positions of owned atoms at constant velocity for `fraction` of a timestep.
void drift(Dynamics& dynamics, double fraction = 1.0);

/// Velocity Verlet (Swope et al., J. Chem. Phys. 76, 637 (1982)): time-reversible, symplectic, energy error O(dt^2).
/// Constant energy.
class VelocityVerlet final : public Integrator {
 public:
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics&, double kinetic, double potential) const override {
    return kinetic + potential;
  }
  void save(Variables&) const override {}
  void load(const Variables&) override {}
};

}  // namespace haven
