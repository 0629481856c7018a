#include "training/final_fit.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "training/trainer.hpp"

namespace haven::training {
namespace {

struct NormalEquations {
  at::Tensor matrix, right;  // A^T A and A^T b
};

template <class T>
NormalEquations normal_equations(Team<T>& team, const FinalFitPlan& plan, std::span<const double> parameters) {
  constexpr std::size_t chunk = 64;  // frames whose rows are kept at a time
  constexpr Index fewest_draws = 2, most_draws = 1000;
  const auto n = static_cast<Index>(plan.unknowns.size()), frames = static_cast<Index>(plan.train.size());
  const LinearDraws draws{.count = std::clamp(plan.rows_per_unknown * n / frames, fewest_draws, most_draws),
                          .seed = plan.seed};
  LossScale scale = plan.scale;
  scale.frames = static_cast<double>(frames);
  at::Tensor sum = at::zeros({n + 1, n + 1}, at::kDouble);
  for (std::size_t begin = 0; begin < plan.train.size(); begin += chunk) {
    const auto part = plan.train.subspan(begin, std::min(chunk, plan.train.size() - begin));
    std::vector<double> rows;
    for (const auto& own : team.linear_rows(part, parameters, scale, draws))
      rows.insert(rows.end(), own.begin(), own.end());
    const at::Tensor a = at::from_blob(rows.data(), {static_cast<Index>(rows.size()) / (n + 1), n + 1}, at::kDouble);
    sum.addmm_(a.t(), a);
  }
  return {.matrix = sum.narrow(0, 0, n).narrow(1, 0, n).contiguous(), .right = sum.narrow(0, 0, n).narrow(1, n, 1)};
}

/// The solution with `ridge` times the trace on the diagonal; empty where rounding leaves the matrix indefinite.
std::vector<double> solve(const NormalEquations& equations, double ridge) {
  at::Tensor matrix = equations.matrix.clone();
  matrix.diagonal().add_(ridge * equations.matrix.trace().item<double>());
  const auto [factor, info] = at::linalg_cholesky_ex(matrix);
  if (info.item<int>() != 0) return {};
  const at::Tensor x = at::cholesky_solve(equations.right, factor).contiguous();
  return {x.data_ptr<double>(), x.data_ptr<double>() + x.numel()};
}

}  // namespace

std::vector<Index> linear_parameters(const ParameterLayout& layout) {
  std::vector<Index> unknowns;
  for (const ElementSlice& slice : layout.elements) {
    const LayerSlice& last = slice.layers.back();
    for (Index k = 0; slice.linear >= 0 && k < slice.layers.front().inputs; ++k) unknowns.push_back(slice.linear + k);
    for (Index k = 0; k < last.inputs; ++k) unknowns.push_back(last.weights + k);
    unknowns.push_back(last.bias);
  }
  return unknowns;
}

template <class T>
bool fit_linear_part(Team<T>& team, const FinalFitPlan& plan, Log& log, BestModel& best) {
  constexpr double largest_ridge = 1e-6, smallest_ridge = 1e-13, enough = 0.98;
  if (plan.valid.empty() || plan.train.empty() || plan.rows_per_unknown == 0) return false;
  const NormalEquations equations = normal_equations(team, plan, best.parameters);
  LossScale scale = plan.scale;
  scale.frames = static_cast<double>(plan.valid.size());
  const std::vector<double> start = best.parameters;
  double chosen = 0;
  for (double ridge = largest_ridge; ridge > 0.5 * smallest_ridge; ridge *= 0.1) {
    const std::vector<double> change = solve(equations, ridge);
    if (change.empty()) continue;
    std::vector<double> parameters = start;
    for (std::size_t k = 0; k < change.size(); ++k) parameters[static_cast<std::size_t>(plan.unknowns[k])] += change[k];
    const LossSums valid = team.errors(plan.valid, parameters, scale);
    const double value = validation_score(valid, scale);
    if (valid.bad_frame >= 0 || !(value < (chosen == 0 ? 1.0 : enough) * best.score)) continue;
    if (plan.exact && !plan.exact(parameters)) break;  // smaller ridges are worse in this
    chosen = ridge;
    best.score = value;
    best.parameters = std::move(parameters);
    best.valid = part_errors(valid);
  }
  if (chosen == 0) return false;
  scale.frames = static_cast<double>(plan.train.size());
  best.train = part_errors(team.errors(plan.train, best.parameters, scale));
  log.info(fmt::format("final fit of {} linear parameters (ridge {:.0e})  train {}  valid {}", plan.unknowns.size(),
                       chosen, describe_errors(best.train), describe_errors(best.valid)));
  return true;
}

template bool fit_linear_part(Team<float>&, const FinalFitPlan&, Log&, BestModel&);
template bool fit_linear_part(Team<double>&, const FinalFitPlan&, Log&, BestModel&);

}  // namespace haven::training
