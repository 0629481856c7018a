#include "md/integrators/integrator.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/units.hpp"
#include "md/integrators/cell_rescaling.hpp"
#include "md/integrators/langevin.hpp"
#include "md/integrators/martyna_tobias_klein.hpp"
#include "md/integrators/nose_hoover.hpp"
#include "md/integrators/velocity_verlet.hpp"

namespace haven {

static std::unique_ptr<Integrator> make_thermostat(const StageOptions& stage) {
  switch (stage.thermostat) {
    case Thermostat::bussi:
      return std::make_unique<Csvr>(stage.tau_fs);
    case Thermostat::nose_hoover:
      return std::make_unique<NoseHooverChain>(stage.tau_fs);
    case Thermostat::langevin:
      return std::make_unique<Langevin>(stage.tau_fs);
  }
  throw InternalError("unknown thermostat", "make_thermostat");
}

static std::unique_ptr<Integrator> make_barostat(const StageOptions& stage) {
  const BarostatOptions& barostat = stage.barostat;
  const double pressure = barostat.pressure_gpa / units::ev_per_a3_in_gpa;
  if (barostat.type == Barostat::martyna_tobias_klein)
    return std::make_unique<MartynaTobiasKlein>(MartynaTobiasKleinOptions{.shape = barostat.shape,
                                                                          .pressure = pressure,
                                                                          .barostat_tau = barostat.tau_fs,
                                                                          .thermostat_tau = stage.tau_fs});
  return std::make_unique<CellRescaling>(
      CellRescalingOptions{.shape = barostat.shape,
                           .pressure = pressure,
                           .bulk_modulus = barostat.bulk_modulus_gpa / units::ev_per_a3_in_gpa,
                           .tau = barostat.tau_fs},
      stage.tau_fs);
}

const std::vector<double>& stored_variable(const Integrator::Variables& variables, const char* name, std::size_t size) {
  const auto found = variables.find(name);
  if (found == variables.end() || found->second.size() != size)
    throw InputError(fmt::format("the checkpoint lacks the variable {}", name), "checkpoint",
                     "It was written by a run with another thermostat or barostat: start the run anew.");
  return found->second;
}

std::unique_ptr<Integrator> make_integrator(const StageOptions& stage) {
  switch (stage.ensemble) {
    case Ensemble::nve:
      return std::make_unique<VelocityVerlet>();
    case Ensemble::nvt:
      return make_thermostat(stage);
    case Ensemble::npt:
      return make_barostat(stage);
  }
  throw InternalError("unknown ensemble", "make_integrator");
}

}  // namespace haven
