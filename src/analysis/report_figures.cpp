#include "analysis/report_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "analysis/report_html.hpp"
#include "analysis/svg_plot.hpp"
#include "core/units.hpp"

namespace haven::report {
namespace {

/// At most `limit` evenly spaced entries.
std::vector<double> thinned(const std::vector<double>& values, std::size_t limit) {
  if (values.size() <= limit) return values;
  std::vector<double> out(limit);
  for (std::size_t k = 0; k < limit; ++k) out[k] = values[k * (values.size() - 1) / (limit - 1)];
  return out;
}

constexpr std::size_t most_points = 400;
constexpr const char* train_colour = "#7f8c99";
constexpr const char* valid_colour = "#0072b2";

std::string learning_curve(const Columns& curve, const std::string& quantity, const std::string& title,
                           const std::string& unit) {
  const std::vector<double>* epoch = curve.find({"epoch"});
  const std::vector<double>* train = curve.find({"train", quantity});
  const std::vector<double>* valid = curve.find({"valid", quantity});
  if (epoch == nullptr || (train == nullptr && valid == nullptr)) return "";
  svg::Plot plot({.title = title,
                  .x = {.label = "epoch"},
                  .y = {.label = fmt::format("rms error ({})", unit), .scale = svg::Scale::log},
                  .width = 520,
                  .height = 360,
                  .legend = svg::Corner::top_right});
  const std::vector<double> x = thinned(*epoch, most_points);
  if (train != nullptr) plot.line(x, thinned(*train, most_points), {.label = "training", .colour = train_colour});
  if (valid != nullptr) plot.line(x, thinned(*valid, most_points), {.label = "validation", .colour = valid_colour});
  return plot.to_svg();
}

/// One line per temperature of the first replica.
std::string time_series(const RunData& run, const std::vector<std::string>& column, const std::string& title,
                        const std::string& label) {
  svg::Plot plot({.title = title,
                  .x = {.label = "time (ps)"},
                  .y = {.label = label},
                  .width = 520,
                  .height = 340,
                  .legend = svg::Corner::top_right});
  bool any = false;
  for (const MdRun& item : run.runs) {
    const std::vector<double>*time = item.thermo.find({"time"}), *values = item.thermo.find(column);
    if (item.replica != 0 || time == nullptr || values == nullptr || time->empty()) continue;
    std::vector<double> x, y;
    for (std::size_t k = 0; k < time->size(); ++k)
      if (column.front() != "conserved" ||
          item.thermo.last_cells[k] == item.thermo.last_cells.back())  // each stage has its own
        x.push_back((*time)[k] / units::fs_per_ps), y.push_back((*values)[k]);
    x = thinned(x, most_points), y = thinned(y, most_points);
    if (column.front() == "conserved") {
      const double start = y.front(), atoms = item.n_atoms > 0 ? static_cast<double>(item.n_atoms) : 1.0;
      for (double& e : y) e = (e - start) / atoms * 1000;
    }
    plot.line(x, y, {.label = fmt::format("{:g} K", item.temperature), .width = 1.1});
    any = true;
  }
  return any ? plot.to_svg() : "";
}

constexpr const char* tracer_colour = "#0072b2";
constexpr const char* collective_colour = "#d55e00";

/// Half the slope per axis of a displacement curve between the lags on both sides, cm^2/s.
std::vector<double> running_diffusion(const std::vector<double>& lag_ps, const std::vector<double>& msd) {
  std::vector<double> d(lag_ps.size(), std::nan(""));
  for (std::size_t k = 1; k + 1 < lag_ps.size(); ++k)
    d[k] = (msd[k + 1] - msd[k - 1]) / (6.0 * (lag_ps[k + 1] - lag_ps[k - 1])) * units::a2_per_ps_in_cm2_per_s;
  return d;
}

/// What a reader looks at to believe a window: the slope against the lag, with the fitted value.
std::string diffusion_figure(const TransportResult& result, const Columns& curves) {
  const std::vector<double>*lag = curves.find({"lag_ps"}), *msd = curves.find({"msd_A2"}),
        *mscd = curves.find({"mscd_A2"});
  if (lag == nullptr || msd == nullptr || mscd == nullptr || lag->size() < 3) return "";
  svg::Plot plot({.title = fmt::format("Running diffusion coefficients, {:g} K", result.temperature_K),
                  .x = {"lag time (ps)", svg::Scale::log},
                  .y = {"slope / 6 (cm^{2}/s)", svg::Scale::log},
                  .legend = svg::Corner::bottom_left});
  if (result.window.tau1_ps > 0)
    plot.vertical_band(result.window.tau0_ps, result.window.tau1_ps, {.label = "fit window", .colour = "#808080"});
  const auto draw = [&](const Estimate& fitted, const std::vector<double>& values, const char* name,
                        const char* colour) {
    if (fitted.determined()) {
      const std::vector<double> x{result.window.tau0_ps, result.window.tau1_ps};
      plot.band(x, std::vector<double>(2, fitted.ci95[0]), std::vector<double>(2, fitted.ci95[1]), {.colour = colour});
      plot.line(x, std::vector<double>(2, fitted.value), {.colour = colour, .width = 2.6, .dash = "2 3"});
    }
    plot.line(*lag, running_diffusion(*lag, values), {.label = name, .colour = colour, .width = 1.4});
  };
  draw(result.tracer.iso, *msd, "single ions", tracer_colour);
  draw(result.collective.iso, *mscd, "charge", collective_colour);
  return plot.to_svg();
}

std::string non_gaussian_figure(const RunData& run) {
  svg::Plot plot({.title = "Non-Gaussian parameter",
                  .x = {"lag time (ps)", svg::Scale::log},
                  .y = {"\u03b1_{2}", svg::Scale::linear},
                  .legend = svg::Corner::top_right});
  bool any = false;
  for (const TransportResult& result : run.transport) {
    const auto curves = run.curves.find(result.label);
    if (curves == run.curves.end()) continue;
    const std::vector<double>*lag = curves->second.find({"lag_ps"}), *alpha2 = curves->second.find({"alpha2"});
    if (lag == nullptr || alpha2 == nullptr) continue;
    plot.line(*lag, *alpha2, {.label = fmt::format("{:g} K", result.temperature_K)});
    any = true;
  }
  return any ? plot.to_svg() : "";
}

}  // namespace

std::map<std::string, std::string> drawn_figures(const RunData& run) {
  std::map<std::string, std::string> figures;
  const auto add = [&](const std::string& name, std::string svg) {
    if (!svg.empty()) figures["report/" + name + ".svg"] = std::move(svg);
  };
  for (const TransportResult& result : run.transport)
    if (const auto curves = run.curves.find(result.label); curves != run.curves.end())
      add("diffusion_" + result.label, diffusion_figure(result, curves->second));
  add("non_gaussian", non_gaussian_figure(run));
  add("learning_energy", learning_curve(run.learning_curve, "energy", "Learning curve, energy", "meV/atom"));
  add("learning_force", learning_curve(run.learning_curve, "force", "Learning curve, forces", "meV/\u00c5"));
  add("temperature", time_series(run, {"temperature"}, "Temperature", "T (K)"));
  add("conserved_energy", time_series(run, {"conserved"}, "Conserved energy", "change (meV/atom)"));
  add("potential_energy", time_series(run, {"potential"}, "Potential energy", "E (eV)"));
  add("pressure", time_series(run, {"pressure"}, "Pressure", "p (GPa)"));
  return figures;
}

std::string figure(const RunData& run, const std::string& path, const std::string& caption) {
  const auto found = run.figures.find(path);
  if (found == run.figures.end()) return "";
  return figure(std::filesystem::path(path).stem().string(), found->second, caption);
}

}  // namespace haven::report
