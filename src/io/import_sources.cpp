#include "io/import_sources.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "io/cp2k_trajectory.hpp"
#include "io/deepmd_npy.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return text;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The name in lower case without the ending of a compressor.
std::string plain_name(const std::string& file_name) {
  std::string name = lower(file_name);
  for (const std::string_view end : {".gz", ".bz2", ".xz"})
    if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
  return name;
}

/// Could a file of this name, met in a folder, hold labelled frames?
bool name_is_wanted(const std::string& file_name) {
  const std::string name = plain_name(file_name);
  if (name.starts_with('.') || name.ends_with('~')) return false;
  if (contains(name, "outcar") || (contains(name, "vasprun") && contains(name, ".xml"))) return true;
  if (contains(name, "-frc-") || contains(name, "-vel-")) return false;  // read with the -pos- file of CP2K
  return (contains(name, "vaspout") && name.ends_with(".h5")) || name.starts_with("ml_ab") || name == "type.raw" ||
         name == "input.data" || name.ends_with(".xyz") || name.ends_with(".extxyz") || name.ends_with(".xsf");
}

/// Why a file that Haven can read is no source of a data set.
std::string unlabelled(FileFormat format) {
  if (format == FileFormat::xdatcar)
    return "an XDATCAR holds positions and no forces, also with the energies of its OSZICAR: it serves transport "
           "(haven "
           "transport), not training; read the OUTCAR or vasprun.xml of the run";
  if (format == FileFormat::oszicar)
    return "an OSZICAR holds energies and temperatures, neither positions nor forces (it is read beside its XDATCAR by "
           "haven transport and haven export); read the OUTCAR or vasprun.xml of the run";
  if (format == FileFormat::poscar || format == FileFormat::cif || format == FileFormat::lammps_data)
    return fmt::format("a {} holds no energies and forces", file_format_name(format));
  return "the format of this file is not known";
}

std::vector<std::string> search_folder(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && name_is_wanted(at->path().filename().string()))
      found.push_back(at->path().string());
  }
  if (error) throw IoError("cannot search the folder", folder, error.value());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> expand_glob(const std::string& pattern) {
  glob_t matches{};
  std::vector<std::string> found;
  const int status = ::glob(pattern.c_str(), 0, nullptr, &matches);
  if (status == 0)
    for (std::size_t k = 0; k < matches.gl_pathc; ++k) found.emplace_back(matches.gl_pathv[k]);
  globfree(&matches);
  if (status == GLOB_NOSPACE)
    throw ResourceError("no memory to expand the pattern", pattern, "Name fewer files at once.");
  return found;
}

/// The same for all files of one run: folder and name without what tells them apart.
std::string run_key(const std::string& path) {
  const fs::path p(path);
  std::string name = plain_name(p.filename().string());
  for (const std::string_view part : {"outcar", "vasprun", "vaspout", ".xml", ".h5"})
    if (const auto at = name.find(part); at != name.npos) name.erase(at, part.size());
  std::erase(name, '.');
  return (p.parent_path() / name).string();
}

struct FirstStep {
  std::optional<VaspStep> step;
  VaspSettings settings;
};

FirstStep first_step(const ImportFile& file) {
  FirstStep first;
  try {
    const auto reader = open_vasp_run(file.path, file.format);
    do {
      first.step = reader->next();
    } while (first.step && (first.step->kind != VaspStep::Kind::ab_initio || !first.step->free_energy));
    first.settings = reader->settings();
  } catch (const InputError&) {
    // A file that cannot be read is no rival; its own import reports the error.
    first.step.reset();
  }
  return first;
}

bool same_run(const FirstStep& a, const FirstStep& b) {
  return a.step && b.step && a.settings.numbers == b.settings.numbers &&
         std::abs(*a.step->free_energy - *b.step->free_energy) < 1e-5;
}

class Finder {
 public:
  explicit Finder(const std::vector<ImportSource>& sources) : sources_(sources) {}

  ImportFileList find() {
    for (std::size_t k = 0; k < sources_.size(); ++k) add_source(k);
    drop_twins();
    drop_repeated_training_data();
    return std::move(list_);
  }

