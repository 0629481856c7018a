#include "md/integrators/integrator.hpp"

#include "core/error.hpp"
#include "md/integrators/csvr.hpp"
#include "md/integrators/velocity_verlet.hpp"

namespace haven {

std::unique_ptr<Integrator> make_integrator(const StageOptions& stage) {
  switch (stage.ensemble) {
    case Ensemble::nve:
      return std::make_unique<VelocityVerlet>();
    case Ensemble::nvt:
      return std::make_unique<Csvr>(stage.tau_fs);
  }
  throw InternalError("unknown ensemble", "make_integrator");
}

}  // namespace haven
