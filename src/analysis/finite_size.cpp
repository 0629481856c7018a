#include "analysis/finite_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "analysis/distributions.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

constexpr double same_temperature = 1.0;  ///< K
constexpr double smallest_width = 20.0;   ///< A, see TR015

bool has_host(const TransportResult& result) {
  return std::none_of(result.warnings.begin(), result.warnings.end(), [](const auto& w) { return w.code == "TR001"; });
}

bool is_cubic(const Mat3& cell) {
  const double edge = norm(cell[0]);
  for (int a = 0; a < 3; ++a) {
    if (std::abs(norm(cell[a]) - edge) > 1e-3 * edge) return false;
    for (int b = 0; b < a; ++b)
      if (std::abs(dot(cell[a], cell[b])) > 1e-3 * edge * edge) return false;
  }
  return true;
}

void check_liquid(const TransportResult& result) {
  if (has_host(result))
    throw ConfigError(
        fmt::format("{} has a framework at rest: a solid has no hydrodynamic finite-size correction", result.label),
        "--viscosity", "Leave it out: the cells are then compared as they are.");
  if (!is_cubic(result.mean_cell))
    throw ConfigError(fmt::format("{}: the correction of Yeh and Hummer holds for cubic cells", result.label),
                      "--viscosity", "Use cubic cells, or leave it out.");
}

/// The same relative interval about a value that is larger by `shift`, and the same absolute one.
Estimate shifted(const Estimate& e, double shift) {
  if (!e.determined()) return e;
  Estimate out = e;
  out.value += shift;
  for (std::size_t k = 0; k < 2; ++k) out.ci68[k] += shift, out.ci95[k] += shift;
  return out;
}

SizeComparison compared(std::string name, std::vector<Estimate> values) {
  SizeComparison out{.name = std::move(name), .values = std::move(values)};
  const std::size_t n = out.values.size();
  out.difference.assign(n, 0), out.standard_scores.assign(n, 0);
  const auto largest =
      std::find_if(out.values.rbegin(), out.values.rend(), [](const auto& e) { return e.determined(); });
  if (largest == out.values.rend()) return out;
  const auto reference = static_cast<std::size_t>(out.values.rend() - largest - 1);
  double weights = 0, mean = 0;
  int determined = 0;
  for (const Estimate& e : out.values) {
    if (!e.determined()) continue;
    const double w = 1.0 / std::pow(e.log_sd(), 2);
    weights += w, mean += w * std::log(e.value), ++determined;
  }
  mean /= weights;
  for (std::size_t k = 0; k < n; ++k) {
    const Estimate& e = out.values[k];
    if (!e.determined()) continue;
    out.chi2 += std::pow((std::log(e.value) - mean) / e.log_sd(), 2);
    if (k == reference) continue;
    const double error = std::hypot(e.log_sd(), largest->log_sd());
    out.difference[k] = std::log(e.value / largest->value), out.standard_scores[k] = out.difference[k] / error;
    out.resolution = out.resolution > 0 ? std::min(out.resolution, 1.96 * error) : 1.96 * error;
  }
  out.dof = determined - 1;
  if (out.dof > 0) out.p_value = chi2_survival(out.chi2, out.dof);
  return out;
}

SizeStudy study_of(std::span<const TransportResult* const> cells, const FiniteSizeOptions& options) {
  SizeStudy study{.temperature_K = cells.front()->temperature_K};
  std::vector<Estimate> tracer, collective, ratio;
  for (const TransportResult* cell : cells) {
    if (!study.n_ions.empty() && study.n_ions.back() == cell->n_ions)
      throw ConfigError(fmt::format("two results at {:g} K have {} ions", study.temperature_K, cell->n_ions),
                        cell->label, "Give one result for each size; replicas belong into one analysis.");
    study.n_ions.push_back(cell->n_ions);
    const Vec3 heights = Cell(cell->mean_cell).heights();
    study.width.push_back(std::min({heights.x, heights.y, heights.z}));
    tracer.push_back(cell->tracer.iso), collective.push_back(cell->collective.iso);
    ratio.push_back(cell->haven_ratio);
    if (!options.viscosity_mPa_s) continue;
    check_liquid(*cell);
    study.hydrodynamic_correction.push_back(
        yeh_hummer_correction(cell->temperature_K, *options.viscosity_mPa_s, norm(cell->mean_cell[0])));
    tracer.back() = shifted(tracer.back(), study.hydrodynamic_correction.back());
  }
  study.quantities = {compared("D*", std::move(tracer)), compared("D_sigma", std::move(collective)),
                      compared("H_R", std::move(ratio))};
  const auto warn = [&](const char* code, std::string text) { study.warnings.push_back({code, std::move(text)}); };
  for (const SizeComparison& q : study.quantities) {
    if (q.dof > 0 && q.p_value < 0.01)
      warn("TR035", fmt::format("{} depends on the size of the cell (p = {:.1g}): use the largest cell, and a still "
                                "larger one to see whether it is large enough",
                                q.name, q.p_value));
    if (q.dof == 0) warn("TR036", fmt::format("{} is determined in fewer than two cells: nothing to compare", q.name));
  }
  if (study.width.back() < smallest_width)
    warn("TR015", fmt::format("even the largest cell is {:.1f} A across, less than {:.0f} A", study.width.back(),
                              smallest_width));
  return study;
}

}  // namespace

double yeh_hummer_correction(double temperature_K, double viscosity_mPa_s, double edge_A) {
  constexpr double xi = 2.837297, boltzmann_J = 1.380649e-23;
  const double m2_per_s =
      xi * boltzmann_J * temperature_K / (6.0 * std::numbers::pi * viscosity_mPa_s * 1e-3 * edge_A * 1e-10);
  return m2_per_s * 1e4;
}

std::vector<SizeStudy> compare_sizes(std::span<const TransportResult> results, const FiniteSizeOptions& options) {
  std::vector<const TransportResult*> sorted;
  for (const TransportResult& r : results) sorted.push_back(&r);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->temperature_K < b->temperature_K; });
  std::vector<SizeStudy> studies;
  for (auto first = sorted.begin(); first != sorted.end();) {
    const double begin = (*first)->temperature_K;
    const auto last =
        std::find_if(first, sorted.end(), [&](const auto* r) { return r->temperature_K > begin + same_temperature; });
    std::stable_sort(first, last, [](const auto* a, const auto* b) { return a->n_ions < b->n_ions; });
    if (last - first > 1)
      studies.push_back(study_of(std::span(&*first, static_cast<std::size_t>(last - first)), options));
    first = last;
  }
  if (studies.empty())
    throw ConfigError("no temperature has results of two cells", "transport size",
                      "Give results of the same temperature in cells of different size.");
  return studies;
}

}  // namespace haven
