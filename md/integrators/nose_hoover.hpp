#pragma once
#include "md/integrators/integrator.hpp"
#include "md/integrators/thermostat_chain.hpp"

namespace haven {

/// Constant temperature by a chain of three Nose-Hoover thermostats, half a step of it before and after each velocity
/// Verlet step. Deterministic. Conserves K + U plus the chain's energy.
class NoseHooverChain final : public Integrator {
 public:
  /// @param tau  time scale of the first thermostat, fs, > 0; infinite means no bath
  explicit NoseHooverChain(double tau) : chain_(tau) {}
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics& dynamics, double kinetic, double potential) const override {
    return kinetic + potential + chain_.energy(dynamics.degrees_of_freedom);
  }
  void save(Variables& variables) const override;
  void load(const Variables& variables) override;

 private:
  void propagate_half(Dynamics& dynamics, Communicator& group);
  ThermostatChain chain_;
};

}  // namespace haven
