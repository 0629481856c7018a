#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace haven {

/// What changes the energies that a program gives for one and the same structure: functional, dispersion, Hubbard U,
/// potentials, cut-off, spin, smearing, k-points. Values are canonical texts by name, so that equal settings have equal
/// texts whichever file they were read from. A name that is absent is unknown and contradicts nothing.
///
/// Names are VASP's tags; readers of other programs use the same name where the meaning is the same and their own
/// otherwise:
///   program                      "VASP", "CP2K", "Quantum ESPRESSO"; the version stays in FrameSource::code
///   ENCUT (eV)  GGA  METAGGA ("none" without one)  LHFCALC  AEXX  HFSCREEN  LUSE_VDW  IVDW  DISPERSION (T/F)
///   ISPIN  LSORBIT  ISMEAR  SIGMA (eV)  LASPH  LDAU  LDAUTYPE
///   "POTCAR Li"                  title of the potential of an element, e.g. "PAW_PBE Li_sv 10Sep2004"
///   "LDAUL Fe", "LDAUU Fe", "LDAUJ Fe"
///   PREC  LREAL  ADDGRID         change energies by little: a difference is noted, not refused
///   KPOINTS                      divisions, "2 2 2": right to differ between cells: only the density is compared
///   (SettingsLedger)
class CalculationSettings {
 public:
  /// Blanks at the ends go, runs of blanks and line ends become one blank, semicolons commas. An empty value is not
  /// stored.
  void set(std::string_view name, std::string_view value);
  void set_number(std::string_view name, double value);  ///< shortest text that brings back the number
  void set_flag(std::string_view name, bool value);      ///< "T" or "F"
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const { return values_; }
  /// One line "name = value" each, sorted by name: how datasets store settings.
  [[nodiscard]] std::string text() const;
  /// Inverse of text(). Lines that are no setting are left out.
  [[nodiscard]] static CalculationSettings from_text(std::string_view text);
  friend bool operator==(const CalculationSettings&, const CalculationSettings&) = default;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// One setting that two calculations do not share.
struct SettingDifference {
  enum class Weight {
    decisive,  ///< energies must not be mixed
    minor,     ///< PREC, LREAL, ADDGRID: worth a remark
  };
  std::string name, first, second;
  Weight weight = Weight::decisive;
};
/// Settings that both state, with different values, in order of name. Numbers differ when they do beyond the digits
/// that an OUTCAR prints (ENCUT and U by 0.05 eV, SIGMA by 0.005 eV) and by more than 1e-6 of the larger.
/// KPOINTS are not compared here. SIGMA counts only where both ISMEAR agree and use it (not the tetrahedron methods).
[[nodiscard]] std::vector<SettingDifference> differences(const CalculationSettings& a, const CalculationSettings& b);

/// Text as FrameSource::settings holds it: shared by all frames of a run; null for no settings.
[[nodiscard]] std::shared_ptr<const std::string> shared_text(const CalculationSettings& settings);

}  // namespace haven
