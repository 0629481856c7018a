#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "analysis/layers.hpp"
#include "analysis/svg_plot.hpp"
#include "analysis/transport_output.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

std::string planes_name(const LayerReport& report) {
  return fmt::format("({} {} {})", report.planes[0], report.planes[1], report.planes[2]);
}

}  // namespace

std::string layers_json(const LayerReport& report) {
  Json json{{"planes", report.planes}, {"lag_ps", report.lag_ps}, {"layers", Json::array()}};
  for (const CellLayer& l : report.layers) {
    Json d = l.in_plane.determined()
                 ? Json{{"value", l.in_plane.value},
                        {"ci68", l.in_plane.ci68},
                        {"ci95", l.in_plane.ci95},
                        {"refused", nullptr}}
                 : Json{{"value", nullptr},
                        {"upper_bound", l.in_plane.upper_bound ? Json(*l.in_plane.upper_bound) : Json()},
                        {"refused", l.in_plane.refused}};
    json["layers"].push_back({{"from", l.low},
                              {"to", l.high},
                              {"thickness_A", l.thickness},
                              {"ions", l.ions},
                              {"ions_sd", l.ions_sd},
                              {"density_per_A3", l.density},
                              {"D_in_plane_cm2_per_s", d},
                              {"stays", l.segments},
                              {"departures", l.leaving.count},
                              {"rate_of_leaving_per_ps", l.leaving.per_ps},
                              {"rate_of_leaving_ci95", l.leaving.ci95},
                              {"residence_ps", l.residence_ps > 0 ? Json(l.residence_ps) : Json()}});
  }
  return json.dump(2) + "\n";
}

std::string layers_csv(const LayerReport& report) {
  std::string out =
      "from,to,thickness_A,ions,ions_sd,density_per_A3,D_in_plane_cm2_per_s,low95,high95,stays,departures,"
      "rate_of_leaving_per_ps,low95,high95\n";
  for (const CellLayer& l : report.layers) {
    const std::string d = l.in_plane.determined() ? fmt::format("{:.6g},{:.6g},{:.6g}", l.in_plane.value,
                                                                l.in_plane.ci95[0], l.in_plane.ci95[1])
                                                  : std::string(",,");
    out += fmt::format("{:.6g},{:.6g},{:.6g},{:.6g},{:.3g},{:.6g},{},{:.6g},{},{:.6g},{:.6g},{:.6g}\n", l.low, l.high,
                       l.thickness, l.ions, l.ions_sd, l.density, d, l.segments, l.leaving.count, l.leaving.per_ps,
                       l.leaving.ci95[0], l.leaving.ci95[1]);
  }
  return out;
}

std::string layers_text(const LayerReport& report) {
  std::string out = fmt::format(
      "layers between planes {}, in-plane motion between {:.3g} and {:.3g} ps\n{:<16}{:>8}{:>16}  {:<34}{}\n",
      planes_name(report), report.lag_ps, 2 * report.lag_ps, "from .. to", "A", "ions", "D in plane (cm^2/s)",
      "residence (ps)");
  for (const CellLayer& l : report.layers) {
    out += fmt::format("{:<16}{:>8.2f}{:>16}  {:<34}{}\n", fmt::format("{:.3f} .. {:.3f}", l.low, l.high), l.thickness,
                       fmt::format("{:.2f} +- {:.2f}", l.ions, l.ions_sd), format_estimate(l.in_plane),
                       l.residence_ps > 0 ? fmt::format("{:.4g} [{:.3g}, {:.3g}]", l.residence_ps,
                                                        1.0 / l.leaving.ci95[1], 1.0 / l.leaving.ci95[0])
                                          : fmt::format("> {:.3g}", 1.0 / l.leaving.ci95[1]));
    if (!l.in_plane.determined()) out += "                refused: " + l.in_plane.refused + "\n";
  }
  return out;
}

std::string layers_svg(const LayerReport& report) {
  svg::Plot plot({.title = "Diffusion along the layers",
                  .x = {fmt::format("place across the planes {} (fraction of their distance)", planes_name(report)),
                        svg::Scale::linear},
                  .y = {"D in plane (cm^{2}/s)", svg::Scale::log},
                  .legend = svg::Corner::top_right});
  std::vector<double> x, y, low, high, bound_x, bound_y;
  for (const CellLayer& l : report.layers) {
    const double centre = 0.5 * (l.low + l.high);
    plot.vertical_line(l.low, {.colour = "#bbbbbb", .width = 1});
    if (l.in_plane.determined()) {
      x.push_back(centre), y.push_back(l.in_plane.value);
      low.push_back(l.in_plane.ci95[0]), high.push_back(l.in_plane.ci95[1]);
    } else if (l.in_plane.upper_bound) {
      bound_x.push_back(centre), bound_y.push_back(*l.in_plane.upper_bound);
    }
  }
  plot.error_bars(x, low, high, {.colour = "#0072b2", .width = 1.3});
  plot.points(x, y, {.label = "95 % intervals", .colour = "#0072b2", .size = 4});
  if (!bound_x.empty()) plot.upper_bounds(bound_x, bound_y, {.label = "upper bound (95 %)", .colour = "#0072b2"});
  return plot.to_svg();
}

}  // namespace haven