 private:
  void add_source(std::size_t k) {
    const std::string& path = sources_[k].path;
    std::error_code error;
    const std::size_t before = list_.files.size() + met_again_;
    if (fs::is_directory(path, error)) {
      for (const auto& file : search_folder(path)) add_file(file, k, ImportFile::Found::searched);
    } else if (fs::exists(path, error)) {
      add_file(path, k, ImportFile::Found::named);
    } else {
      for (const auto& match : expand_glob(path)) {
        if (!fs::is_directory(match, error)) {
          add_file(match, k, ImportFile::Found::searched);
          continue;
        }
        for (const auto& file : search_folder(match)) add_file(file, k, ImportFile::Found::searched);
      }
    }
    if (list_.files.size() + met_again_ == before)
      throw InputError(
          "no file with energies and forces here", path,
          "Check the path; folders are searched for OUTCAR*, vasprun*.xml*, vaspout*.h5, ML_AB*, type.raw, input.data, "
          "*.xyz, *.extxyz and *.xsf (also .gz, .bz2, .xz); files of other names must be named.");
  }

  void add_file(const std::string& path, std::size_t source, ImportFile::Found found) {
    std::error_code error;
    const std::string identity = fs::weakly_canonical(path, error).string();
    if (!known_.insert(error ? path : identity).second) {
      ++met_again_;
      list_.notes.push_back(fmt::format("{}: named more than once, read once", path));
      return;
    }
    const FileFormat format = recognise_format(path);
    if (is_vasp_run(format) || is_frame_file(format)) {
      list_.files.push_back({.path = path, .format = format, .source = source, .found = found});
      if (format == FileFormat::deepmd) list_.files.back().parts = deepmd_parts(path);
      if (format == FileFormat::cp2k) list_.files.back().parts = cp2k_parts(path);
      return;
    }
    if (found == ImportFile::Found::named)
      throw InputError(unlabelled(format), path, fmt::format("Importable are {}.", importable_formats));
    list_.notes.push_back(fmt::format("{}: not read, {}", path, unlabelled(format)));
  }

  void drop_twins() {
    std::vector<ImportFile> kept;
    for (ImportFile& file : list_.files) {
      const auto twin = std::find_if(kept.begin(), kept.end(), [&](const ImportFile& other) {
        return other.format != file.format && is_vasp_run(other.format) && is_vasp_run(file.format) &&
               run_key(other.path) == run_key(file.path);
      });
      if (twin == kept.end() || !settle_twins(*twin, file)) kept.push_back(std::move(file));
    }
    list_.files = std::move(kept);
  }

  /// True when both hold one run: then `kept` has become the one to read.
  bool settle_twins(ImportFile& kept, ImportFile& other) {
    const FirstStep a = first_step(kept), b = first_step(other);
    if (!same_run(a, b)) {
      // One without any step is not worth an error beside the other, which has them.
      if (!a.step && b.step) std::swap(kept, other);
      if (a.step.has_value() == b.step.has_value()) return false;
      list_.notes.push_back(fmt::format("{}: no complete ionic step, {} is read instead", other.path, kept.path));
      return true;
    }
    const bool under_pressure = a.settings.pstress_kbar != 0;
    const auto worth = [&](const ImportFile& file) {
      if (file.format == FileFormat::outcar) return under_pressure ? 3 : 0;
      return file.format == FileFormat::vasprun ? 2 : 1;
    };
    if (worth(other) > worth(kept)) std::swap(kept, other);
    kept.instead_of += (kept.instead_of.empty() ? "" : " and ") + other.path;
    if (!other.instead_of.empty()) kept.instead_of += " and " + std::exchange(other.instead_of, {});
    return true;
  }

  /// The ab initio steps of a run with a machine-learned force field stand in its OUTCAR and again in its ML_ABN (and
  /// those of the run before in its ML_AB): one of them is enough.
  void drop_repeated_training_data() {
    const auto folder = [](const ImportFile& file) { return fs::path(file.path).parent_path(); };
    const auto is_output = [](const ImportFile& file) {
      return lower(fs::path(file.path).filename().string()).starts_with("ml_abn");
    };
    std::erase_if(list_.files, [&, files = list_.files](const ImportFile& file) {
      if (file.format != FileFormat::ml_ab || file.found == ImportFile::Found::named) return false;
      const auto better = std::find_if(files.begin(), files.end(), [&](const ImportFile& other) {
        return folder(other) == folder(file) && (is_vasp_run(other.format) || (other.format == FileFormat::ml_ab &&
                                                                               is_output(other) && !is_output(file)));
      });
      if (better == files.end()) return false;
      list_.notes.push_back(fmt::format("{}: not read, its steps of this run are in {} (name it to read it too)",
                                        file.path, better->path));
      return true;
    });
  }

  const std::vector<ImportSource>& sources_;
  ImportFileList list_;
  std::set<std::string> known_;
  std::size_t met_again_ = 0;
};

}  // namespace

ImportFileList find_import_files(const std::vector<ImportSource>& sources) { return Finder(sources).find(); }

}  // namespace haven
