#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "app/atom_range.hpp"
#include "app/config_fields.hpp"
#include "core/species.hpp"

namespace haven {
namespace {

/// What acts on the velocities beside the stage's barostat, or by itself.
const char* thermostat_for(const StageConfig& stage) {
  return stage.ensemble == "npt" && stage.barostat && stage.barostat->type == "mtk" ? "nose-hoover" : "bussi";
}

/// Collects problems of one rule after another.
class Checker {
 public:
  explicit Checker(const Config& config) : config_(config) {}
  [[nodiscard]] std::vector<ConfigProblem> run(Needs required);

 private:
  void add(const std::string& key, const std::string& text) { problems_.push_back({0, key, text}); }
  void element(const std::string& key, const std::string& symbol);
  void unique_elements(const std::string& key, const std::vector<std::string>& symbols);
  void check_top();
  void check_units();
  void check_data();
  void check_train();
  void check_system();
  void check_frozen();
  void check_stages();
  void check_stage(std::size_t index);
  void check_cell(std::size_t index);
  void check_multiple(const std::string& key, double time_fs);
  void check_ladder();
  void check_needed(Needs required);

  const Config& config_;
  std::vector<ConfigProblem> problems_;
};

bool is_file_name(const std::string& text) {
  return !text.empty() && text != "." && text != ".." && text.find('/') == std::string::npos && text.size() <= 100;
}

void Checker::element(const std::string& key, const std::string& symbol) {
  if (atomic_number(symbol) != 0) return;
  std::vector<std::string> all;
  for (int z = 1; z <= max_atomic_number; ++z) all.emplace_back(element_symbol(z));
  const std::string guess = nearest(symbol, all);
  add(key,
      fmt::format("\"{}\" is no element{}", symbol, guess.empty() ? "" : fmt::format("; did you mean \"{}\"?", guess)));
}

void Checker::unique_elements(const std::string& key, const std::vector<std::string>& symbols) {
  std::set<std::string> seen;
  for (const std::string& symbol : symbols) {
    element(key, symbol);
    if (!seen.insert(symbol).second) add(key, fmt::format("\"{}\" is listed twice", symbol));
  }
}

void Checker::check_top() {
  if (!is_file_name(config_.name)) add("name", "must be usable as a file name: not empty, without \"/\"");
  if (config_.out.empty()) add("out", "must not be empty");
  unique_elements("elements", config_.elements);
}

void Checker::check_units() {
  static const std::map<std::string, std::string> fixed{
      {"energy", "eV"}, {"length", "A"}, {"time", "fs"}, {"pressure", "GPa"}};
  for (const auto& [key, value] : config_.units) {
    const auto found = fixed.find(key);
    if (found == fixed.end()) {
      const std::string guess = nearest(key, {"energy", "length", "time", "pressure"});
      add("units." + key, guess.empty() ? "unknown key; valid here: energy, length, pressure, time"
                                        : fmt::format("unknown key; did you mean \"{}\"?", guess));
    } else if (value != found->second) {
      add("units." + key,
          fmt::format(
              "\"{}\" cannot be chosen: units are fixed, and this one is \"{}\"; convert the numbers and the unit",
              value, found->second));
    }
  }
}

void Checker::check_data() {
  for (std::size_t k = 0; k < config_.data.sources.size(); ++k)
    if (config_.data.sources[k].path.empty()) add(fmt::format("data.sources[{}].path", k), "must be given");
  if (config_.data.split.valid + config_.data.split.test >= 1)
    add("data.split", fmt::format("valid = {} and test = {} leave nothing to train on", config_.data.split.valid,
                                  config_.data.split.test));
}

void Checker::check_train() {
  const TrainConfig& train = config_.train;
  if (train.learning_rate.end > train.learning_rate.start)
    add("train.learning_rate",
        fmt::format("must not grow: start = {}, end = {}", train.learning_rate.start, train.learning_rate.end));
  if (train.loss && train.loss->energy == 0 && train.loss->force == 0)
    add("train.loss", "energy and force are both 0: nothing would be learnt");
}

void Checker::check_system() {
  const SystemConfig& system = config_.system;
  unique_elements("system.mobile", system.mobile);
  const auto known = [&](const std::string& key, const std::string& symbol) {
    if (config_.elements.empty() ||
        std::find(config_.elements.begin(), config_.elements.end(), symbol) != config_.elements.end())
      return;
    add(key, fmt::format("\"{}\" is not among the elements of the model", symbol));
  };
  for (const auto& [symbol, charge] : system.charges) {
    element("system.charges." + symbol, symbol);
    known("system.charges." + symbol, symbol);
  }
  for (const auto& [symbol, mass] : system.masses) {
    element("system.masses." + symbol, symbol);
    if (!(mass > 0)) add("system.masses." + symbol, "must be positive");
  }
  check_frozen();
  for (const std::string& symbol : system.mobile) {
    known("system.mobile", symbol);
    const auto charge = system.charges.find(symbol);
    if (!system.charges.empty() && (charge == system.charges.end() || charge->second == 0))
      add("system.mobile", fmt::format("\"{}\" carries the current but has no charge in system.charges", symbol));
  }
}

void Checker::check_frozen() {
  const SystemConfig& system = config_.system;
  unique_elements("system.frozen", system.frozen);
  for (const std::string& symbol : system.frozen)
    if (std::find(system.mobile.begin(), system.mobile.end(), symbol) != system.mobile.end())
      add("system.frozen", fmt::format("\"{}\" is also mobile", symbol));
  for (const std::string& range : system.frozen_atoms)
    if (!parse_atom_range(range))
      add("system.frozen_atoms",
          fmt::format("\"{}\" is neither an atom nor a range of atoms such as \"10-20\"", range));
  const auto at_constant_pressure = [](const StageConfig& stage) { return stage.ensemble == "npt"; };
  if (!std::any_of(config_.md.stages.begin(), config_.md.stages.end(), at_constant_pressure)) return;
  for (const auto& [key, list] :
       {std::pair{"system.frozen", &system.frozen}, {"system.frozen_atoms", &system.frozen_atoms}})
    if (!list->empty())
      add(key, "frozen atoms contradict constant pressure (npt), which moves all atoms with the cell");
}

void Checker::check_multiple(const std::string& key, double time_fs) {
  const double steps = time_fs / config_.md.timestep;
  if (steps < 0.999 || std::abs(steps - std::round(steps)) > 1e-6 * steps)
    add(key, fmt::format("{} fs is not a whole number of time steps of {} fs", time_fs, config_.md.timestep));
}

void Checker::check_stage(std::size_t index) {
  const StageConfig& stage = config_.md.stages[index];
  const std::string path = fmt::format("md.stage[{}]", index);
  if (!is_file_name(stage.name)) add(path + ".name", "must be given and usable as a file name");
  if (stage.ps == 0) {
    add(path + ".ps", "must be given: the length of the stage in ps");
  } else {
    check_multiple(path + ".ps", stage.ps * 1000);
  }
  if (stage.ensemble == "nve" && stage.thermostat) add(path + ".thermostat", "contradicts ensemble = \"nve\"");
  if (stage.thermostat && stage.thermostat->tau > 0 && stage.thermostat->tau < 2 * config_.md.timestep)
    add(path + ".thermostat.tau", "must be at least two time steps");
  if (stage.ensemble != "npt" && stage.barostat)
    add(path + ".barostat", fmt::format("contradicts ensemble = \"{}\"", stage.ensemble));
  if (stage.barostat && stage.barostat->tau < 10 * config_.md.timestep)
    add(path + ".barostat.tau", "must be at least ten time steps");
  if (stage.ensemble == "npt" && stage.thermostat && stage.thermostat->type != thermostat_for(stage))
    add(path + ".thermostat.type",
        fmt::format("the barostat \"{}\" has the thermostat \"{}\"",
                    stage.barostat ? stage.barostat->type : BarostatConfig{}.type, thermostat_for(stage)));
  if (stage.start_temperature > 0 && stage.ensemble == "nve")
    add(path + ".start_temperature", "contradicts ensemble = \"nve\": nothing would change the temperature");
  if (stage.start_temperature > 0 && stage.transport)
    add(path + ".start_temperature",
        "a transport stage must not ramp the temperature; put the ramp into an earlier stage");
  if (stage.thermostat && stage.thermostat->type == "langevin" && stage.transport)
    add(path + ".thermostat.type",
        "MD005: friction changes diffusion and the conductivity; use \"bussi\" with a weak coupling (tau = 1000) here");
  if (stage.correlator) check_multiple(path + ".correlator.every_fs", stage.correlator->every_fs);
  if (stage.correlator && stage.ensemble == "npt")
    add(path + ".correlator", "needs a fixed cell: put it into a later stage, in the mean cell of this one");
  if (stage.correlator && config_.system.mobile.empty())
    add(path + ".correlator", "needs system.mobile, the elements whose motion is measured");
  if (stage.trajectory) check_multiple(path + ".trajectory.every_fs", stage.trajectory->every_fs);
  check_cell(index);
}

void Checker::check_cell(std::size_t index) {
  const std::string &cell = config_.md.stages[index].cell, key = fmt::format("md.stage[{}].cell", index);
  if (cell == "keep") return;
  if (!cell.starts_with(mean_cell_prefix))
    return add(key, "must be \"keep\" (the cell as it is) or \"mean:NAME\" (the mean cell of an earlier npt stage)");
  const std::string name = cell.substr(mean_cell_prefix.size());
  std::vector<std::string> candidates;
  for (std::size_t k = 0; k < index; ++k)
    if (config_.md.stages[k].ensemble == "npt") candidates.push_back(config_.md.stages[k].name);
  if (std::find(candidates.begin(), candidates.end(), name) != candidates.end()) return;
  const std::string guess = nearest(name, candidates);
  add(key, fmt::format("no earlier npt stage is named \"{}\"{}", name,
                       guess.empty() ? "" : fmt::format("; did you mean \"mean:{}\"?", guess)));
}

void Checker::check_stages() {
  std::set<std::string> names;
  int transport_stages = 0;
  for (std::size_t k = 0; k < config_.md.stages.size(); ++k) {
    const StageConfig& stage = config_.md.stages[k];
    check_stage(k);
    if (!names.insert(stage.name).second)
      add(fmt::format("md.stage[{}].name", k), fmt::format("\"{}\" is used twice", stage.name));
    if (stage.transport && ++transport_stages == 2)
      add(fmt::format("md.stage[{}].transport", k), "only one stage can be the transport stage");
  }
  if (!config_.md.restart.on_signal)
    add("md.restart.on_signal", "runs always leave a checkpoint on a signal in this version; use true");
  check_multiple("output.thermo_every_fs", config_.output.thermo_every_fs);
}

void Checker::check_ladder() {
  std::set<double> seen;
  for (const double t : config_.md.ladder.temperatures)
    if (!seen.insert(t).second) add("md.ladder.temperatures", fmt::format("{} K is listed twice", t));
}

void Checker::check_needed(Needs required) {
  const bool given = !config_.model.file.empty();
  if (needs(required, Needs::data) && config_.data.sources.empty() && !given)
    add("data.sources", "is needed: name at least one file or folder to learn from");
  if (given && !config_.data.sources.empty())
    add("model.file", "an existing model is not trained; remove this key, or data.sources");
  if (!given && !config_.model.members.empty())
    add("model.members", "the other models of a committee need the first one: give it as model.file");
  if (given && config_.model.committee > 1)
    add("model.committee", "existing models are not trained; list the others in model.members");
  if (needs(required, Needs::system) && config_.system.structure.empty())
    add("system.structure", "is needed: the file of the structure to simulate");
  if (needs(required, Needs::md)) {
    if (config_.md.stages.empty()) add("md.stage", "is needed: at least one [[md.stage]] with name, ensemble and ps");
    if (config_.md.ladder.temperatures.empty())
      add("md.ladder.temperatures", "is needed: at least one temperature in K");
  }
  if (needs(required, Needs::transport)) {
    if (config_.system.mobile.empty())
      add("system.mobile", "is needed: the elements that carry the current, such as [\"Li\"]");
    if (config_.system.charges.empty()) add("system.charges", "is needed: formal charges such as { Li = 1, O = -2 }");
    const auto is_transport = [](const StageConfig& stage) { return stage.transport; };
    if (needs(required, Needs::md) && !config_.md.stages.empty() &&
        std::none_of(config_.md.stages.begin(), config_.md.stages.end(), is_transport))
      add("md.stage", "one stage needs `transport = true`: the production run that is analysed");
  }
}

std::vector<ConfigProblem> Checker::run(Needs required) {
  check_top();
  check_units();
  check_data();
  check_train();
  check_system();
  check_stages();
  check_ladder();
  check_needed(required);
  return std::move(problems_);
}

}  // namespace

std::vector<ConfigProblem> check_config(const Config& config, Needs required) { return Checker(config).run(required); }

void complete_config(Config& config) {
  for (StageConfig& stage : config.md.stages) {
    if (stage.ensemble != "nve" && !stage.thermostat)
      stage.thermostat = ThermostatConfig{.type = thermostat_for(stage)};
    // Weak where diffusion is measured, quick where a temperature is to be reached.
    if (stage.thermostat && stage.thermostat->tau == 0) stage.thermostat->tau = stage.transport ? 1000 : 100;
    if (stage.ensemble == "npt" && !stage.barostat) stage.barostat.emplace();
    if (stage.transport && !stage.trajectory) stage.trajectory.emplace();
  }
  config.units = {{"energy", "eV"}, {"length", "A"}, {"time", "fs"}, {"pressure", "GPa"}};
}

}  // namespace haven
