#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "md/options.hpp"
#include "training/training_api.hpp"

/// The input file `haven.toml` as typed values. Units are those of the key's suffix, else eV, A, fs, K. Every default
/// of the program is the initialiser of a member here; `haven schema` and `effective.toml` print them from this one
/// place.
namespace haven {

/// One entry of `data.sources`.
struct SourceConfig {
  std::string path;   ///< file, folder or glob, relative to the input file
  std::string group;  ///< errors are reported by group; empty: the name of the folder
  std::int64_t every = 1;
  double weight = 1.0;
  std::string units{};               ///< of formats that state none (n2p2): angstrom-ev | bohr-hartree
  std::vector<std::string> types{};  ///< elements of numbered atom types that the files do not name
};

struct SplitConfig {
  std::string by = "trajectory";  ///< trajectory | frame
  double valid = 0.1, test = 0.1;
};

struct DataConfig {
  std::vector<SourceConfig> sources;
  std::string energy = "free";           ///< free | sigma0
  std::string unconverged = "reject";    ///< reject | keep | error
  double max_force = 30.0;               ///< eV/A
  std::string stress = "auto";           ///< auto | use | ignore
  std::string mixed_settings = "error";  ///< error | allow | settings that may differ, "ISMEAR, SIGMA"
  SplitConfig split;
  std::string energy_shift = "fit";
};

struct ModelConfig {
  std::string file;                  ///< an existing model; empty: one is trained
  std::vector<std::string> members;  ///< with `file`: the other models of a committee
  std::string type = "moment", preset = "standard";
  double cutoff = 6.0;
  std::string repulsion = "zbl";
  std::int64_t committee = 1;
  std::string committee_descriptor = "own";
};

struct TrainConfig {
  std::string device = "auto", precision = "mixed";
  std::int64_t batch_atoms = TrainOptions{}.batch_atoms, batch_frames = TrainOptions{}.batch_frames;
  std::int64_t max_epochs = TrainOptions{}.max_epochs, threads = 0;
  struct LearningRate {
    double start = TrainOptions{}.learning_rate_start, end = TrainOptions{}.learning_rate_end;
  } learning_rate;
  struct Loss {
    double energy = 1.0, force = 100.0, virial = 0.1;
  };
  std::optional<Loss> loss;  ///< empty: "auto"
  struct EarlyStop {
    std::int64_t patience = TrainOptions{}.patience;
  } early_stop;
  double robust = TrainOptions{}.robust;
  std::int64_t final_fit = TrainOptions{}.final_fit_rows;
  std::int64_t polish = TrainOptions{}.polish_iterations;
  double checkpoint_s = 300, max_time_s = 0;
};

struct SystemConfig {
  std::string structure;
  std::array<std::int64_t, 3> supercell{1, 1, 1};
  std::map<std::string, double> charges;  ///< formal charges, e
  std::vector<std::string> mobile;
  std::map<std::string, double> masses{};   ///< amu, instead of the standard ones
  std::vector<std::string> frozen{};        ///< elements that do not move
  std::vector<std::string> frozen_atoms{};  ///< atoms of the structure file that do not move (AtomRange), every copy
};

struct ThermostatConfig {
  std::string type = "bussi";  ///< bussi | nose-hoover | langevin; unless given, nose-hoover with the barostat mtk
  double tau = 0.0;            ///< fs; after reading 1000 in a transport stage and 100 in others, unless given
};

struct BarostatConfig {
  std::string type = "rescaling";   ///< rescaling | mtk
  double pressure = 0.0;            ///< GPa
  std::string shape = "isotropic";  ///< isotropic | anisotropic | triclinic
  double tau = BarostatOptions{}.tau_fs, bulk_modulus = BarostatOptions{}.bulk_modulus_gpa;
};

struct CorrelatorConfig {
  double every_fs = 10;
};

struct TrajectoryConfig {
  double every_fs = 100;
  std::string format = "h5md";
  bool velocities = false;
};

/// Beginning of a stage's `cell` that names the stage whose mean cell is used.
inline constexpr std::string_view mean_cell_prefix = "mean:";

/// One [[md.stage]].
struct StageConfig {
  std::string name;
  std::string ensemble = "nvt";  ///< nve | nvt | npt
  double ps = 0;
  std::string cell = "keep";                   ///< keep | mean:NAME of an earlier npt stage
  bool transport = false;                      ///< the stage that `haven transport` reads
  double start_temperature = 0;                ///< K, of a ramp to that of the ladder; 0: none
  std::optional<ThermostatConfig> thermostat;  ///< present for nvt and npt after reading
  std::optional<BarostatConfig> barostat;      ///< present for npt after reading
  std::optional<TrajectoryConfig> trajectory;
  std::optional<CorrelatorConfig> correlator;
};

struct LadderConfig {
  std::vector<double> temperatures;
  std::string order = "descending";
};

struct GuardsConfig {
  std::string nan = "stop";
  double max_temperature_factor = GuardOptions{}.max_temperature_factor, max_force = GuardOptions{}.max_force;
  double host_msd_factor = GuardOptions{}.host_msd_factor;
  double max_step_displacement = GuardOptions{}.max_step_displacement;  ///< A
  double minimum_distance_factor =
      GuardOptions{}.minimum_distance_factor;  ///< of the smallest distance in the training set
  double max_volume_factor = GuardOptions{}.max_volume_factor;
  double energy_drift = GuardOptions{}.energy_drift;  ///< eV/atom/ns
  double stall_s = 60 * MdOptions{}.stall_minutes;
  std::string host = "stop", extrapolation = "flag";
  double max_deviation = GuardOptions{}.max_deviation;  ///< eV/A
  std::string deviation = "flag";
};

struct RestartConfig {
  double every_s = 600;
  std::int64_t keep = 2;
  bool on_signal = true;
  double max_walltime_s = 0;
};

struct MdConfig {
  double timestep = 1.0;
  std::int64_t replicas = 1;
  std::string device = "auto", precision = "mixed";
  double skin = 1.0;
  RestartConfig restart;
  std::vector<StageConfig> stages;
  LadderConfig ladder;
  GuardsConfig guards;
};

struct TransportConfig {
  std::vector<std::string> quantities{"tracer", "collective", "haven"};
  std::vector<std::string> axes{"iso"};
  std::string drift = "host";
  std::optional<std::array<double, 2>> window_ps;  ///< empty: "auto"
  std::int64_t min_hops = 20;
  double lindemann_factor = 0.25;
  struct Arrhenius {
    double target_kelvin = 300;
    std::string quantity = "sigmaT", model = "auto";
  } arrhenius;
};

struct OutputConfig {
  std::string plots = "svg";
  double thermo_every_fs = 50;
  std::string log = "info";
};

struct Config {
  std::int64_t schema = 1;
  std::string name = "haven";
  std::uint64_t seed = 20240229;
  std::vector<std::string> elements;
  std::string out = "run";
  std::map<std::string, std::string> units;
  DataConfig data;
  ModelConfig model;
  TrainConfig train;
  SystemConfig system;
  MdConfig md;
  TransportConfig transport;
  OutputConfig output;

