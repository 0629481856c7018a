#include "md/relax.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "md/relax_surface.hpp"

namespace haven {

Fire::Fire(RelaxSurface& surface) : surface_(surface), velocity_(surface.present().force) { velocity_ *= 0; }

/// Turns the velocity towards the force, or stops when it leads uphill.
void Fire::mix() {
  constexpr double longest_timestep = 1.0, grow = 1.1, shrink = 0.5, mixing_decay = 0.99;
  constexpr int patience = 5;
  const RelaxVector& force = surface_.present().force;
  if (inner(force, velocity_) <= 0) {
    velocity_ *= 0;
    timestep_ *= shrink;
    mixing_ = first_mixing;
    downhill_ = 0;
    return;
  }
  const double along = mixing_ * std::sqrt(inner(velocity_, velocity_) / inner(force, force));
  velocity_ *= 1 - mixing_;
  velocity_.add(along, force);
  if (++downhill_ <= patience) return;
  timestep_ = std::min(longest_timestep, timestep_ * grow);
  mixing_ *= mixing_decay;
}

bool Fire::step() {
  mix();
  velocity_.add(timestep_, surface_.present().force);
  const RelaxPoint from = surface_.present();
  surface_.go(from, surface_.allowed_factor(velocity_, timestep_), velocity_);
  return true;
}

/// The two loops: the force, times an estimate of the inverse Hessian.
RelaxVector Lbfgs::direction() const {
  constexpr double first_scale = 1.0 / 70;  // A^2/eV, of a stiff bond; soft systems find theirs with the first pair
  RelaxVector d = surface_.present().force;
  std::vector<double> along(history_.size());
  for (std::size_t k = history_.size(); k-- > 0;) {
    along[k] = inner(history_[k].step, d) / history_[k].curvature;
    d.add(-along[k], history_[k].change);
  }
  d *= history_.empty() ? first_scale
                        : history_.back().curvature / inner(history_.back().change, history_.back().change);
  for (std::size_t k = 0; k < history_.size(); ++k)
    d.add(along[k] - inner(history_[k].change, d) / history_[k].curvature, history_[k].step);
  return d;
}

bool Lbfgs::search(const RelaxPoint& from, const RelaxVector& direction, double& factor) {
  constexpr double sufficient = 1e-4, flatter = 0.9, resolution = 1e-13;
  constexpr int trials = 8;
  const double slope = inner(from.force, direction), start = from.values.enthalpy;
  const double noise = resolution * std::max(1.0, std::abs(start));
  for (int trial = 0; trial < trials; ++trial) {
    surface_.go(from, factor, direction);
    const double gained = start - surface_.present().values.enthalpy;
    if (gained >= sufficient * factor * slope) return true;
    if (gained >= -noise && std::abs(inner(surface_.present().force, direction)) <= flatter * slope) return true;
    const double parabola = 0.5 * factor * factor * slope / (factor * slope - gained);
    factor = std::clamp(parabola, 0.1 * factor, 0.5 * factor);
  }
  return false;
}

void Lbfgs::remember(const RelaxPoint& from, const RelaxVector& direction, double factor) {
  Pair pair{.step = direction, .change = from.force};
  pair.step *= factor;
  pair.change.add(-1, surface_.present().force);
  pair.curvature = inner(pair.step, pair.change);
  constexpr double least_cosine = 1e-8;
  const double lengths = std::sqrt(inner(pair.step, pair.step) * inner(pair.change, pair.change));
  if (!(pair.curvature > least_cosine * lengths)) return;
  if (history_.size() == memory) history_.erase(history_.begin());
  history_.push_back(std::move(pair));
}

bool Lbfgs::step() {
  const RelaxPoint from = surface_.present();
  for (const bool last_attempt : {history_.empty(), true}) {
    RelaxVector d = direction();
    double factor = surface_.allowed_factor(d, 1.0);
    if (inner(from.force, d) > 0 && search(from, d, factor)) {
      remember(from, d, factor);
      return true;
    }
    surface_.go(from, 0, d);
    if (last_attempt) return false;
    history_.clear();
  }
  return false;
}

RelaxResult relax(const Potential& potential, const Structure& structure, const RelaxOptions& options,
                  const std::function<void(const RelaxStep&)>& report) {
  RelaxSurface surface(potential, structure, options);
  std::unique_ptr<Minimiser> minimiser;
  if (options.method == RelaxMethod::fire) minimiser = std::make_unique<Fire>(surface);
  if (options.method == RelaxMethod::lbfgs) minimiser = std::make_unique<Lbfgs>(surface);
  RelaxResult result{.structure = {}, .first = surface.present().values, .last = {}};
  if (report) report(surface.present().values);
  bool goes_on = true;
  while (goes_on && !surface.converged() && surface.present().values.step < options.max_steps) {
    goes_on = minimiser->step();
    if (report) report(surface.present().values);
  }
  result.structure = surface.present().structure;
  result.structure.velocities.clear();
  result.last = surface.present().values;
  result.converged = surface.converged();
  return result;
}

}  // namespace haven
