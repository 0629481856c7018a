#include "io/import_sources.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "core/error.hpp"
#include "io/outcar.hpp"
#include "io/vasprun.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return text;
}

bool ends_with_any(const std::string& text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view end) { return text.ends_with(end); });
}

/// Could a file of this name, met in a folder, hold labelled frames?
bool name_is_wanted(const std::string& file_name) {
  const std::string name = lower(file_name);
  if (name.starts_with('.') || name.ends_with('~')) return false;
  if (name.find("outcar") != name.npos || (name.find("vasprun") != name.npos && name.find(".xml") != name.npos))
    return true;
  return ends_with_any(name, {".xyz", ".extxyz", ".xyz.gz", ".extxyz.gz"});
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

/// The same for the OUTCAR and the vasprun.xml of one run: folder and name without what tells the two apart.
std::string run_key(const std::string& path) {
  const fs::path p(path);
  std::string name = lower(p.filename().string());
  for (const std::string_view part : {"outcar", "vasprun", ".xml", ".gz"})
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
    const auto reader = file.format == FileFormat::outcar ? open_outcar(file.path) : open_vasprun(file.path);
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
          "no OUTCAR, vasprun.xml or extended XYZ file here", path,
          "Check the path; folders are searched for OUTCAR*, vasprun*.xml*, *.xyz and *.extxyz (also .gz).");
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
    const bool labelled = format == FileFormat::outcar || format == FileFormat::vasprun || format == FileFormat::extxyz;
    if (labelled) {
      list_.files.push_back({.path = path, .format = format, .source = source, .found = found});
      return;
    }
    if (found == ImportFile::Found::named)
      throw InputError(format == FileFormat::poscar ? "a POSCAR holds no energies and forces"
                                                    : "the format of this file is not known",
                       path, "Importable are OUTCAR, vasprun.xml and extended XYZ (plain or .gz).");
    list_.notes.push_back(fmt::format("{}: not read, its content is no known format", path));
  }

  void drop_twins() {
    std::vector<ImportFile> kept;
    for (ImportFile& file : list_.files) {
      const auto twin = std::find_if(kept.begin(), kept.end(), [&](const ImportFile& other) {
        return other.format != file.format && other.format != FileFormat::extxyz && file.format != FileFormat::extxyz &&
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
    const bool want_outcar = a.settings.pstress_kbar != 0;
    if (want_outcar != (kept.format == FileFormat::outcar)) std::swap(kept, other);
    kept.instead_of = other.path;
    return true;
  }

  const std::vector<ImportSource>& sources_;
  ImportFileList list_;
  std::set<std::string> known_;
  std::size_t met_again_ = 0;
};

}  // namespace

ImportFileList find_import_files(const std::vector<ImportSource>& sources) { return Finder(sources).find(); }

}  // namespace haven
