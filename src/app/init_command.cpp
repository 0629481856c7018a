#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "app/commands.hpp"
#include "core/species.hpp"
#include "io/structure_file.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

/// What the folder says about the project.
struct Found {
  std::string structure;  ///< path, empty when none
  std::vector<std::string> elements;
  std::vector<std::string> sources;  ///< labelled calculations
  double potim = 0;                  ///< fs
  std::set<double> temperatures;     ///< K
};

/// KEY = value pairs of an INCAR; comments and several settings per line allowed.
std::map<std::string, std::string> read_incar(const fs::path& path) {
  std::map<std::string, std::string> values;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) {
    line = line.substr(0, line.find_first_of("#!"));
    std::istringstream settings(line);
    for (std::string setting; std::getline(settings, setting, ';');) {
      const std::size_t equals = setting.find('=');
      if (equals == std::string::npos) continue;
      std::istringstream key(setting.substr(0, equals)), value(setting.substr(equals + 1));
      std::string name, first;
      if (key >> name && value >> first) values[name] = first;
    }
  }
  return values;
}

double number_of(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  double number = 0;
  if (found != values.end()) std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

void look_at(const fs::path& path, Found& found) {
  const std::string name = path.filename().string();
  if (name == "INCAR") {
    const auto incar = read_incar(path);
    if (number_of(incar, "IBRION") != 0 && incar.contains("IBRION")) return;  // POTIM is no time step then
    if (found.potim == 0) found.potim = number_of(incar, "POTIM");
    for (const char* key : {"TEBEG", "TEEND"})
      if (const double t = number_of(incar, key); t > 0) found.temperatures.insert(t);
  } else if (name.starts_with("OUTCAR") || name.starts_with("vasprun.xml") || name.ends_with(".extxyz")) {
    found.sources.push_back(path.string());
  } else if (found.structure.empty() && (name == "POSCAR" || name == "CONTCAR")) {
    found.structure = path.string();
  }
}

Found search(const std::string& folder) {
  if (!fs::is_directory(folder)) throw InputError("is no folder", folder, "Give the folder of your VASP calculations.");
  std::vector<fs::path> paths;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
       it != fs::recursive_directory_iterator(); it.increment(error))
    if (!error && it->is_regular_file(error)) paths.push_back(it->path());
  std::sort(paths.begin(), paths.end());
  Found found;
  for (const fs::path& path : paths) look_at(path, found);
  if (found.structure.empty() && !found.sources.empty()) found.structure = found.sources.front();
  if (!found.structure.empty()) {
    const Structure structure = read_structure(found.structure);
    for (const int number : structure.numbers) {
      const std::string symbol(element_symbol(number));
      if (std::find(found.elements.begin(), found.elements.end(), symbol) == found.elements.end())
        found.elements.push_back(symbol);
    }
  }
  return found;
}

/// Usual formal charges in ion conductors; 0 where one cannot know.
int usual_charge(const std::string& symbol) {
  static const std::map<std::string, int> charges{
      {"H", 1},  {"Li", 1}, {"Na", 1}, {"K", 1},  {"Ag", 1},  {"Mg", 2}, {"Ca", 2},  {"Sr", 2},  {"Ba", 2},
      {"Zn", 2}, {"B", 3},  {"Al", 3}, {"Ga", 3}, {"In", 3},  {"Y", 3},  {"La", 3},  {"Sc", 3},  {"Si", 4},
      {"Ge", 4}, {"Sn", 4}, {"Ti", 4}, {"Zr", 4}, {"Hf", 4},  {"P", 5},  {"As", 5},  {"Sb", 5},  {"Ta", 5},
      {"Nb", 5}, {"N", -3}, {"O", -2}, {"S", -2}, {"Se", -2}, {"F", -1}, {"Cl", -1}, {"Br", -1}, {"I", -1}};
  const auto found = charges.find(symbol);
  return found == charges.end() ? 0 : found->second;
}

std::string mobile_element(const std::vector<std::string>& elements) {
  for (const char* symbol : {"Li", "Na", "Ag", "K", "Cu", "Mg"})
    if (std::find(elements.begin(), elements.end(), symbol) != elements.end()) return symbol;
  return elements.empty() ? "Li" : elements.front();
}

