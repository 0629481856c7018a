#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/structure.hpp"
#include "io/file_format.hpp"
#include "io/label_scale.hpp"
#include "io/stress_check.hpp"

namespace haven {

/// One entry of `[data].sources`.
struct ImportSource {
  std::string path;     ///< file, folder (searched recursively) or glob with *, ? and [..]
  std::string group{};  ///< empty: the name of the folder that holds the file
  Index every = 1;      ///< take every n-th ionic step, >= 1
  double weight = 1.0;  ///< Frame::weight
  std::string units{};  ///< of formats that do not state them: "angstrom-ev" or "bohr-hartree"; empty: not said
  std::vector<std::string> types{};  ///< elements of numbered atom types, where the files do not name them
};

enum class Unconverged { reject, keep, error };

struct ImportOptions {
  std::vector<ImportSource> sources;
  std::string energy = "free";  ///< "free" (TOTEN, belongs to the forces) or "sigma0"
  Unconverged unconverged = Unconverged::reject;
  double max_force = 30.0;                                 ///< eV/A
  double min_distance = 0.5;                               ///< A
  double max_net_force = 0.005;                            ///< eV/A per atom; above it a warning
  enum class Stress { use, ignore } stress = Stress::use;  ///< `ignore`: frames come without it, and it is not judged
  std::vector<std::string> elements{};                     ///< empty: any; other elements are an error
  /// Sources with different settings in one set: "error", "allow", or the settings that may differ ("ISMEAR, SIGMA").
  std::string mixed_settings = "error";
  /// `collect` notes what would stop an import in ImportReport::problems and goes on with the next file.
  enum class OnProblem { stop, collect } on_problem = OnProblem::stop;
};

enum class Fate { kept, kept_with_note, rejected };

/// Why a frame was rejected or kept with a remark. Codes never change their meaning; docs/warnings.md lists them.
struct FrameDecision {
  std::string path;
  Index index = 0;  ///< ionic step in the file, 0-based
  Index last = 0;   ///< index, or the last of successive steps of which the same is said
  Fate fate = Fate::kept;
  std::string code;  ///< "DI001"
  std::string text;  ///< with the numbers that led to it
};

/// Something that an import refuses, as an error of its own would say it.
struct ImportProblem {
  std::string code;  ///< "DI203"; empty for a file that cannot be read at all
  std::string what, where, remedy;
};

/// What became of one file.
struct FileReport {
  std::string path;
  std::string sha256;  ///< of the file's bytes; empty for a folder
  FileFormat format = FileFormat::unknown;
  std::string code;  ///< "VASP 5.4.4"
  std::string group;
  Index frames = 0, kept = 0, rejected = 0, not_selected = 0, without_stress = 0;
  std::map<std::string, Index> counts{};  ///< decision code -> frames
  std::vector<std::string> notes{};       ///< ending, PSTRESS, key mapping, file left out in favour of another
};

struct ImportReport {
  std::vector<FileReport> files{};
  std::vector<FrameDecision> decisions{};  ///< rejected frames and frames kept with a note
  std::vector<std::string> notes{};
  std::vector<ImportProblem> problems{};      ///< only with OnProblem::collect; empty: the import would succeed
  std::optional<StressCheck> stress_check{};  ///< absent without stress
  StressScatter stress_scatter{};
  ForceCheck force_check{};
  std::string energy = "free";
  Index kept = 0, rejected = 0;
  [[nodiscard]] std::string to_json() const;
  [[nodiscard]] std::string to_text() const;
};

/// Short text of a decision code, e.g. "SCF reached NELM" for DI001; empty when unknown.
[[nodiscard]] std::string_view decision_label(std::string_view code);

/// Reads all sources frame by frame in the order given (files of a folder sorted by path) and hands every usable frame
/// to `sink`. Nothing is dropped in silence: every frame is counted, and each rejected one has a code and a line.
/// @throws InputError for a source that matches nothing, an unknown format or element, a cut-off file without one
/// complete step,
///         labels that contradict each other, a stress of the wrong sign or unit (DI201, DI202, DI204), energies or
///         forces of the wrong sign or unit (DI205, DI206), sources whose settings must not be mixed (DI203), or when
///         no frame at all is kept.
ImportReport import_frames(const ImportOptions& options, const std::function<void(Frame&&)>& sink, Log& log);

/// The same judgement on frames that are already in memory, those of a dataset file at `path`: what import_frames()
/// would say about them. `options.sources` is not used. With OnProblem::stop it throws as import_frames() does.
[[nodiscard]] ImportReport check_frames(const std::string& path, const std::vector<Frame>& frames,
                                        const ImportOptions& options, Log& log);

}  // namespace haven
