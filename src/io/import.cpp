#include "io/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/error.hpp"
#include "core/species.hpp"
#include "io/import_checks.hpp"
#include "io/import_settings.hpp"
#include "io/import_sources.hpp"
#include "io/import_verdicts.hpp"
#include "io/sha256.hpp"

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
  for (const ImportSource& source : options.sources) {
    if (source.every < 1) refuse("every must be at least 1", "data.sources.every", "1 takes every ionic step.");
    if (!(source.weight > 0)) refuse("weight must be positive", "data.sources.weight", "Leave the source out instead.");
    if (!file_units(source.units))
      refuse(fmt::format("'{}' are no known units", source.units), "data.sources.units",
             "Choose \"angstrom-ev\" or \"bohr-hartree\".");
    for (const std::string& element : source.types)
      if (atomic_number(element) == 0)
        refuse(fmt::format("'{}' is no element", element), "data.sources.types", "Write for example [\"Li\", \"S\"].");
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
        mixing_(options.mixed_settings),
        checks_(options.max_force, options.min_distance, options.max_net_force) {
    report_.energy = options_.energy;
  }

  ImportReport run() {
    ImportFileList list;
    guarded([&] { list = find_import_files(options_.sources); });
    report_.notes = std::move(list.notes);
    for (const ImportFile& file : list.files) {
      guarded([&] { import_file(file); });
      if (!report_.files.empty())
        log_.progress(fmt::format("{}: {} frames kept", file.path, report_.files.back().kept));
    }
    finish();
    return std::move(report_);
  }

  ImportReport run(const std::string& path, const std::vector<Frame>& frames);

 private:
  void import_file(const ImportFile& file);
  void import_vasp(const ImportFile& file);
  void import_labelled(const ImportFile& file);
  void judge_labelled(ReadFrame&& read, Index index, const ImportFile& file);
  bool judge_unconverged(Index index, const std::string& text);
  void judge_step(const VaspStep& step, const VaspSettings& settings, const ImportFile& file);
  bool judge_convergence(const VaspStep& step, const VaspSettings& settings);
  void judge_frame(Frame&& frame, Index index, const ImportFile& file, const std::vector<std::array<bool, 3>>& movable);
  void count_kept(const Frame& frame);
  void settle_units();
  void check_elements(const std::vector<int>& numbers, const std::string& path) const;
  void decide(FrameDecision&& decision);
  void reject(Index index, const std::string& code, const std::string& text);
  void remark(Index index, const std::string& code, const std::string& text);
  void settle_file(const ImportFile& file, const std::string& ending);
  void finish();
  void settle_settings();
  void settle_labels();
  void refuse(ImportProblem problem);
  /// Keeps an error for the report when problems are to be collected.
  template <class Action>
  void guarded(Action action) {
    try {
      action();
    } catch (const InputError& error) {
      if (options_.on_problem == ImportOptions::OnProblem::stop) throw;
      report_.problems.push_back({"", error.summary(), error.where(), error.remedy()});
    }
  }
  [[nodiscard]] std::string first_place() const {
    return report_.files.empty() ? options_.sources.front().path : report_.files.front().path;
  }
  const ImportSource& source(const ImportFile& file) const { return options_.sources[file.source]; }
  FileReport& current() { return report_.files.back(); }

  const ImportOptions& options_;
  const std::function<void(Frame&&)>& sink_;
  Log& log_;
  EnergyKind energy_;
  AllowedMixing mixing_;
  FrameChecks checks_;
  StressChecker stress_;
  LabelScale scale_;
  double energies_ = 0;  // per atom, of the frames of the current file that are kept
  SettingsLedger ledger_;
  std::shared_ptr<const std::string> settings_;  // of the run that is being read
  ImportReport report_;
};

/// Successive steps of which the same is said share an entry: memory does not grow with the repetitions of a file.
void Importer::decide(FrameDecision&& decision) {
  ++current().counts[decision.code];
  for (std::size_t back = 0; back < std::min<std::size_t>(2, report_.decisions.size()); ++back) {
    FrameDecision& before = report_.decisions[report_.decisions.size() - 1 - back];
    if (before.last + 1 != decision.index || before.code != decision.code || before.fate != decision.fate ||
        before.text != decision.text || before.path != decision.path)
      continue;
    before.last = decision.index;
    return;
  }
  report_.decisions.push_back(std::move(decision));
}

void Importer::reject(Index index, const std::string& code, const std::string& text) {
  ++current().rejected;
  decide({current().path, index, index, Fate::rejected, code, text});
}

void Importer::remark(Index index, const std::string& code, const std::string& text) {
  decide({current().path, index, index, Fate::kept_with_note, code, text});
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
  return judge_unconverged(
      step.index, fmt::format("SCF not converged: {}{}", about(), step.scf == Scf::stated ? " (stated by VASP)" : ""));
}

