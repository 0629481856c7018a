#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/finite_size.hpp"
#include "analysis/svg_plot.hpp"
#include "analysis/transport_output.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

std::string cell_text(const Estimate& e) {
  if (e.determined()) return fmt::format("{:.3g} [{:.3g}, {:.3g}]", e.value, e.ci95[0], e.ci95[1]);
  return e.upper_bound ? fmt::format("< {:.2g} (95 %)", *e.upper_bound) : "not determined";
}

}  // namespace

std::string sizes_text(const SizeStudy& study) {
  std::string out = fmt::format("{:g} K, {} cells{}\n", study.temperature_K, study.n_ions.size(),
                                study.hydrodynamic_correction.empty() ? "" : "; D* for an infinite cell (Yeh, Hummer)");
  out += fmt::format("{:>8}{:>10}  {:<28}{:<28}{}\n", "ions", "width (A)", "D* (cm^2/s)", "D_sigma (cm^2/s)", "H_R");
  for (std::size_t k = 0; k < study.n_ions.size(); ++k)
    out += fmt::format("{:>8}{:>10.1f}  {:<28}{:<28}{}\n", study.n_ions[k], study.width[k],
                       cell_text(study.quantities[0].values[k]), cell_text(study.quantities[1].values[k]),
                       cell_text(study.quantities[2].values[k]));
  for (const SizeComparison& q : study.quantities) {
    if (q.dof == 0) continue;
    std::string scores;
    for (std::size_t k = 0; k + 1 < q.values.size(); ++k)
      if (q.values[k].determined())
        scores += fmt::format("{}{} ions {:+.1f} % ({:+.1f} standard errors)", scores.empty() ? "" : ", ",
                              study.n_ions[k], 100.0 * std::expm1(q.difference[k]), q.standard_scores[k]);
    out += fmt::format(
        "  {:<8} beside the largest cell: {}; one value for all: p = {:.2g}; a difference of {:.0f} % would "
        "have been seen\n",
        q.name, scores, q.p_value, 100.0 * std::expm1(q.resolution));
  }
  for (const AnalysisWarning& w : study.warnings) out += fmt::format("[WARN {}] {}\n", w.code, w.text);
  return out;
}

std::string sizes_json(std::span<const SizeStudy> studies) {
  Json all = Json::array();
  for (const SizeStudy& study : studies) {
    Json one{{"temperature_K", study.temperature_K}, {"n_ions", study.n_ions}, {"width_A", study.width}};
    one["hydrodynamic_correction_cm2_per_s"] =
        study.hydrodynamic_correction.empty() ? Json(nullptr) : Json(study.hydrodynamic_correction);
    one["quantities"] = Json::array();
    for (const SizeComparison& q : study.quantities) {
      Json quantity{{"name", q.name}, {"unit", q.name == "H_R" ? "1" : "cm^2/s"}, {"values", Json::array()}};
      for (const Estimate& e : q.values) quantity["values"].push_back(Json::parse(estimate_json(e)));
      quantity["ln_ratio_to_largest"] = q.difference, quantity["standard_scores"] = q.standard_scores;
      quantity["chi2"] = q.chi2, quantity["dof"] = q.dof, quantity["p_value"] = q.p_value;
      quantity["resolution"] = q.resolution;
      one["quantities"].push_back(std::move(quantity));
    }
    one["warnings"] = Json::array();
    for (const AnalysisWarning& w : study.warnings) one["warnings"].push_back({{"code", w.code}, {"text", w.text}});
    all.push_back(std::move(one));
  }
  return Json{{"temperatures", all}}.dump(1) + "\n";
}

std::string sizes_csv(std::span<const SizeStudy> studies) {
  std::string out = "temperature_K,n_ions,width_A,quantity,value,low95,high95,ln_ratio_to_largest,standard_score\n";
  for (const SizeStudy& study : studies)
    for (const SizeComparison& q : study.quantities)
      for (std::size_t k = 0; k < q.values.size(); ++k) {
        const Estimate& e = q.values[k];
        if (!e.determined()) continue;
        out += fmt::format("{:.6g},{},{:.4f},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.4g}\n", study.temperature_K,
                           study.n_ions[k], study.width[k], q.name, e.value, e.ci95[0], e.ci95[1], q.difference[k],
                           q.standard_scores[k]);
      }
  return out;
}

std::string sizes_svg(const SizeStudy& study) {
  constexpr const char* colours[] = {"#0072b2", "#d55e00", "#009e73"};
  svg::Plot plot({.title = fmt::format("Size of the cell, {:g} K", study.temperature_K),
                  .x = {"1/N", svg::Scale::linear},
                  .y = {"value / value of the largest cell", svg::Scale::linear},
                  .legend = svg::Corner::top_right});
  plot.horizontal_line(1.0, {.colour = "#808080", .width = 1, .dash = "4 4"});
  for (std::size_t c = 0; c < study.quantities.size(); ++c) {
    const SizeComparison& q = study.quantities[c];
    std::vector<double> x, y, low, high;
    for (std::size_t k = 0; k < q.values.size(); ++k) {
      const Estimate& e = q.values[k];
      if (!e.determined()) continue;
      const double reference = e.value / std::exp(q.difference[k]);
      // Side by side, so that intervals of different quantities can be told apart.
      x.push_back((1.0 + 0.02 * static_cast<double>(c)) / static_cast<double>(study.n_ions[k]));
      y.push_back(e.value / reference), low.push_back(e.ci95[0] / reference), high.push_back(e.ci95[1] / reference);
    }
    plot.error_bars(x, low, high, {.colour = colours[c], .width = 1.3});
    plot.points(x, y, {.label = q.name + ", 95 %", .colour = colours[c], .size = 4});
  }
  return plot.to_svg();
}

}  // namespace haven
