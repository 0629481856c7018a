#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/communicator.hpp"
#include "md/dynamics.hpp"
#include "md/options.hpp"

namespace haven {

/// One step of an ensemble, in two halves around the evaluation of the forces.
///
/// An integrator may change positions, velocities and the cell. It is the same object on every rank and keeps only
/// values that are the same on every rank; what a restart needs goes through save() and load().
class Integrator {
 public:
  using Variables = std::map<std::string, std::vector<double>>;

  virtual ~Integrator() = default;
  Integrator() = default;
  Integrator(const Integrator&) = delete;
  Integrator& operator=(const Integrator&) = delete;

  /// What it needs from every evaluation besides forces; a barostat wants the virial.
  [[nodiscard]] virtual Wanted wanted() const { return Wanted::forces; }
  /// From the forces at the start of the step to the positions at its end.
  virtual void before_forces(Dynamics& dynamics, Communicator& group) = 0;
  /// With the forces at the end of the step.
  virtual void after_forces(Dynamics& dynamics, Communicator& group) = 0;
  /// The quantity that exact integration of the ensemble's equations of motion would conserve, eV.
  [[nodiscard]] virtual double conserved(const Dynamics& dynamics, double kinetic, double potential) const = 0;
  virtual void save(Variables& variables) const = 0;
  /// @throws InputError when a variable is missing.
  virtual void load(const Variables& variables) = 0;
};

/// What a checkpoint holds under `name`. @throws InputError when it is not there, or has another number of values.
[[nodiscard]] const std::vector<double>& stored_variable(const Integrator::Variables& variables, const char* name,
                                                         std::size_t size);

/// The integrator of a stage.
[[nodiscard]] std::unique_ptr<Integrator> make_integrator(const StageOptions& stage);

}  // namespace haven
