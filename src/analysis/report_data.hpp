#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/structure_reading.hpp"
#include "analysis/transport.hpp"

/// What the report is made of, read from a run folder. Every part may be absent.
namespace haven::report {

/// A table with named columns of equal length.
struct Columns {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;  ///< NaN where a cell is empty or no number
  std::vector<std::string> last_cells;      ///< of every row, as text: the stage in thermo.csv

  [[nodiscard]] bool empty() const { return values.empty() || values.front().empty(); }
  /// The first column whose name contains all words; null when there is none.
  [[nodiscard]] const std::vector<double>* find(const std::vector<std::string>& words) const;
};
/// Comma-separated values with a header line; lines starting with # are skipped, a cut-off last line is dropped.
/// Empty when the file does not exist.
[[nodiscard]] Columns read_columns(const std::string& path);

/// One source file of the data.
struct DataFile {
  std::string path, format, code, group;
  long long frames = 0, kept = 0, rejected = 0;
  std::vector<std::pair<std::string, long long>> reasons{};  ///< what was rejected or noted, and how often
  std::vector<std::string> notes{};
};

struct DataPart {
  std::vector<DataFile> files;
  long long kept = 0, rejected = 0;
  std::string energy, stress;
  std::vector<std::string> notes{};
  std::vector<std::string> decisions;  ///< the first few, as text
};

/// Errors of a model on one part of the data; absent values are negative.
struct ErrorRow {
  std::string name;
  double structures = 0, energy_rmse = -1, energy_mae = -1, force_rmse = -1, force_mae = -1,
         stress_rmse = -1;  ///< meV/atom, meV/A, GPa
  /// 95 %, same units; absent when too few independent frames were tested
  std::optional<std::array<double, 2>> energy_ci95{}, force_ci95{}, stress_ci95{};
  std::string resampled{};  ///< what the intervals come from, e.g. "20 blocks"
};

struct ErrorPart {
  std::string name;  ///< train, valid, test
  ErrorRow all;
  std::vector<ErrorRow> by_group, by_element;
};

/// The mean cell of a stage at constant pressure. Lengths in A, angles in degrees.
struct MeanCellRow {
  std::string stage;
  double volume = 0, volume_error = 0;  ///< A^3
  std::array<double, 3> lengths{}, length_errors{}, angles{};
  bool used = false;  ///< a later stage ran in it
};

/// One trajectory.
struct MdRun {
  double temperature = 0;
  int replica = 0;
  unsigned long long seed = 0;
  long long last_step = 0, n_atoms = 0;
  Columns thermo{};
  std::vector<std::string> events{};  ///< warnings and crashes, for people
  std::vector<MeanCellRow> cells{};
};

/// Numbers of the Arrhenius fit that the page speaks of.
struct ArrheniusPart {
  double target = 300, extrapolation = 0;
  Estimate activation_energy, activation_energy_tracer, haven_slope, sigma_at_target, tracer_at_target;
  std::optional<double> p_superionic;
  double superionic_threshold = 1e-4;
  std::string model, grade, refused;
  std::vector<AnalysisWarning> warnings;
};

/// A quantity of `haven transport committee`.
struct CommitteeRow {
  std::string name, unit, refused;
  double temperature = 0;  ///< 0 for those of the ladder
  double value = 0, statistical_error = 0, spread = 0, spread_upper = 0;
  bool relative = true;  ///< the errors are relative
  std::array<double, 2> statistical_ci95{}, total_ci95{};
};

struct CommitteePart {
  std::vector<std::string> potentials;
  double target = 0;
  std::vector<CommitteeRow> rows;
  std::vector<AnalysisWarning> warnings;
};

struct RunData {
  std::string name = "haven", created_by;
  std::string configuration;                               ///< effective.toml
  std::vector<std::pair<std::string, std::string>> facts;  ///< provenance, hashes
  std::optional<DataPart> data;
  std::vector<ErrorPart> errors;
  Columns learning_curve;
  std::vector<MdRun> runs;
  std::vector<TransportResult> transport;
  std::optional<ArrheniusPart> arrhenius;
  std::optional<CommitteePart> committee;              ///< committee/committee.json
  std::map<std::string, StructureSummary> structures;  ///< label -> transport/structure_LABEL/structure.json
  std::map<std::string, Columns> curves;               ///< label of a temperature -> msd_LABEL.csv
  std::map<std::string, std::string> figures;          ///< path in the run folder -> SVG
};

/// @throws InputError
[[nodiscard]] RunData load_run(const std::string& folder);

}  // namespace haven::report
