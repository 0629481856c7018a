#include "app/model_convert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/commands.hpp"
#include "app/model_text.hpp"
#include "core/error.hpp"
#include "io/aenet_potential.hpp"
#include "io/cursor.hpp"
#include "io/lammps_table.hpp"
#include "io/model_file.hpp"
#include "io/n2p2_potential.hpp"
#include "io/nep_potential.hpp"
#include "io/sha256.hpp"
#include "io/text_file.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace fs = std::filesystem;
namespace {

PotentialUnits units_of(const PotentialSource& source) {
  if (source.units == "bohr-hartree") return PotentialUnits::bohr_hartree;
  if (source.units == "angstrom-ev") return PotentialUnits::angstrom_ev;
  throw ConfigError("the files of n2p2 do not say their units", "--units",
                    "Add --units bohr-hartree or --units angstrom-ev, whichever the potential was trained in.");
}

const std::string& only_path(const PotentialSource& source, const std::string& what) {
  if (source.paths.size() != 1)
    throw ConfigError(fmt::format("{} sources, but {}", source.paths.size(), what), "SOURCE", "Give that one.");
  return source.paths.front();
}

/// The files that make up the potential, sorted by name.
std::vector<std::string> files_of(const PotentialSource& source, const std::string& format) {
  if (format != "n2p2") return source.paths;
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(source.paths.front())) {
    const std::string name = entry.path().filename().string();
    if (name == "input.nn" || name == "scaling.data" ||
        (name.rfind("weights.", 0) == 0 && entry.path().extension() == ".data"))
      files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string potential_format(const PotentialSource& source) {
  if (source.format != "auto") return source.format;
  if (source.paths.empty()) throw ConfigError("no source", "SOURCE", "Give the files of a potential.");
  const std::string& first = source.paths.front();
  if (first.ends_with(".table")) return "lammps-table";
  if (fs::is_directory(first)) {
    if (fs::exists(fs::path(first) / "input.nn")) return "n2p2";
    throw InputError("the folder has no input.nn", first,
                     "Give the folder of an n2p2 potential, a nep.txt, or the network files of an aenet potential.");
  }
  // Only the beginning matters; a binary file has no line ends to rely on.
  TextFile file(first, TextFile::LongLine::stop, 4096);
  std::string_view line;
  while (file.next_line(line))
    if (!trimmed(line).empty()) return trimmed(line).rfind("nep", 0) == 0 ? "nep" : "aenet";
  return "aenet";
}

Model import_potential(const PotentialSource& source) {
  const std::string format = potential_format(source);
  Model model;
  if (format == "n2p2") {
    const std::string& folder = only_path(source, "an n2p2 potential is one folder");
    model = read_n2p2(folder, units_of(source));
    model.provenance["source_units"] = source.units;
  } else if (format == "nep") {
    model = read_nep(only_path(source, "a NEP is one file"));
  } else if (format == "lammps-table") {
    model = read_lammps_table(only_path(source, "a table is one file"));
  } else {
    model = read_aenet(source.paths);
  }
  model.provenance["converted_from"] = format;
  std::string files;
  for (const std::string& path : files_of(source, format))
    files += fmt::format("{} sha256 {}\n", fs::path(path).filename().string(), file_sha256(path));
  model.provenance["source_files"] = files;
  static_cast<void>(make_potential(model, Precision::float64));
  return model;
}

ExitCode model_convert(Session& session, const ModelConvertArguments& arguments) {
  on_root(session.world, [&] {
    const Model model =
        import_potential({.paths = arguments.sources, .format = arguments.format, .units = arguments.units});
    write_model(arguments.output, model);
    session.log.info(fmt::format("wrote {}", arguments.output));
    if (arguments.json != "-") std::fputs(model_text(model, arguments.output).c_str(), stdout);
    write_json(arguments.json, model_json(model, arguments.output));
  });
  return ExitCode::ok;
}

}  // namespace haven
