#include "potentials/program/drivers/triplet_powers.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace haven {
namespace {

class Planner {
 public:
  explicit Planner(PowerRows& out) : out_(out) {}

  /// The window of a sector or its slope; each is asked for once.
  std::size_t sector_row(PowerStep::Kind kind, const AngleWindow& window) {
    if (!angle_) {
      out_.steps.push_back({.kind = PowerStep::Kind::angle});
      angle_ = out_.steps.size() - 1;
    }
    out_.steps.push_back({.kind = kind, .left = *angle_, .window = window});
    return out_.steps.size() - 1;
  }

  std::size_t row(double lambda, double exponent) {
    if (exponent == 0) lambda = 0;  // one row of ones for all
    const auto found = rows_.find({lambda, exponent});
    if (found != rows_.end()) return found->second;
    if (exponent == 0 || exponent == 1) return add(lambda, exponent, {.lambda = lambda});
    if (exponent != std::floor(exponent))
      return add(lambda, exponent,
                 {.kind = PowerStep::Kind::real, .lambda = lambda, .zeta = exponent, .left = row(lambda, 1)});
    const double half = part_of(lambda, exponent);
    const std::size_t left = row(lambda, half), right = row(lambda, exponent - half);
    return add(lambda, exponent, {.kind = PowerStep::Kind::product, .lambda = lambda, .left = left, .right = right});
  }

 private:
  /// One of two integer exponents that add up to `exponent`: rows that are there if possible, halves otherwise.
  [[nodiscard]] double part_of(double lambda, double exponent) const {
    for (const auto& [key, index] : rows_)
      if (key.first == lambda && key.second > 0 && rows_.contains({lambda, exponent - key.second})) return key.second;
    return std::ceil(exponent / 2);
  }
  std::size_t add(double lambda, double exponent, const PowerStep& step) {
    out_.steps.push_back(step);
    return rows_[{lambda, exponent}] = out_.steps.size() - 1;
  }

  PowerRows& out_;
  std::optional<std::size_t> angle_;
  std::map<std::pair<double, double>, std::size_t> rows_;
};

}  // namespace

PowerRows plan_powers(const std::vector<TripletPower>& powers) {
  PowerRows out;
  Planner planner(out);
  std::vector<std::size_t> ascending(powers.size());
  for (std::size_t p = 0; p < powers.size(); ++p) ascending[p] = p;
  std::stable_sort(ascending.begin(), ascending.end(),
                   [&](std::size_t a, std::size_t b) { return powers[a].zeta < powers[b].zeta; });
  const auto is_sector = [](const TripletPower& power) { return power.sector.type != WindowType::none; };
  out.value.resize(powers.size());
  for (const std::size_t p : ascending)
    out.value[p] = is_sector(powers[p]) ? planner.sector_row(PowerStep::Kind::sector, powers[p].sector)
                                        : planner.row(powers[p].lambda, powers[p].zeta);
  out.for_values = out.steps.size();
  for (const TripletPower& power : powers) {
    out.below.push_back(is_sector(power) ? planner.sector_row(PowerStep::Kind::sector_slope, power.sector)
                                         : planner.row(power.lambda, power.zeta - 1));
    out.slope_scale.push_back(is_sector(power) ? 1.0 : power.lambda * power.zeta);
  }
  return out;
}

}  // namespace haven
