#include "training/polish.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "training/trainer.hpp"

namespace haven::training {
namespace {

struct Point {
  std::vector<double> parameters, gradient;
  LossSums sums;
};

template <class T>
class Polisher {
 public:
  Polisher(Team<T>& team, const PolishPlan& plan, BestModel& best) : team_(team), plan_(plan), best_(best) {
    scale_ = plan.scale;
    scale_.frames = 0;
    for (const Batch& batch : plan.batches)
      for (const auto& shard : batch) scale_.frames += static_cast<double>(shard.size());
  }

  /// Loss, errors and gradient over all training frames.
  [[nodiscard]] Point at(std::vector<double> parameters) {
    Point point{.parameters = std::move(parameters), .gradient = {}, .sums = {}};
    point.gradient.assign(point.parameters.size(), 0.0);
    std::vector<double> part(point.parameters.size());
    for (const Batch& batch : plan_.batches) {
      point.sums.add(team_.gradient(batch, point.parameters, scale_, part));
      for (std::size_t k = 0; k < part.size(); ++k) point.gradient[k] += part[k];
    }
    return point;
  }

  /// The first point along the direction with enough descent (Armijo's rule, steps halved); false when there is none.
  [[nodiscard]] bool advance(Point& point, const std::vector<double>& direction, double step) {
    constexpr double enough = 1e-4;
    constexpr int most_trials = 8;
    const double slope = std::inner_product(direction.begin(), direction.end(), point.gradient.begin(), 0.0);
    if (slope >= 0) return false;
    for (int trial = 0; trial < most_trials; ++trial, step *= 0.5) {
      std::vector<double> parameters = point.parameters;
      for (std::size_t k = 0; k < parameters.size(); ++k) parameters[k] += step * direction[k];
      Point next = at(std::move(parameters));
      if (next.sums.bad_frame >= 0 || !(next.sums.loss <= point.sums.loss + enough * step * slope)) continue;
      point = std::move(next);
      return true;
    }
    return false;
  }

  /// Keeps the point when it is the best so far. Returns whether it is.
  bool judge(const Point& point) {
    LossScale scale = plan_.scale;
    scale.frames = static_cast<double>(std::max<std::size_t>(1, plan_.valid.size()));
    const LossSums valid = team_.errors(plan_.valid, point.parameters, scale);
    const double value = plan_.valid.empty() ? score(point.sums, scale) : validation_score(valid, scale);
    valid_ = part_errors(valid);
    if (value >= best_.score) return false;
    best_.score = value;
    best_.parameters = point.parameters;
    best_.train = part_errors(point.sums);
    best_.valid = valid_;
    return true;
  }
  [[nodiscard]] const PartErrors& valid() const { return valid_; }

 private:
  Team<T>& team_;
  const PolishPlan& plan_;
  BestModel& best_;
  LossScale scale_;
  PartErrors valid_;
};

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> result(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) result[k] = a[k] - b[k];
  return result;
}

}  // namespace

template <class T>
PolishEnd polish(Team<T>& team, const PolishPlan& plan, const std::function<bool()>& stop, Log& log, BestModel& best) {
  constexpr double first_step = 1e-3;  // of a step of the size of Adam's with rate 1
  Polisher<T> polisher(team, plan, best);
  LimitedMemoryBfgs method(plan.initial);
  Point point = polisher.at(best.parameters);
  Index stale = 0;
  for (Index k = 0; k < plan.iterations && (plan.patience == 0 || stale < plan.patience); ++k) {
    if (stop()) return PolishEnd::stopped;
    const std::vector<double> before = point.parameters, gradient = point.gradient;
    if (!polisher.advance(point, method.direction(gradient), k == 0 ? first_step : 1.0)) break;
    method.learn(difference(point.parameters, before), difference(point.gradient, gradient));
    stale = polisher.judge(point) ? 0 : stale + 1;
    if (k % 10 == 9)
      log.info(fmt::format("polish {:4d}  train {}  valid {}", k + 1, describe_errors(part_errors(point.sums)),
                           describe_errors(polisher.valid())));
  }
  return PolishEnd::finished;
}

template PolishEnd polish(Team<float>&, const PolishPlan&, const std::function<bool()>&, Log&, BestModel&);
template PolishEnd polish(Team<double>&, const PolishPlan&, const std::function<bool()>&, Log&, BestModel&);

}  // namespace haven::training
