#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/svg_plot.hpp"
#include "app/data_statistics.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Distribution& d) {
  if (d.count == 0) return nullptr;
  return {{"n", d.count},      {"mean", d.mean},  {"standard_deviation", d.deviation},
          {"min", d.smallest}, {"p01", d.p01},    {"median", d.median},
          {"p99", d.p99},      {"max", d.largest}};
}

Json json_of(const Histogram& h) { return {{"low", h.low}, {"bin_width", h.width}, {"counts", h.counts}}; }

Json json_of(const GroupStatistics& g) {
  Json compositions = Json::object();
  for (const auto& [name, frames] : g.compositions) compositions[name] = frames;
  return {{"n_frames", g.frames},
          {"n_atoms", g.atoms},
          {"n_with_forces", g.with_forces},
          {"n_with_stress", g.with_stress},
          {"compositions", compositions},
          {"energy_eV_per_atom", json_of(g.energy)},
          {"energy_residual_meV_per_atom", json_of(g.residual)},
          {"force_eV_per_A", json_of(g.force)},
          {"pressure_GPa", json_of(g.pressure)},
          {"volume_A3_per_atom", json_of(g.volume)},
          {"temperature_K", json_of(g.temperature)}};
}

std::string group_name(const std::string& name) { return name.empty() ? "(no group)" : name; }

std::string row(const Distribution& d, int digits) {
  if (d.count == 0) return fmt::format("{:>10} {:>10} {:>10} {:>10}", "-", "-", "-", "-");
  return fmt::format("{:>10.{}f} {:>10.{}f} {:>10.{}f} {:>10.{}f}", d.mean, digits, d.deviation, digits, d.smallest,
                     digits, d.largest, digits);
}

std::string group_text(const std::string& name, const GroupStatistics& g) {
  std::string text = fmt::format("{}: {} frames, {} atoms, {} with forces, {} with stress\n", name, g.frames, g.atoms,
                                 g.with_forces, g.with_stress);
  text += fmt::format("  {:<26} {:>10} {:>10} {:>10} {:>10}\n", "", "mean", "deviation", "min", "max");
  const auto add = [&](const char* what, const Distribution& d, int digits) {
    if (d.count > 0) text += fmt::format("  {:<26} {}\n", what, row(d, digits));
  };
  add("energy, eV/atom", g.energy, 4);
  add("  less E0, meV/atom", g.residual, 1);
  add("|force|, eV/A", g.force, 3);
  add("pressure, GPa", g.pressure, 2);
  add("volume, A^3/atom", g.volume, 3);
  add("temperature, K", g.temperature, 1);
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  return result;
}

/// Outlines of histograms of several series as densities, so that series of different size and width can be compared.
class HistogramFigure {
 public:
  HistogramFigure(std::string title, std::string unit)
      : plot_({.title = std::move(title),
               .x = {.label = std::move(unit)},
               .y = {.label = "share of values per unit"},
               .legend = svg::Corner::top_right}) {}
  void add(const std::string& label, const Distribution& distribution) {
    if (distribution.count == 0 || series_ >= most_series) return;
    const Histogram h = histogram_of(distribution);
    std::vector<double> x, y;
    for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
      const double share = static_cast<double>(h.counts[bin]) / (static_cast<double>(distribution.count) * h.width);
      for (const std::size_t edge : {bin, bin + 1}) {
        x.push_back(h.low + h.width * static_cast<double>(edge));
        y.push_back(share);
      }
    }
    plot_.line(x, y, {.label = label, .width = 1.4});
    ++series_;
  }
  [[nodiscard]] bool empty() const { return series_ == 0; }
  [[nodiscard]] std::string svg() const { return plot_.to_svg(); }

 private:
  static constexpr int most_series = 8;  // more cannot be told apart
  svg::Plot plot_;
  int series_ = 0;
};

}  // namespace

