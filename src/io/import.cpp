#include "io/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/extxyz.hpp"
#include "io/import_checks.hpp"
#include "io/import_sources.hpp"
#include "io/outcar.hpp"
#include "io/vasprun.hpp"

namespace haven {
namespace {

std::string folder_name(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  const std::string name = error ? std::string() : absolute.parent_path().filename().string();
  return name.empty() ? "data" : name;
}

void check_options(const ImportOptions& options) {
  const auto refuse = [](const std::string& what, const std::string& key, const std::string& remedy) {
    throw ConfigError(what, key, remedy);
  };
  if (options.sources.empty()) refuse("no source to import", "data.sources", "Name at least one file or folder.");
  for (const ImportSource& source : options.sources) {
    if (source.every < 1) refuse("every must be at least 1", "data.sources.every", "1 takes every ionic step.");
    if (!(source.weight > 0)) refuse("weight must be positive", "data.sources.weight", "Leave the source out instead.");
  }
  if (options.energy != "free" && options.energy != "sigma0")
    refuse(fmt::format("'{}' is no kind of energy", options.energy), "data.energy", "Choose \"free\" or \"sigma0\".");
  if (!(options.max_force > 0)) refuse("max_force must be positive", "data.max_force", "30 eV/A is usual.");
  if (!(options.min_distance > 0)) refuse("min_distance must be positive", "data.min_distance", "0.5 A is usual.");
  for (const std::string& element : options.elements)
    if (atomic_number(element) == 0)
      refuse(fmt::format("'{}' is no element", element), "elements", "Write for example [\"Li\"].");
}

class Importer {
 public:
  Importer(const ImportOptions& options, const std::function<void(Frame&&)>& sink, Log& log)
      : options_(options),
        sink_(sink),
        log_(log),
        energy_(options.energy == "free" ? EnergyKind::free : EnergyKind::sigma0),
        checks_(options.max_force, options.min_distance, options.max_net_force) {}

  ImportReport run() {
    report_.energy = options_.energy;
    ImportFileList list = find_import_files(options_.sources);
    report_.notes = std::move(list.notes);
    for (const ImportFile& file : list.files) {
      import_file(file);
      log_.progress(fmt::format("{}: {} frames kept", file.path, report_.files.back().kept));
    }
    finish();
    return std::move(report_);
  }

 private:
  void import_file(const ImportFile& file);
  void import_vasp(const ImportFile& file);
  void import_extxyz(const ImportFile& file);
  void judge_step(const VaspStep& step, const VaspSettings& settings, const ImportFile& file);
  bool judge_convergence(const VaspStep& step, const VaspSettings& settings);
  void judge_frame(Frame&& frame, const ImportFile& file, const std::vector<std::array<bool, 3>>& movable);
  void check_elements(const std::vector<int>& numbers, const std::string& path) const;
  void reject(Index index, const std::string& code, const std::string& text);
  void remark(Index index, const std::string& code, const std::string& text);
  void settle_file(const ImportFile& file, const std::string& ending);
  void finish();
  const ImportSource& source(const ImportFile& file) const { return options_.sources[file.source]; }
  FileReport& current() { return report_.files.back(); }