bool Importer::judge_unconverged(Index index, const std::string& text) {
  switch (options_.unconverged) {
    case Unconverged::keep:
      remark(index, "DI103", text);
      return true;
    case Unconverged::reject:
      reject(index, "DI001", text);
      return false;
    case Unconverged::error:
      throw InputError(fmt::format("ionic step {}: {}", index + 1, text), current().path,
                       "Repeat the calculation with more SCF steps, or set unconverged = \"reject\".");
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
  if (!settings_) settings_ = shared_text(settings.calculation);
  frame.source.settings = settings_;
  judge_frame(std::move(frame), step.index, file, settings.movable);
}

void Importer::judge_frame(Frame&& frame, Index index, const ImportFile& file,
                           const std::vector<std::array<bool, 3>>& movable) {
  if (options_.stress == ImportOptions::Stress::ignore) frame.stress.reset();
  if (const auto found = checks_.reason_to_reject(frame, movable)) return reject(index, found->code, found->text);
  for (const FrameFinding& found : checks_.remarks(frame)) remark(index, found.code, found.text);
  if (!source(file).group.empty() || frame.group.empty()) frame.group = current().group;
  if (frame.source.sha256.empty()) frame.source.sha256 = current().sha256;
  count_kept(frame);
  frame.weight *= source(file).weight;
  sink_(std::move(frame));
}

void Importer::count_kept(const Frame& frame) {
  if (!frame.stress) ++current().without_stress;
  stress_.add(frame);
  scale_.add(frame);
  ledger_.add(frame);
  energies_ += frame.energy.value_or(0) / static_cast<double>(frame.structure.numbers.size());
  ++current().kept;
}

void Importer::import_vasp(const ImportFile& file) {
  const auto reader = open_vasp_run(file.path, file.format);
  settings_.reset();
  while (const auto step = reader->next()) judge_step(*step, reader->settings(), file);
  const VaspSettings& settings = reader->settings();
  const VaspEnding ending = reader->ending();
  current().code = settings.code();
  if (ending.dropped_step) {
    const Index index = current().frames++;
    reject(index, "DI003", "the file ends inside this ionic step");
  }
  if (settings.pstress_kbar != 0 && current().kept > 0) {
    current().counts["DI109"] = current().kept;
    current().notes.push_back(
        fmt::format("PSTRESS = {} kB: P V is not part of the energies used", settings.pstress_kbar));
  }
  if (!file.instead_of.empty()) {
    current().notes.push_back(fmt::format("{} holds the same run and is not read", file.instead_of));
    if (!ending.finished)
      current().notes.push_back(
          fmt::format("this file is cut off: {} may hold more steps; name it alone to use it", file.instead_of));
  }
  settle_file(file, ending.text);
}

void Importer::judge_labelled(ReadFrame&& read, Index index, const ImportFile& file) {
  Frame& frame = read.frame;
  if (!read.no_cell.empty()) return reject(index, "DI013", read.no_cell);
  check_elements(frame.structure.numbers, file.path);
  if (!read.problem.empty()) return reject(index, "DI004", read.problem);
  if (frame.forces.empty()) return reject(index, "DI009", "no forces in this frame");
  if (!frame.energy) return reject(index, "DI010", "no energy in this frame");
  if (!read.unconverged.empty() && !judge_unconverged(index, "SCF not converged: " + read.unconverged)) return;
  if (frame.trajectory.empty()) frame.trajectory = frame.group.empty() ? file.path : file.path + ":" + frame.group;
  if (current().code.empty()) current().code = frame.source.code;
  judge_frame(std::move(frame), index, file, {});
}

void Importer::import_labelled(const ImportFile& file) {
  FrameReading reading{.energy = energy_, .units = file_units(source(file).units).value(), .types = {}};
  for (const std::string& element : source(file).types) reading.types.push_back(atomic_number(element));
  const auto reader = open_frames(file.path, file.format, reading);
  while (auto read = reader->next()) {
    const Index index = current().frames++;
    if (index % source(file).every == 0)
      judge_labelled(std::move(*read), index, file);
    else
      ++current().not_selected;
  }
  if (!reader->ending().empty()) {
    const Index index = current().frames++;
    reject(index, "DI003", "the file ends inside this frame");
  }
  for (std::string& note : reader->notes()) current().notes.push_back(std::move(note));
  settle_file(file, reader->ending());
}

/// What the labels of a file say about their units.
void Importer::settle_units() {
  FileReport& f = current();
  if (auto problem = unit_problem(f)) refuse(std::move(*problem));
  if (const auto text = absolute_energies(f, energies_ / static_cast<double>(std::max<Index>(1, f.kept)))) {
    f.counts["DI111"] = f.kept;
    f.notes.push_back(*text);
    log_.warn("DI111", fmt::format("{}: {}", f.path, *text));
  }
  energies_ = 0;
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
  settle_units();
}

void Importer::import_file(const ImportFile& file) {
  FileReport entry;
  entry.path = file.path;
  entry.format = file.format;
  entry.group = source(file).group.empty() ? folder_name(file.path) : source(file).group;
  if (std::filesystem::is_regular_file(file.path)) entry.sha256 = file_sha256(file.path);
  if (!file.parts.empty()) {
    Sha256 whole;
    whole.add(entry.sha256);
    for (const std::string& part : file.parts) whole.add(file_sha256(part));
    entry.sha256 = whole.hex();
  }
  report_.files.push_back(std::move(entry));
  if (is_vasp_run(file.format))
    import_vasp(file);
  else
    import_labelled(file);
}

/// An error of the set as a whole.
void Importer::refuse(ImportProblem problem) {
  if (options_.on_problem == ImportOptions::OnProblem::stop)
    throw InputError(problem.what + (problem.code.empty() ? "" : " (" + problem.code + ")"), problem.where,
                     problem.remedy);
  report_.problems.push_back(std::move(problem));
}

void Importer::settle_settings() {
  if (ledger_.unknown_frames() > 0 && ledger_.groups() > 0)
    report_.notes.push_back(
        fmt::format("the settings of {} frames are not known; they were not compared", ledger_.unknown_frames()));
  for (const auto& minor : ledger_.minor()) {
    report_.notes.push_back("DI108: settings that matter little differ: " + minor.text());
    log_.warn("DI108", "settings that matter little differ: " + minor.text());
  }
  if (const auto lengths = ledger_.k_point_difference()) {
    const std::string text = "the meshes of k-points sample different lengths: " + *lengths;
    report_.notes.push_back("DI110: " + text);
    log_.warn("DI110", text);
  }
  for (SettingsLedger::Conflict conflict : ledger_.conflicts()) {
    const std::string whole = conflict.text();
    std::erase_if(conflict.differences, [&](const SettingDifference& d) { return mixing_.allows(d.name); });
    if (conflict.differences.empty()) {
      report_.notes.push_back("DI107: different settings, mixed as asked: " + whole);
      log_.warn("DI107", "different settings, mixed as asked: " + whole);
      continue;
    }
    refuse({"DI203", "energies of different settings must not be mixed: " + conflict.text(), conflict.second.front(),
            "Make a set of each, or allow it with --allow-mixed-settings or data.mixed_settings (all, or the names)."});
  }
}

void Importer::settle_labels() {
  const bool any_stress = std::any_of(report_.files.begin(), report_.files.end(),
                                      [](const FileReport& f) { return f.without_stress < f.kept; });
  if (any_stress) report_.stress_check = stress_.result();
  report_.stress_scatter = scale_.stress();
  report_.force_check = scale_.forces();
  for (ImportProblem& problem : label_problems(report_, first_place())) refuse(std::move(problem));
}

void Importer::finish() {
  for (const FileReport& file : report_.files) {
    report_.kept += file.kept;
    report_.rejected += file.rejected;
  }
  if (report_.kept == 0)
    refuse({"", fmt::format("no frame is usable, all {} were rejected", report_.rejected), first_place(),
            report_.decisions.empty() ? "Check the sources."
                                      : "The first reason: " + report_.decisions.front().text + "."});
  settle_settings();
  settle_labels();
}

ImportReport Importer::run(const std::string& path, const std::vector<Frame>& frames) {
  FileReport entry;
  entry.path = path;
  report_.files.push_back(std::move(entry));
  for (const Frame& given : frames) {
    Frame frame = given;
    if (options_.stress == ImportOptions::Stress::ignore) frame.stress.reset();
    const Index index = current().frames++;
    guarded([&] { check_elements(frame.structure.numbers, path); });
    const auto reason = frame.forces.empty() ? std::optional<FrameFinding>({"DI009", "no forces in this frame"})
                        : !frame.energy      ? std::optional<FrameFinding>({"DI010", "no energy in this frame"})
                                             : checks_.reason_to_reject(frame, {});
    if (reason) {
      reject(index, reason->code, reason->text);
      continue;
    }
    for (const FrameFinding& found : checks_.remarks(frame)) remark(index, found.code, found.text);
    count_kept(frame);
  }
  settle_units();
  if (current().without_stress > 0) current().counts["DI104"] = current().without_stress;
  finish();
  return std::move(report_);
}

}  // namespace

ImportReport import_frames(const ImportOptions& options, const std::function<void(Frame&&)>& sink, Log& log) {
  check_options(options);
  if (options.sources.empty())
    throw ConfigError("no source to import", "data.sources", "Name at least one file or folder.");
  return Importer(options, sink, log).run();
}

ImportReport check_frames(const std::string& path, const std::vector<Frame>& frames, const ImportOptions& options,
                          Log& log) {
  check_options(options);
  const std::function<void(Frame &&)> nowhere = [](Frame&&) {};
  return Importer(options, nowhere, log).run(path, frames);
}

}  // namespace haven