std::string statistics_text(const DatasetStatistics& s) {
  std::string text = group_text("all", s.all);
  if (s.groups.size() > 1)
    for (const auto& [name, group] : s.groups) text += group_text("group " + group_name(name), group);
  text += fmt::format("{} trajectories, {} source files;", s.trajectories, s.sources);
  for (const auto& [code, frames] : s.codes) text += fmt::format(" {} ({} frames)", code, frames);
  text += fmt::format("\n{} kinds of settings\n", s.settings.size() - s.settings.count(""));
  for (const auto& [symbol, element] : s.elements)
    text += fmt::format(
        "{:<3} {:>9} atoms   E0 {:>10.4f} eV   |force| mean {:.3f}, 99 % below {:.3f}, largest {:.3f} eV/A\n", symbol,
        element.atoms, element.reference_energy, element.force.mean, element.force.p99, element.force.largest);
  for (const auto& [pair, d] : s.pairs)
    text += fmt::format("{:>2}-{:<2} nearest: smallest {:.3f}, median {:.3f} A\n", pair.first, pair.second, d.smallest,
                        d.median);
  return text;
}

std::string statistics_json(const DatasetStatistics& s) {
  Json root{{"all", json_of(s.all)},
            {"groups", Json::object()},
            {"elements", Json::object()},
            {"nearest_distance_A", Json::array()}};
  for (const auto& [name, group] : s.groups) root["groups"][name] = json_of(group);
  for (const auto& [symbol, element] : s.elements)
    root["elements"][symbol] = {{"n_atoms", element.atoms},
                                {"reference_energy_eV", element.reference_energy},
                                {"force_eV_per_A", json_of(element.force)}};
  for (const auto& [pair, d] : s.pairs)
    root["nearest_distance_A"].push_back({{"of", pair.first}, {"to", pair.second}, {"distribution", json_of(d)}});
  root["n_trajectories"] = s.trajectories;
  root["n_sources"] = s.sources;
  root["codes"] = Json::object();
  for (const auto& [code, frames] : s.codes) root["codes"][code] = frames;
  root["settings"] = Json::array();
  for (const auto& [text, frames] : s.settings) root["settings"].push_back({{"text", text}, {"n_frames", frames}});
  root["histograms"] = {{"energy_residual_meV_per_atom", json_of(histogram_of(s.all.residual))},
                        {"force_eV_per_A", json_of(histogram_of(s.all.force))},
                        {"pressure_GPa", json_of(histogram_of(s.all.pressure))}};
  return root.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::map<std::string, std::string> statistics_figures(const DatasetStatistics& s) {
  std::map<std::string, std::string> figures;
  const auto keep = [&](const std::string& name, const HistogramFigure& figure) {
    if (!figure.empty()) figures[name] = figure.svg();
  };
  HistogramFigure energy("Energies", "energy less the reference energies of the atoms, meV/atom");
  HistogramFigure pressure("Pressure", "pressure, GPa (positive: the system pushes outwards)");
  HistogramFigure temperature("Temperature", "temperature, K");
  for (const auto& [name, group] : s.groups) {
    energy.add(group_name(name), group.residual);
    pressure.add(group_name(name), group.pressure);
    temperature.add(group_name(name), group.temperature);
  }
  HistogramFigure force("Forces", "norm of the force on an atom, eV/A");
  for (const auto& [symbol, element] : s.elements) force.add(symbol, element.force);
  HistogramFigure distance("Nearest neighbours", "distance to the nearest neighbour, A");
  for (const auto& [pair, d] : s.pairs) distance.add(pair.first + "-" + pair.second, d);
  keep("energy", energy);
  keep("force", force);
  keep("pressure", pressure);
  keep("distance", distance);
  keep("temperature", temperature);
  return figures;
}

std::string statistics_html(const DatasetStatistics& s, const std::string& title) {
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>body{{font-family:"
      "sans-serif;max-width:1340px;margin:1.5em auto;padding:0 1em}}pre{{overflow-x:auto;background:#f6f6f6;padding:"
      "1em}}svg{{max-width:100%;height:auto}}div{{display:flex;flex-wrap:wrap;gap:1em}}</style></head><body>\n"
      "<h1>{0}</h1>\n<div>\n",
      escaped(title));
  for (const auto& [name, svg] : statistics_figures(s)) page += svg + "\n";
  page +=
      "</div>\n<p>Histograms show the density of values from the 0.1th to the 99.9th percentile; values "
      "beyond are counted in the outermost bins. At most eight series are drawn, in order of name.</p>\n";
  page += "<pre>" + escaped(statistics_text(s)) + "</pre>\n";
  page += "<h2>Settings of the calculations</h2>\n";
  for (const auto& [text, frames] : s.settings)
    page += fmt::format("<p>{} frames</p><pre>{}</pre>\n", frames, escaped(text.empty() ? "not known" : text));
  return page + "</body></html>\n";
}

}  // namespace haven