  /// Folder of the input file; relative paths inside the file start here. Not a key.
  std::string base_folder = ".";
  /// Remarks that are no errors, e.g. a switched-off section of a capability this version does not have.
  std::vector<std::string> notes;
};

/// Which parts a command cannot do without; missing ones are reported with all other problems.
enum class Needs : unsigned { nothing = 0, data = 1, system = 2, md = 4, transport = 8 };
constexpr Needs operator|(Needs a, Needs b) {
  return static_cast<Needs>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool needs(Needs set, Needs item) { return (static_cast<unsigned>(set) & static_cast<unsigned>(item)) != 0; }

/// Reads and checks an input file. Nothing is written.
/// @param overrides  "key=value" strings of --set, applied before checking; list items by number or name:
/// md.stage.prod.ps=20
/// @throws ConfigError that lists *all* problems, each with its line, the nearest valid key or value and what to do
/// @throws IoError when the file cannot be read
[[nodiscard]] Config load_config(const std::string& path, const std::vector<std::string>& overrides = {},
                                 Needs required = Needs::nothing);
/// The same for text in memory; `origin` stands for the file name in messages.
[[nodiscard]] Config parse_config(std::string_view text, const std::string& origin,
                                  const std::vector<std::string>& overrides = {}, Needs required = Needs::nothing);

enum class Comments { yes, no };
/// The complete effective configuration as TOML; reading it back gives the same configuration.
/// Wall time after which a command stops with a checkpoint, s: the limit of the command line, else that of the input
/// file; 0: none.
[[nodiscard]] inline double wall_limit(double argument_s, const RestartConfig& restart) {
  return argument_s > 0 ? argument_s : restart.max_walltime_s;
}
[[nodiscard]] std::string effective_toml(const Config& config, Comments comments = Comments::yes);
/// One top-level part of it ("data", "md", ...; "" for the keys outside any table) without comments, for hashing.
[[nodiscard]] std::string effective_section(const Config& config, const std::string& section);

/// JSON Schema (draft 2020-12) of the input file, and the same as a Markdown table.
[[nodiscard]] std::string config_json_schema();
[[nodiscard]] std::string config_markdown();

/// A path of the input file as the process can open it.
[[nodiscard]] std::string resolve_path(const Config& config, const std::string& path);

}  // namespace haven
