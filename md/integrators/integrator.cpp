#include "md/integrators/integrator.hpp"

#include "core/error.hpp"
#include "core/units.hpp"
#include "md/integrators/cell_rescaling.hpp"
#include "md/integrators/langevin.hpp"
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

std::unique_ptr<Integrator> make_integrator(const StageOptions& stage) {
  switch (stage.ensemble) {
    case Ensemble::nve:
      return std::make_unique<VelocityVerlet>();
    case Ensemble::nvt:
      return make_thermostat(stage);
    case Ensemble::npt:
      return std::make_unique<CellRescaling>(
          CellRescalingOptions{.shape = stage.barostat.shape,
                               .pressure = stage.barostat.pressure_gpa / units::ev_per_a3_in_gpa,
                               .bulk_modulus = stage.barostat.bulk_modulus_gpa / units::ev_per_a3_in_gpa,
                               .tau = stage.barostat.tau_fs},
          stage.tau_fs);
  }
  throw InternalError("unknown ensemble", "make_integrator");
}

}  // namespace haven
