#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/error_interval.hpp"
#include "analysis/model_errors.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/file_system.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

Json value_or_null(double value, Index count) { return count > 0 ? Json(value) : Json(nullptr); }

Json interval_json(const std::optional<Interval>& interval, double factor) {
  return interval ? Json{factor * (*interval)[0], factor * (*interval)[1]} : Json(nullptr);
}

Json resampling_json(const ErrorSummary& s) {
  return {{"method", "studentised bootstrap"},
          {"resampled", s.resampled},
          {"n", s.resampled_units},
          {"resamples", resamples}};
}

Json summary_json(const ErrorSummary& s) {
  Json json;
  json["n_structures"] = s.structures;
  json["n_atoms"] = s.atoms;
  json["n_energies"] = s.energies;
  json["n_force_components"] = s.force_components;
  json["n_stress_components"] = s.stress_components;
  json["energy_mae_meV_per_atom"] = value_or_null(1e3 * s.energy_mae, s.energies);
  json["energy_rmse_meV_per_atom"] = value_or_null(1e3 * s.energy_rmse, s.energies);
  json["energy_rmse_meV_per_atom_ci95"] = interval_json(s.energy_rmse_ci95, 1e3);
  json["energy_bias_meV_per_atom"] = value_or_null(1e3 * s.energy_bias, s.energies);
  json["energy_max_meV_per_atom"] = value_or_null(1e3 * s.energy_max, s.energies);
  json["force_mae_meV_per_A"] = value_or_null(1e3 * s.force_mae, s.force_components);
  json["force_rmse_meV_per_A"] = value_or_null(1e3 * s.force_rmse, s.force_components);
  json["force_rmse_meV_per_A_ci95"] = interval_json(s.force_rmse_ci95, 1e3);
  json["force_max_meV_per_A"] = value_or_null(1e3 * s.force_max, s.force_components);
  json["force_label_rms_meV_per_A"] = value_or_null(1e3 * s.force_label_rms, s.force_components);
  json["stress_mae_GPa"] = value_or_null(units::ev_per_a3_in_gpa * s.stress_mae, s.stress_components);
  json["stress_rmse_GPa"] = value_or_null(units::ev_per_a3_in_gpa * s.stress_rmse, s.stress_components);
  json["stress_rmse_GPa_ci95"] = interval_json(s.stress_rmse_ci95, units::ev_per_a3_in_gpa);
  json["rmse_intervals"] = resampling_json(s);
  return json;
}

Json group_json(const std::map<std::string, ErrorSummary>& groups) {
  Json json = Json::object();
  for (const auto& [name, summary] : groups) json[name] = summary_json(summary);
  return json;
}

Json element_json(const std::map<std::string, ErrorSummary>& elements) {
  Json json = Json::object();
  for (const auto& [symbol, s] : elements)
    json[symbol] = {{"n_structures", s.structures},
                    {"n_atoms", s.atoms},
                    {"n_force_components", s.force_components},
                    {"force_mae_meV_per_A", 1e3 * s.force_mae},
                    {"force_rmse_meV_per_A", 1e3 * s.force_rmse},
                    {"force_rmse_meV_per_A_ci95", interval_json(s.force_rmse_ci95, 1e3)},
                    {"force_max_meV_per_A", 1e3 * s.force_max},
                    {"force_label_rms_meV_per_A", 1e3 * s.force_label_rms},
                    {"rmse_intervals", resampling_json(s)}};
  return json;
}

Json deviation_json(const DeviationCalibration& calibration) {
  Json json{{"n_atoms", calibration.atoms},
            {"deviation_rms_meV_per_A", 1e3 * calibration.deviation},
            {"error_rms_meV_per_A", 1e3 * calibration.error},
            {"factor", calibration.factor},
            {"rank_correlation", calibration.rank_correlation ? Json(*calibration.rank_correlation) : Json(nullptr)},
            {"bins", Json::array()}};
  for (const DeviationCalibration::Bin& bin : calibration.bins)
    json["bins"].push_back({{"n_atoms", bin.atoms},
                            {"deviation_rms_meV_per_A", 1e3 * bin.deviation},
                            {"error_rms_meV_per_A", 1e3 * bin.error}});
  return json;
}

std::string deviation_text(const DeviationCalibration& calibration) {
  std::string text = fmt::format(
      "deviation of the committee: {:.1f} meV/A rms on an atom, true error {:.1f}: errors are {:.2f} times the "
      "deviation{}\n",
      1e3 * calibration.deviation, 1e3 * calibration.error, calibration.factor,
      calibration.rank_correlation ? fmt::format(" (rank correlation {:.2f})", *calibration.rank_correlation)
                                   : std::string());
  text += "  by deviation (deviation/error):";
  for (const DeviationCalibration::Bin& bin : calibration.bins)
    text += fmt::format(" {:.1f}/{:.1f}", 1e3 * bin.deviation, 1e3 * bin.error);
  return text + "\n";
}

std::string text_row(const std::string& name, const std::array<std::string, 8>& cells) {
  return fmt::format("{:<24} {:>7} {:>9} {:>24} {:>9} {:>24} {:>9} {:>24}  {}\n", name, cells[0], cells[1], cells[2],
                     cells[3], cells[4], cells[5], cells[6], cells[7]);
}

