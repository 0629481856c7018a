#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/session.hpp"

/// One struct and one function per verb. The functions are collective over the session's ranks and throw typed errors;
/// what a verb means is documented in docs/commands.md and `haven <verb> --help`.
namespace haven {

/// Which input file, and what replaces its values.
struct ConfigArguments {
  std::string path = "haven.toml";
  std::vector<std::string> overrides{};  ///< key=value
};

enum class Spend { yes, no };                 ///< no: --dry-run checks everything and writes nothing
enum class Restart { resume, from_scratch };  ///< from_scratch: --fresh sets earlier results aside

enum class Mixing { as_configured, allowed };  ///< allowed: --allow-mixed-settings

struct DataImportArguments {
  std::vector<std::string> sources{};  ///< empty: those of the input file
  std::string units{};                 ///< of the sources named here: "angstrom-ev", "bohr-hartree" or empty
  std::vector<std::string> types{};    ///< elements of their numbered atom types
  std::optional<ConfigArguments> config{};
  std::vector<std::string> overrides{};
  std::string output{};
  std::string json{};
  Spend spend = Spend::yes;
  Mixing mixing = Mixing::as_configured;
};

struct DataCheckArguments {
  std::vector<std::string> files{};  ///< datasets, or sources as for an import
  std::vector<std::string> overrides{};
  std::string json{};
  Mixing mixing = Mixing::as_configured;
};

struct DataStatsArguments {
  std::vector<std::string> files{};
  std::string folder{};  ///< where the page and the figures go; empty: none
  std::string json{};
};

struct DataSplitArguments {
  std::string set, folder;
  double valid = 0.1, test = 0.1;
  std::int64_t gap = 10;  ///< steps of the source between frames of different parts
  std::uint64_t seed = 20240229;
  std::string json{};
  Spend spend = Spend::yes;
};

struct DataSelectArguments {
  std::string set, output;
  std::int64_t count = 0;
  std::string known{};  ///< frames that are there already; empty: none
  double cutoff = 5.0;
  std::string json{};
};

struct DataExportArguments {
  std::string set, output;
  std::string format{};  ///< empty: by the name of the output
  std::string units = "angstrom-ev";
  std::string json{};
};

/// Verbs that run the pipeline up to a step: run, train, md, transport without files.
struct PipelineArguments {
  ConfigArguments config{};
  std::string last_step = "report";
  double time_limit_s = 0;  ///< 0: none
  int groups = 0;           ///< groups of ranks for the ladder, 0: chosen
  std::string json{};
  Spend spend = Spend::yes;
  Restart restart = Restart::resume;
};

struct TestArguments {
  std::string model, set;
  std::string part = "all";  ///< all, or train, valid, test of a set that a run has split
  std::string folder{};      ///< where parity tables and figures go; empty: none
  std::string json{};
  std::string precision = "mixed";
};

struct PredictArguments {
  std::string model;
  std::vector<std::string> structures{};
  std::string output{};
  std::string json{};
  std::string precision = "mixed";
};

/// `haven md MODEL STRUCTURE`: one temperature without an input file.
struct PlainMdArguments {
  std::string model, structure, folder = "md";
  std::vector<std::string> committee{};  ///< other models that are compared with the first
  std::vector<double> temperatures{};
  double ps = 0, timestep = 1.0, every_fs = 100, tau = 0;
  double equilibrate_ps = 0;  ///< > 0: at constant pressure first, then the run in the mean cell
  double pressure = 0, barostat_tau = 1000, bulk_modulus = 50;  ///< GPa, fs, GPa
  std::string ensemble = "nvt", barostat = "rescaling", shape = "isotropic", device = "auto";
  std::vector<std::int64_t> supercell{1, 1, 1};
  int replicas = 1, groups = 0;
  std::uint64_t seed = 20240229;
  double time_limit_s = 0;
  std::string json{};
  Spend spend = Spend::yes;
};

/// `haven relax MODEL STRUCTURE`
struct RelaxArguments {
  std::string model, structure, cell = "triclinic", method = "lbfgs";
  double pressure = 0;                                      ///< GPa
  double force_tolerance = 0.005, stress_tolerance = 0.05;  ///< eV/A, GPa
  double symmetry_tolerance = 0.01;                         ///< A
  std::int64_t max_steps = 2000;
  std::string output{}, json{};
};

/// `haven transport msd|haven TRAJ...`
struct TransportArguments {
  std::string quantity = "haven";  ///< msd | haven
  std::vector<std::string> trajectories{};
  std::vector<std::string> mobile{};
  std::map<std::string, double> charges{};
  double temperature = 0, frame_interval_fs = 0, timestep_fs = 0, skip_ps = 0, hop_length = 0;
  double memory_GB = 1.5;  ///< of tracks; longer ones go to a temporary file
  std::string stage{}, structure{}, drift = "host";
  std::vector<std::string> types{};  ///< elements of numbered atom types
  std::optional<std::array<double, 2>> window_ps{};
  std::string folder{}, json{};
};

/// `haven export TRAJ -o FILE`
struct TrajectoryExportArguments {
  TransportArguments run{};  ///< one trajectory, and how it is read
  std::string output{}, format = "auto";
  std::int64_t every = 1;
};

/// `haven transport structure TRAJ`
struct StructureArguments {
  TransportArguments run{};  ///< what is read and where results go
  std::string sites{};       ///< reference crystal; empty: maxima of the density
  double grid = 0.25;        ///< A
  std::vector<double> lags_ps{};
};

/// `haven transport layers TRAJ`
struct LayersArguments {
  TransportArguments run{};
  std::string axis = "c";       ///< a, b or c: the planes of the other two
  std::vector<int> planes{};    ///< Miller indices instead
  std::vector<double> edges{};  ///< fractional; empty: `count` layers of equal thickness
  int count = 2;
  double lag_ps = 0;  ///< 0: where the motion of the whole cell has become diffusive
};

/// `haven transport regions TRAJ`: numbers of one shape after the other.
struct RegionsArguments {
  TransportArguments run{};
  std::vector<double> spheres{};    ///< x y z (fractions), radius (A)
  std::vector<double> cylinders{};  ///< x y z (fractions), u v w, radius (A)
  std::vector<double> slabs{};      ///< h k l, from, to
  double lag_ps = 0;                ///< 0: where the motion of the whole cell has become diffusive
};

/// `haven plan`
struct PlanArguments {
  TransportArguments pilot{};  ///< without trajectories: a guess
  std::vector<double> temperatures{};
  double diffusion = 0, guess_temperature = 0;
  double activation_eV = 0, activation_sd_eV = 0.05;
  double relative_error = 0.1;
  int replicas = 1;
  long long ions = 0;
  double ns_per_day = 0;
  std::string json{};
};

struct ArrheniusArguments {
  std::vector<std::string> runs{};
  double target = 300;
  std::string model = "auto";
  std::string folder{}, json{};
};

/// `haven transport committee RUN RUN ...`: the same protocol with potentials that were trained apart.
struct CommitteeArguments {
  ArrheniusArguments arrhenius{};
};

/// `haven transport size RUN RUN ...`: one temperature in cells of different size.
struct SizeArguments {
  std::vector<std::string> runs{};
  double viscosity_mPa_s = 0;  ///< of a liquid; 0: no correction
  std::string folder{}, json{};
};

struct ReportArguments {
  std::string folder = "run";
  std::string output{}, json{};
};

struct InitArguments {
  std::string folder = ".";
  std::string output = "haven.toml";
};

struct ModelInfoArguments {
  std::string model, json{};
};

struct ModelConvertArguments {
  std::vector<std::string> sources{};
  std::string output, format = "auto", units{}, json{};
};

struct ModelMergeArguments {
  std::vector<std::string> models{};
  std::string output, json{};
};

struct BenchArguments {
  std::string model{}, structure{}, preset{};
  std::string precision = "mixed";
  Index atoms = 2000;  ///< of the box that is made when no structure is given
  std::array<std::int64_t, 3> supercell{1, 1, 1};
  int repeats = 20;
  std::int64_t steps = 100;  ///< of molecular dynamics that are timed, in five blocks
  std::string json{};
};

struct SchemaArguments {
  enum class Form { json, markdown } form = Form::json;
};

struct VersionArguments {
  std::string json{};
};

using CommandArguments =
    std::variant<DataImportArguments, DataCheckArguments, DataStatsArguments, DataSplitArguments, DataSelectArguments,
                 DataExportArguments, PipelineArguments, TestArguments, PredictArguments, RelaxArguments,
                 PlainMdArguments, TransportArguments, StructureArguments, LayersArguments, TrajectoryExportArguments,
                 PlanArguments, ArrheniusArguments, CommitteeArguments, SizeArguments, RegionsArguments,
                 ReportArguments, InitArguments, ModelInfoArguments, ModelConvertArguments, ModelMergeArguments,
                 BenchArguments, SchemaArguments, VersionArguments>;

/// What the command line asks for: a command, or a text to print (--help, --version).
struct CommandLine {
  std::optional<CommandArguments> command{};
  std::string text{};
};
/// @throws ConfigError for anything that cannot be understood, with the nearest valid word
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

/// Carries the command out.
[[nodiscard]] ExitCode run_command(Session& session, const CommandArguments& arguments);

[[nodiscard]] ExitCode data_import(Session& session, const DataImportArguments& arguments);
[[nodiscard]] ExitCode data_check(Session& session, const DataCheckArguments& arguments);
[[nodiscard]] ExitCode data_stats(Session& session, const DataStatsArguments& arguments);
[[nodiscard]] ExitCode data_split(Session& session, const DataSplitArguments& arguments);
[[nodiscard]] ExitCode data_select(Session& session, const DataSelectArguments& arguments);
[[nodiscard]] ExitCode data_export(Session& session, const DataExportArguments& arguments);
[[nodiscard]] ExitCode run_pipeline(Session& session, const PipelineArguments& arguments);
[[nodiscard]] ExitCode test_model(Session& session, const TestArguments& arguments);
[[nodiscard]] ExitCode predict(Session& session, const PredictArguments& arguments);
[[nodiscard]] ExitCode relax_structure(Session& session, const RelaxArguments& arguments);
[[nodiscard]] ExitCode plain_md(Session& session, const PlainMdArguments& arguments);
[[nodiscard]] ExitCode transport_analysis(Session& session, const TransportArguments& arguments);
[[nodiscard]] ExitCode structure_analysis(Session& session, const StructureArguments& arguments);
[[nodiscard]] ExitCode export_trajectory(Session& session, const TrajectoryExportArguments& arguments);
[[nodiscard]] ExitCode layers_analysis(Session& session, const LayersArguments& arguments);
[[nodiscard]] ExitCode plan_runs(Session& session, const PlanArguments& arguments);
[[nodiscard]] ExitCode arrhenius_analysis(Session& session, const ArrheniusArguments& arguments);
[[nodiscard]] ExitCode committee_analysis(Session& session, const CommitteeArguments& arguments);
[[nodiscard]] ExitCode regions_analysis(Session& session, const RegionsArguments& arguments);
[[nodiscard]] ExitCode size_analysis(Session& session, const SizeArguments& arguments);
[[nodiscard]] ExitCode make_report(Session& session, const ReportArguments& arguments);
[[nodiscard]] ExitCode init_project(Session& session, const InitArguments& arguments);
[[nodiscard]] ExitCode model_info(Session& session, const ModelInfoArguments& arguments);
[[nodiscard]] ExitCode model_convert(Session& session, const ModelConvertArguments& arguments);
[[nodiscard]] ExitCode model_merge(Session& session, const ModelMergeArguments& arguments);
[[nodiscard]] ExitCode bench(Session& session, const BenchArguments& arguments);
[[nodiscard]] ExitCode print_schema(Session& session, const SchemaArguments& arguments);
[[nodiscard]] ExitCode print_version(Session& session, const VersionArguments& arguments);

}  // namespace haven
