#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/calculation_settings.hpp"

namespace haven {

/// Gathers what the head of an OUTCAR or vasprun.xml says about the calculation and brings it into one form, so that
/// both files of a run give the same CalculationSettings.
class VaspSettingsCollector {
 public:
  /// A tag with its value as written. The last call for a tag counts. Tags that do not change energies are ignored.
  void take(std::string_view tag, std::string_view value);
  /// A line of an OUTCAR's head, without leading blanks.
  void take_line(std::string_view text);
  /// The next atom type: its element and the title of its potential.
  void add_type(int number, std::string_view title);
  void clear_types() { types_.clear(); }
  /// A dispersion energy is printed, whichever INCAR asked for it.
  void note_dispersion() { dispersion_ = true; }
  [[nodiscard]] CalculationSettings settings() const;

 private:
  struct Type {
    int number;
    std::string title;
  };
  void settle_functional(CalculationSettings& out) const;
  void settle_hubbard(CalculationSettings& out) const;
  [[nodiscard]] std::string value(std::string_view tag) const;
  [[nodiscard]] bool is_on(std::string_view tag) const;
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<Type> types_;
  bool dispersion_ = false;
};

}  // namespace haven
