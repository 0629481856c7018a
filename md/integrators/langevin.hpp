#pragma once
#include "md/integrators/integrator.hpp"

namespace haven {

/// Langevin dynamics in the splitting BAOAB (Leimkuhler, Matthews, Appl. Math. Res. eXpress 2013, 34): half a kick,
/// half a drift, friction and noise over a whole step, half a drift, half a kick.
///
/// The noise of the total momentum is taken out, which leaves exact Langevin dynamics of the other degrees of freedom
/// and the system at rest (not with frozen atoms, which hold it). Conserves K + U less the heat from the bath. Random
/// numbers are a function of (seed, Stream::langevin, step, atom). Friction changes diffusion: not for transport.
class Langevin final : public Integrator {
 public:
  /// @param tau  1/friction, fs, > 0; infinite means no bath
  explicit Langevin(double tau) : tau_(tau) {}
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics&, double kinetic, double potential) const override {
    return kinetic + potential - received_;
  }
  void save(Variables& variables) const override;
  void load(const Variables& variables) override;

 private:
  void exchange_heat(Dynamics& dynamics, Communicator& group);

  double tau_;
  double received_ = 0;  // eV from the bath since the stage began
};

}  // namespace haven