  const ImportOptions& options_;
  const std::function<void(Frame&&)>& sink_;
  Log& log_;
  EnergyKind energy_;
  FrameChecks checks_;
  StressChecker stress_;
  ImportReport report_;
};

void Importer::reject(Index index, const std::string& code, const std::string& text) {
  ++current().rejected;
  ++current().counts[code];
  report_.decisions.push_back({current().path, index, Fate::rejected, code, text});
}

void Importer::remark(Index index, const std::string& code, const std::string& text) {
  ++current().counts[code];
  report_.decisions.push_back({current().path, index, Fate::kept_with_note, code, text});
}

void Importer::check_elements(const std::vector<int>& numbers, const std::string& path) const {
  if (options_.elements.empty()) return;
  for (const int number : numbers) {
    const auto symbol = element_symbol(number);
    if (std::find(options_.elements.begin(), options_.elements.end(), symbol) != options_.elements.end()) continue;
    throw InputError(
        fmt::format("{} is not among the elements of this data set ({})", symbol, fmt::join(options_.elements, ", ")),
        path, "Add it to `elements`, or leave this file out.");
  }
}

/// False when the step is rejected for its SCF loop.
bool Importer::judge_convergence(const VaspStep& step, const VaspSettings& settings) {
  const auto about = [&] {
    return fmt::format("{} SCF steps of NELM = {}, last energy change {:.1e} eV, EDIFF {:.1e} eV", step.scf_steps,
                       settings.nelm, step.last_energy_change, settings.ediff);
  };
  if (step.scf == Scf::converged) return true;
  if (step.scf == Scf::converged_last) {
    remark(step.index, "DI102", "SCF converged in the last allowed step: " + about());
    return true;
  }
  if (step.scf == Scf::unknown) {
    remark(step.index, "DI106", "the file lists no SCF steps: convergence is not known");
    return true;
  }
  const std::string text =
      fmt::format("SCF not converged: {}{}", about(), step.scf == Scf::stated ? " (stated by VASP)" : "");
  switch (options_.unconverged) {
    case Unconverged::keep:
      remark(step.index, "DI103", text);
      return true;
    case Unconverged::reject:
      reject(step.index, "DI001", text);
      return false;
    case Unconverged::error:
      throw InputError(fmt::format("ionic step {}: {}", step.index + 1, text), current().path,
                       "Repeat the calculation with a larger NELM, or set unconverged = \"reject\".");
  }
  return false;
}

void Importer::judge_step(const VaspStep& step, const VaspSettings& settings, const ImportFile& file) {
  ++current().frames;
  if (step.index % source(file).every != 0) {
    ++current().not_selected;
    return;
  }
  if (step.kind == VaspStep::Kind::machine_learned)
    return reject(step.index, "DI002", "predicted by VASP's machine-learned force field, not calculated");
  if (!step.problem.empty()) return reject(step.index, "DI004", step.problem);
  if (step.forces.empty()) return reject(step.index, "DI009", "no forces printed in this step (NWRITE?)");
  if (!(energy_ == EnergyKind::free ? step.free_energy : step.energy_sigma0))
    return reject(step.index, "DI010", "the energy is missing");
  check_elements(settings.numbers, file.path);
  if (!judge_convergence(step, settings)) return;
  Frame frame;
  try {
    frame = frame_of_step(step, settings, energy_, file.path);
  } catch (const InputError& error) {
    return reject(step.index, "DI004", error.summary());
  }
  if (!step.stress_note.empty()) remark(step.index, "DI104", "kept without stress: " + step.stress_note);
  judge_frame(std::move(frame), file, settings.movable);
}

void Importer::judge_frame(Frame&& frame, const ImportFile& file, const std::vector<std::array<bool, 3>>& movable) {
  if (const auto found = checks_.reason_to_reject(frame, movable))
    return reject(frame.source.index, found->code, found->text);
  for (const Finding& found : checks_.remarks(frame)) remark(frame.source.index, found.code, found.text);
  if (!frame.stress) ++current().without_stress;
  if (!source(file).group.empty() || frame.group.empty()) frame.group = current().group;
  stress_.add(frame);
  frame.weight *= source(file).weight;
  ++current().kept;
  sink_(std::move(frame));
}

void Importer::import_vasp(const ImportFile& file) {
  const auto reader = file.format == FileFormat::outcar ? open_outcar(file.path) : open_vasprun(file.path);
  while (const auto step = reader->next()) judge_step(*step, reader->settings(), file);
  const VaspSettings& settings = reader->settings();
  const VaspEnding ending = reader->ending();
  current().code = settings.code();
  if (ending.dropped_step) {
    const Index index = current().frames++;
    reject(index, "DI003", "the file ends inside this ionic step");
  }
  if (settings.pstress_kbar != 0)
    current().notes.push_back(
        fmt::format("PSTRESS = {} kB: P V is not part of the energies used", settings.pstress_kbar));
  if (!file.instead_of.empty()) {
    current().notes.push_back(fmt::format("{} holds the same run and is not read", file.instead_of));
    if (!ending.finished)
      current().notes.push_back(
          fmt::format("this file is cut off: {} may hold more steps; name it alone to use it", file.instead_of));
  }
  settle_file(file, ending.text);
}

void Importer::import_extxyz(const ImportFile& file) {
  ExtxyzReader reader(file.path, energy_);
  std::string problem;
  while (auto frame = reader.next(problem)) {
    const Index index = current().frames++;
    if (index % source(file).every != 0) {
      ++current().not_selected;
      continue;
    }
    check_elements(frame->structure.numbers, file.path);
    if (!problem.empty())
      reject(index, "DI004", problem);
    else if (frame->forces.empty())
      reject(index, "DI009", "no forces in this frame");
    else if (!frame->energy)
      reject(index, "DI010", "no energy in this frame");
    else {
      if (frame->trajectory.empty())
        frame->trajectory = frame->group.empty() ? file.path : file.path + ":" + frame->group;
      judge_frame(std::move(*frame), file, {});
    }
  }
  if (!reader.ending().empty()) {
    const Index index = current().frames++;
    reject(index, "DI003", "the file ends inside this frame");
  }
  current().notes.push_back("labels: " + reader.mapping());
  settle_file(file, reader.ending());
}

/// Errors and remarks about a file as a whole.
void Importer::settle_file(const ImportFile& file, const std::string& ending) {
  FileReport& f = current();
  if (!ending.empty()) {
    f.notes.push_back(ending);
    log_.warn("DI003", fmt::format("{}: {}", file.path, ending));
  }
  const Index cut = f.counts.contains("DI003") ? f.counts["DI003"] : 0;
  if (f.frames - cut == 0) {
    if (file.found == ImportFile::Found::named)
      throw InputError("no complete ionic step or frame" + (ending.empty() ? "" : ": " + ending), file.path,
                       "Repeat the calculation, or leave this file out.");
    f.notes.emplace_back("no complete ionic step or frame");
    log_.warn("DI003", fmt::format("{}: no complete ionic step or frame", file.path));
    return;
  }
  for (const auto& [code, label] : {std::pair("DI009", "forces"), std::pair("DI010", "energies")})
    if (f.counts.contains(code) && f.counts[code] == f.frames - f.not_selected - cut)
      throw InputError(fmt::format("none of the {} frames has {}", f.counts[code], label), file.path,
                       "Training needs energies and forces; check the names of the labels, or leave this file out.");
  if (f.without_stress > 0) f.counts["DI104"] = f.without_stress;
}

void Importer::import_file(const ImportFile& file) {
  FileReport entry;
  entry.path = file.path;
  entry.format = file.format;
  entry.group = source(file).group.empty() ? folder_name(file.path) : source(file).group;
  report_.files.push_back(std::move(entry));
  if (file.format == FileFormat::extxyz)
    import_extxyz(file);
  else
    import_vasp(file);
}

void Importer::finish() {
  for (const FileReport& file : report_.files) {
    report_.kept += file.kept;
    report_.rejected += file.rejected;
  }
  if (report_.kept == 0)
    throw InputError(
        fmt::format("no frame is usable, all {} were rejected", report_.rejected), options_.sources.front().path,
        report_.decisions.empty() ? "Check the sources." : "The first reason: " + report_.decisions.front().text + ".");
  const StressCheck check = stress_.result();
  const bool any_stress = std::any_of(report_.files.begin(), report_.files.end(),
                                      [](const FileReport& f) { return f.without_stress < f.kept; });
  if (any_stress) report_.stress_check = check;
  if (check.verdict == StressCheck::Verdict::wrong_sign)
    throw InputError(
        fmt::format(
            "the stress has the wrong sign: energy differences of {} strained pairs equal minus the stress work "
            "(slope {:.2f}, r = {:.3f})",
            check.pairs, check.slope, check.correlation),
        options_.sources.front().path, "Stress must be positive under tension, (1/V) dE/dstrain; change its sign.");
  if (check.verdict == StressCheck::Verdict::wrong_unit)
    throw InputError(
        fmt::format(
            "the stress has the wrong unit: energy differences of {} strained pairs are {:.3g} times the stress "
            "work (r = {:.3f})",
            check.pairs, check.slope, check.correlation),
        options_.sources.front().path, "Stress must be in eV/A^3 (1 eV/A^3 = 160.21766 GPa = 1602.1766 kbar).");
}

}  // namespace

ImportReport import_frames(const ImportOptions& options, const std::function<void(Frame&&)>& sink, Log& log) {
  check_options(options);
  return Importer(options, sink, log).run();
}

}  // namespace haven