std::string text_line(const std::string& name, const ErrorSummary& s) {
  const auto cell = [](double value, Index count, int decimals) {
    return count > 0 ? fmt::format("{:.{}f}", value, decimals) : std::string("-");
  };
  const auto range = [](const std::optional<Interval>& interval, double factor, int decimals) {
    return interval ? fmt::format(" [{:.{}f}, {:.{}f}]", factor * (*interval)[0], decimals, factor * (*interval)[1],
                                  decimals)
                    : std::string();
  };
  constexpr double gpa = units::ev_per_a3_in_gpa;
  return text_row(
      name, {fmt::format("{}", s.structures), cell(1e3 * s.energy_mae, s.energies, 2),
             cell(1e3 * s.energy_rmse, s.energies, 2) + range(s.energy_rmse_ci95, 1e3, 2),
             cell(1e3 * s.force_mae, s.force_components, 1),
             cell(1e3 * s.force_rmse, s.force_components, 1) + range(s.force_rmse_ci95, 1e3, 1),
             cell(1e3 * s.force_label_rms, s.force_components, 0),
             cell(gpa * s.stress_rmse, s.stress_components, 3) + range(s.stress_rmse_ci95, gpa, 3),
             s.resampled_units < least_resampling_units ? "-" : fmt::format("{} {}", s.resampled_units, s.resampled)});
}

std::string parity_table(const char* header, std::span<const ParityPoint> points) {
  std::string text = header;
  for (const ParityPoint& p : points) {
    const std::string element = p.number > 0 ? fmt::format(",{}", element_symbol(p.number)) : "";
    text += fmt::format("{}{},{:.9g},{:.9g}\n", p.frame, element, p.label, p.prediction);
  }
  return text;
}

std::string frame_table(const ModelErrors& errors) {
  std::string text =
      "frame,source,energy_error_meV_per_atom,force_rmse_meV_per_A,force_max_meV_per_A,force_max_atom,stress_rmse_GPa,"
      "extrapolating_atoms\n";
  const auto cell = [](const std::optional<double>& value, double factor) {
    return value ? fmt::format("{:.6g}", factor * *value) : std::string();
  };
  for (const FrameErrors& f : errors.frames)
    text += fmt::format("{},{},{},{},{},{},{},{}\n", f.frame, f.name, cell(f.energy, 1e3), cell(f.force_rmse, 1e3),
                        cell(f.force_max, 1e3), f.force_max ? fmt::format("{}", f.force_max_atom) : "",
                        cell(f.stress_rmse, units::ev_per_a3_in_gpa), f.extrapolating);
  return text;
}

}  // namespace

std::string to_json(const ModelErrors& errors) {
  Json json = summary_json(errors.all);
  json["by_element"] = element_json(errors.by_element);
  json["by_group"] = group_json(errors.by_group);
  json["by_temperature"] = group_json(errors.by_temperature);
  Json worst = Json::array();
  const auto optional = [](const std::optional<double>& value, double factor) {
    return value ? Json(factor * *value) : Json(nullptr);
  };
  for (const Index k : errors.worst) {
    const FrameErrors& f = errors.frames[static_cast<std::size_t>(k)];
    worst.push_back({{"frame", f.frame},
                     {"source", f.name},
                     {"energy_error_meV_per_atom", optional(f.energy, 1e3)},
                     {"force_rmse_meV_per_A", optional(f.force_rmse, 1e3)},
                     {"force_max_meV_per_A", optional(f.force_max, 1e3)},
                     {"force_max_atom", f.force_max ? Json(f.force_max_atom) : Json(nullptr)},
                     {"stress_rmse_GPa", optional(f.stress_rmse, units::ev_per_a3_in_gpa)},
                     {"extrapolating_atoms", f.extrapolating}});
  }
  json["worst"] = std::move(worst);
  if (errors.deviation) json["force_deviation"] = deviation_json(*errors.deviation);
  return json.dump(2);
}

std::string to_text(const ModelErrors& errors) {
  std::string text =
      text_row("", {"frames", "E mae", "E rmse", "F mae", "F rmse", "F labels", "S rmse", "intervals from"});
  text += text_row("", {"", "meV/atom", "meV/atom", "meV/A", "meV/A", "meV/A", "GPa", ""});
  text += text_line("all", errors.all);
  if (errors.by_group.size() > 1)
    for (const auto& [name, summary] : errors.by_group) text += text_line(name, summary);
  for (const auto& [name, summary] : errors.by_temperature) text += text_line(name, summary);
  for (const auto& [name, summary] : errors.by_element) text += text_line(name, summary);
  text += fmt::format("[95 % intervals: {} resamples; none from fewer than {} frames, trajectories or blocks]\n",
                      resamples, least_resampling_units);
  if (!errors.worst.empty()) {
    const FrameErrors& f = errors.frames[static_cast<std::size_t>(errors.worst.front())];
    text += fmt::format("worst frame: {}", f.name);
    if (f.force_rmse)
      text += fmt::format(" (force rmse {:.0f} meV/A, largest {:.0f} on atom {})", 1e3 * *f.force_rmse,
                          1e3 * *f.force_max, f.force_max_atom);
    text += "\n";
  }
  if (errors.deviation) text += deviation_text(*errors.deviation);
  return text;
}

std::vector<std::string> write_error_tables(const ModelErrors& errors, const std::string& folder,
                                            const std::string& prefix) {
  PosixFileSystem files;
  std::vector<std::string> paths;
  const auto write = [&](const char* name, const std::string& text) {
    paths.push_back(folder + "/" + prefix + name);
    write_file_atomically(files, paths.back(), text);
  };
  if (!errors.energy_parity.empty())
    write("parity_energy.csv", parity_table("frame,label_eV_per_atom,prediction_eV_per_atom\n", errors.energy_parity));
  if (!errors.force_parity.empty())
    write("parity_force.csv", parity_table("frame,element,label_eV_per_A,prediction_eV_per_A\n", errors.force_parity));
  if (!errors.stress_parity.empty())
    write("parity_stress.csv", parity_table("frame,label_eV_per_A3,prediction_eV_per_A3\n", errors.stress_parity));
  write("errors_by_frame.csv", frame_table(errors));
  return paths;
}

}  // namespace haven
