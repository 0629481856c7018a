#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "analysis/block_mean.hpp"
#include "analysis/report_figures.hpp"
#include "analysis/report_html.hpp"
#include "analysis/report_sections.hpp"

namespace haven::report {
namespace {

/// A value with its 95 % interval, when it has one.
std::string rmse_cell(double value, const std::optional<std::array<double, 2>>& interval) {
  if (!interval) return number_or_dash(value);
  return fmt::format("{}<small>95&thinsp;%: {:.3g} &hellip; {:.3g}</small>", number_or_dash(value), (*interval)[0],
                     (*interval)[1]);
}

void error_rows(Table& table, const std::string& part, const std::vector<ErrorRow>& rows, const std::string& what) {
  for (const ErrorRow& row : rows)
    table.row({escaped(part), escaped(what.empty() ? row.name : what + " " + row.name),
               row.structures > 0 ? fmt::format("{:.0f}", row.structures) : "&mdash;",
               rmse_cell(row.energy_rmse, row.energy_ci95), number_or_dash(row.energy_mae),
               rmse_cell(row.force_rmse, row.force_ci95), number_or_dash(row.force_mae),
               rmse_cell(row.stress_rmse, row.stress_ci95),
               row.energy_ci95 || row.force_ci95 || row.stress_ci95 ? escaped(row.resampled) : "&mdash;"});
}

std::vector<std::string> error_heads() {
  return {"part",          "of",
          "structures",    "E rms (meV/atom)",
          "E mean abs.",   "F rms (meV/&Aring;)",
          "F mean abs.",   "stress rms (GPa)",
          "intervals from"};
}

/// Mean of a column over the last stage, with its standard error from ten blocks of rows and their number.
std::string mean_of(const MdRun& item, const std::vector<std::string>& words, int decimals) {
  const std::vector<double>* values = item.thermo.find(words);
  if (values == nullptr || values->empty()) return "&mdash;";
  std::vector<double> last;
  for (std::size_t k = 0; k < values->size(); ++k)
    if (item.thermo.last_cells[k] == item.thermo.last_cells.back()) last.push_back((*values)[k]);
  constexpr std::size_t least_rows = 20;
  const BlockMean found = block_mean(last);
  if (last.size() < least_rows)
    return fmt::format("{:.{}f}<small>n = {} rows</small>", found.mean, decimals, last.size());
  return fmt::format("{:.{}f} &plusmn; {:.1g}<small>n = {} rows</small>", found.mean, decimals, *found.error,
                     last.size());
}

}  // namespace

std::string model_part(const RunData& run) {
  std::string body;
  Table summary(error_heads());
  for (const ErrorPart& part : run.errors) error_rows(summary, part.name, {part.all}, "");
  body += summary.html();
  body += figures({figure(run, "model/parity_energy.svg", "Energy per atom: model against reference."),
                   figure(run, "model/parity_force.svg", "Force components; darker marks stand for more points."),
                   figure(run, "report/learning_energy.svg", "Energy error during training."),
                   figure(run, "report/learning_force.svg", "Force error during training.")});
  Table details_table(error_heads());
  for (const ErrorPart& part : run.errors) {
    error_rows(details_table, part.name, part.by_group, "group");
    error_rows(details_table, part.name, part.by_element, "element");
  }
  body += details("Errors by group and by element", details_table.html());
  if (!run.errors.empty())
    body +=
        "<p class=\"soft\">Published potentials of lithium electrolytes reach 1&ndash;8 meV/atom and 40&ndash;150 "
        "meV/&Aring;. 95&thinsp;% intervals of rms errors: studentised bootstrap, 2,000 resamples of whole "
        "trajectories when there are at least ten, else of blocks of consecutive frames; they hold for more frames "
        "like these, not "
        "for other structures. No interval from fewer than ten.</p>\n";
  return section("model", "Model", body);
}

struct Expansion {
  double slope = 0, error = 0;  ///< 1/K
  double cells = 0;
};

/// Slope of ln V against T over all mean cells, with the error that the errors of the volumes make; nothing below two
/// temperatures.
static std::optional<Expansion> thermal_expansion(const RunData& run) {
  double n = 0, t = 0, tt = 0, v = 0, tv = 0;
  for (const MdRun& item : run.runs)
    for (const MeanCellRow& cell : item.cells) {
      if (!(cell.volume > 0)) continue;
      const double log_volume = std::log(cell.volume);
      n += 1, t += item.temperature, tt += item.temperature * item.temperature;
      v += log_volume, tv += item.temperature * log_volume;
    }
  const double spread = n * tt - t * t;
  if (!(spread > 1e-9 * n * tt)) return std::nullopt;
  double variance = 0;
  for (const MdRun& item : run.runs)
    for (const MeanCellRow& cell : item.cells)
      if (cell.volume > 0) variance += std::pow((n * item.temperature - t) * cell.volume_error / cell.volume, 2);
  return Expansion{(n * tv - t * v) / spread, std::sqrt(variance) / spread, n};
}

static std::string cells_part(const RunData& run) {
  Table table({"T (K)", "run", "stage", "V (&Aring;&sup3;)", "a (&Aring;)", "b (&Aring;)", "c (&Aring;)",
               "&alpha;, &beta;, &gamma; (&deg;)", "used"});
  bool any = false;
  for (const MdRun& item : run.runs)
    for (const MeanCellRow& cell : item.cells) {
      const auto length = [&](std::size_t k) {
        return fmt::format("{:.4f} &plusmn; {:.4f}", cell.lengths[k], cell.length_errors[k]);
      };
      table.row({fmt::format("{:g}", item.temperature), fmt::format("r{}", item.replica), escaped(cell.stage),
                 fmt::format("{:.2f} &plusmn; {:.2f}", cell.volume, cell.volume_error), length(0), length(1), length(2),
                 fmt::format("{:.2f}, {:.2f}, {:.2f}", cell.angles[0], cell.angles[1], cell.angles[2]),
                 cell.used ? "yes" : "no"});
      any = true;
    }
  if (!any) return "";
  std::string text = "<h3>Cell at constant pressure</h3>\n" + table.html() +
                     "<p class=\"soft\">Means over the second half of the stage with standard errors from ten blocks. "
                     "\"Used\": a later stage ran in this cell";
  if (const auto expansion = thermal_expansion(run))
    text +=
        fmt::format("; the volume grows by {:.3g} &plusmn; {:.1g} per K (slope of ln V against T, n = {:.0f} cells)",
                    expansion->slope, expansion->error, expansion->cells);
  return text + ".</p>\n";
}

std::string dynamics_part(const RunData& run) {
  if (run.runs.empty()) return "";
  Table table({"T (K)", "run", "steps", "mean T (K)", "p (GPa)", "V (&Aring;&sup3;)", "outside", "seed"});
  std::string events;
  for (const MdRun& item : run.runs) {
    table.row({fmt::format("{:g}", item.temperature), fmt::format("r{}", item.replica),
               fmt::format("{}", item.last_step), mean_of(item, {"temperature"}, 1), mean_of(item, {"pressure"}, 3),
               mean_of(item, {"volume"}, 1), mean_of(item, {"extrapolating"}, 2),
               fmt::format("<code>{}</code>", item.seed)});
    for (const std::string& line : item.events)
      events += fmt::format("<li>{:g} K r{}, {}</li>\n", item.temperature, item.replica, prose(line));
  }
  std::string body = table.html() +
                     "<p class=\"soft\">Means over the last stage with standard errors from ten blocks. Outside: atoms "
                     "per row with a feature beyond the training set.</p>\n" +
                     cells_part(run);
  body += figures(
      {figure(run, "report/temperature.svg", "Instantaneous temperature of the first run at each temperature."),
       figure(run, "report/conserved_energy.svg",
              "The conserved quantity since the start of the last stage: its slope is the error of the integration."),
       figure(run, "report/potential_energy.svg", "Potential energy of the cell."),
       figure(run, "report/pressure.svg", "Pressure, positive when the crystal pushes outwards.")});
  if (!events.empty()) body += details("Events", "<ul>" + events + "</ul>\n");
  return section("dynamics", "Molecular dynamics", body);
}

std::string data_part(const RunData& run) {
  if (!run.data) return "";
  const DataPart& data = *run.data;
  Table table({"file", "group", "code", "frames", "kept", "rejected", "why"}, Table::Last::text);
  for (const DataFile& file : data.files) {
    std::string why;
    for (const auto& [reason, count] : file.reasons)
      why += fmt::format("{}{} &times; {}", why.empty() ? "" : ", ", count, escaped(reason));
    for (const std::string& note : file.notes) why += fmt::format("<span class=\"note\">{}</span>", escaped(note));
    table.row({"<code>" + escaped(file.path) + "</code>", escaped(file.group), escaped(file.code),
               fmt::format("{}", file.frames), fmt::format("{}", file.kept), fmt::format("{}", file.rejected),
               why.empty() ? "&mdash;" : why});
  }
  std::string body =
      fmt::format("<p>{} frames kept, {} rejected. Energy: {}. Stress: {}.</p>\n", data.kept, data.rejected,
                  data.energy == "free" ? "free energy (TOTEN), the one the forces belong to" : escaped(data.energy),
                  data.stress.empty() ? "none" : escaped(data.stress));
  body += table.html();
  std::string notes, decisions;
  for (const std::string& note : data.notes) notes += "<li>" + escaped(note) + "</li>\n";
  for (const std::string& line : data.decisions) decisions += "<li>" + escaped(line) + "</li>\n";
  if (!notes.empty()) body += "<ul>" + notes + "</ul>\n";
  if (!decisions.empty())
    body += details("Rejected frames and remarks, one by one (the first 40)", "<ul>" + decisions + "</ul>\n");
  return section("data", "Data", body);
}

}  // namespace haven::report