/// Distinct folders as sources: a folder is searched, so the list stays short.
std::string source_lines(const Found& found, const std::string& folder) {
  if (found.sources.empty())
    return "  # { path = \"aimd/*/OUTCAR\", group = \"aimd\" },   # nothing was found here: name your calculations\n";
  std::set<std::string> tops;
  for (const std::string& source : found.sources) {
    const fs::path relative = fs::path(source).lexically_relative(folder);
    const fs::path top = *relative.begin();
    tops.insert(top == relative ? source : (fs::path(folder) / top).string());
  }
  std::string lines;
  for (const std::string& top : tops) {
    std::string group = fs::path(top).filename().string();
    if (group.starts_with("OUTCAR") || group.starts_with("vasprun")) group = "main";
    lines += fmt::format("  {{ path = \"{}\", group = \"{}\" }},\n", fs::path(top).lexically_normal().string(), group);
  }
  return lines;
}

std::string toml_for(const Found& found, const std::string& folder) {
  std::string charges;
  for (const std::string& symbol : found.elements)
    charges += fmt::format("{}{} = {}", charges.empty() ? "" : ", ", symbol, usual_charge(symbol));
  std::vector<double> ladder(found.temperatures.rbegin(), found.temperatures.rend());
  for (const double t : {1000.0, 900.0, 800.0, 700.0})
    if (ladder.size() < 4 && std::find(ladder.begin(), ladder.end(), t) == ladder.end()) ladder.push_back(t);
  std::sort(ladder.rbegin(), ladder.rend());
  const std::string quoted = found.elements.empty() ? "" : fmt::format("\"{}\"", fmt::join(found.elements, "\", \""));
  return fmt::format(
      "# haven.toml - written by `haven init {0}`; `haven schema --markdown` lists every key with its default.\n"
      "schema   = 1\n"
      "name     = \"{1}\"\n"
      "seed     = 20240229\n"
      "elements = [{2}]\n"
      "out      = \"run\"\n\n"
      "[data]\n"
      "sources = [                      # files, folders (searched) or globs\n{3}]\n"
      "split = {{ valid = 0.1, test = 0.1 }}   # by trajectory: neighbours in time never fall apart\n\n"
      "[model]\n"
      "type   = \"moment\"\n"
      "preset = \"standard\"              # fast | standard | accurate\n"
      "cutoff = 6.0                     # A\n\n"
      "[train]\n"
      "max_epochs = 200                 # stops earlier when validation no longer improves\n\n"
      "[system]\n"
      "structure = \"{4}\"\n"
      "supercell = [1, 1, 1]            # at least 20 A each way for a number you publish\n"
      "mobile    = [\"{5}\"]\n"
      "charges   = {{ {6} }}   # formal charges: CHECK THEM\n\n"
      "[md]\n"
      "timestep = {7}                   # fs\n"
      "replicas = 2                     # independent runs per temperature: they give the error bar\n\n"
      "[[md.stage]]\n"
      "name = \"equil\"\n"
      "ensemble = \"npt\"                  # finds the cell at this temperature; needs a model trained on stress\n"
      "barostat = {{ pressure = 0.0, shape = \"triclinic\" }}\n"
      "ps = 50\n\n"
      "[[md.stage]]\n"
      "name = \"prod\"\n"
      "ensemble = \"nvt\"\n"
      "cell = \"mean:equil\"               # the mean cell of the second half of equil; \"keep\": that of the "
      "structure\n"
      "thermostat = {{ tau = 1000.0 }}    # weak: it must not disturb diffusion\n"
      "ps = 1000\n"
      "transport = true\n"
      "trajectory = {{ every_fs = 100 }}\n\n"
      "[md.ladder]\n"
      "temperatures = [{8}]   # K; four or more make an activation energy a claim\n\n"
      "[transport]\n"
      "arrhenius = {{ target_K = 300 }}\n",
      folder, found.elements.empty() ? "haven" : fmt::format("{}", fmt::join(found.elements, "")), quoted,
      source_lines(found, folder),
      found.structure.empty() ? "POSCAR" : fs::path(found.structure).lexically_normal().string(),
      mobile_element(found.elements), charges, found.potim > 0 ? fmt::format("{:.1f}", found.potim) : "1.0",
      fmt::join(ladder, ", "));
}

}  // namespace

ExitCode init_project(Session& session, const InitArguments& arguments) {
  on_root(session.world, [&] {
    if (fs::exists(arguments.output))
      throw ConfigError("exists already and is left alone", arguments.output,
                        "Choose another file with -o, or remove it first.");
    const Found found = search(arguments.folder);
    write_text_file(arguments.output, toml_for(found, arguments.folder));
    session.log.info(fmt::format("wrote {}: elements {}, {} calculations, structure {}", arguments.output,
                                 found.elements.empty() ? "unknown" : fmt::format("{}", fmt::join(found.elements, " ")),
                                 found.sources.size(), found.structure.empty() ? "to be named" : found.structure));
    session.log.info("Read it, check the charges and temperatures, then: haven run " + arguments.output + " --dry-run");
  });
  return ExitCode::ok;
}

}  // namespace haven
