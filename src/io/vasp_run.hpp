#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/structure.hpp"
#include "core/types.hpp"
#include "io/calculation_settings.hpp"
#include "io/energy_kind.hpp"

namespace haven {

/// What the head of an OUTCAR or vasprun.xml says about the whole run.
struct VaspSettings {
  std::string version;       ///< "5.4.4"; empty when not stated
  std::vector<int> numbers;  ///< atomic number of each atom
  Index nelm = 60;           ///< most SCF steps per ionic step
  double ediff = 1e-4;       ///< eV
  Index nsw = 0;
  int ibrion = -1;              ///< 0 = molecular dynamics
  int isif = 2;                 ///< >= 3: the cell changes
  double tebeg = 0, teend = 0;  ///< K
  double potim = 0;             ///< fs between ionic steps of molecular dynamics; 0 when not stated
  double pstress_kbar = 0;
  std::vector<std::array<bool, 3>> movable{};  ///< selective dynamics where the file states it
  CalculationSettings calculation{};           ///< what changes energies, for provenance
  /// VASP's name with version for FrameSource::code.
  [[nodiscard]] std::string code() const { return version.empty() ? "VASP" : "VASP " + version; }
};

/// Did the electronic self-consistency of an ionic step converge, and how do we know?
enum class Scf {
  converged,       ///< fewer steps than NELM
  converged_last,  ///< exactly NELM steps, and the last energy changes are below EDIFF
  nelm_reached,    ///< NELM steps, and the last energy change is not below EDIFF (or is unknown)
  stated,          ///< the file says itself that EDIFF was not reached (VASP 6)
  unknown,         ///< the file lists no SCF step
};

/// What a file tells about one SCF loop.
struct ScfLoop {
  Index steps = 0;
  std::optional<double> energy_change{};      ///< eV, of the last SCF step
  std::optional<double> eigenvalue_change{};  ///< eV, of the last SCF step (OUTCAR only)
  bool stated_unconverged = false;            ///< "EDIFF was not reached"
};

/// VASP 5 prints "EDIFF is reached" also when NELM ended the loop, so the steps are counted; at exactly NELM steps the
/// last changes of total energy and eigenvalue sum decide, VASP's own criterion.
[[nodiscard]] Scf scf_verdict(const VaspSettings& settings, const ScfLoop& loop);

/// One ionic step as a file states it, before any judgement.
struct VaspStep {
  enum class Kind { ab_initio, machine_learned };
  Index index = 0;  ///< 0-based position among all ionic results of the file
  Index line = 0;   ///< line where the step's result ends
  Kind kind = Kind::ab_initio;
  Mat3 lattice{};
  std::vector<Vec3> positions{};  ///< A
  std::vector<Vec3> forces{};     ///< eV/A; empty when the step has no force table
  std::optional<double> free_energy{}, energy_without_entropy{}, energy_sigma0{};  ///< eV
  std::optional<std::array<double, 6>> stress_kbar{};  ///< XX YY ZZ XY YZ ZX, VASP's sign (pressure positive)
  Index scf_steps = 0;
  Scf scf = Scf::converged;
  double last_energy_change = 0;  ///< eV, of the last SCF step; 0 when unknown
  std::string problem{};          ///< not empty: something in this step could not be read, in words
  std::string stress_note{};      ///< not empty: why a stress that the file has is not used
};

/// How a run's file ends.
struct VaspEnding {
  bool finished = false;      ///< closing timing block / closed XML present
  bool dropped_step = false;  ///< a step was begun and cut off; it is not delivered
  std::string text{};         ///< not empty: what is wrong with the end, with the line
};

/// Ionic steps of one VASP run, one after the other in constant memory.
class VaspReader {
 public:
  VaspReader() = default;
  virtual ~VaspReader() = default;
  VaspReader(const VaspReader&) = delete;
  VaspReader& operator=(const VaspReader&) = delete;
  /// The next ionic result; nothing at the end. A step that is cut off is not delivered.
  /// @throws InputError when the file is no such file or its head is unusable; IoError.
  virtual std::optional<VaspStep> next() = 0;
  [[nodiscard]] virtual const VaspSettings& settings() const = 0;  ///< complete once next() has been called
  [[nodiscard]] virtual VaspEnding ending() const = 0;             ///< valid when next() has returned nothing
};

/// The step as a frame (forces, energy, stress, source; temperature of molecular dynamics from TEBEG and TEEND). Its
/// `problem` must be empty. @throws InputError for a flat cell.
[[nodiscard]] Frame frame_of_step(const VaspStep& step, const VaspSettings& settings, EnergyKind energy,
                                  const std::string& path);

/// VASP's "in kB" (XX YY ZZ XY YZ ZX, pressure positive) as our stress: eV/A^3, positive under tension.
[[nodiscard]] Mat3 stress_from_kbar(const std::array<double, 6>& kbar);
/// The element of a VASP potential or type name ("Li_sv", "H.75", "O_s", "W "); 0 when it is none.
[[nodiscard]] int element_of_potential(std::string_view name);

}  // namespace haven
