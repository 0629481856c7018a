#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/calculation_settings.hpp"

namespace haven {

/// Which differences between the settings of sources a user has asked for: "error" (none), "allow" (all), or names of
/// settings with commas or blanks between them ("ISMEAR, SIGMA").
class AllowedMixing {
 public:
  AllowedMixing() = default;
  /// @throws ConfigError for an empty text
  explicit AllowedMixing(const std::string& text);
  [[nodiscard]] bool allows(const std::string& setting) const { return all_ || names_.contains(setting); }
  [[nodiscard]] bool any() const { return all_ || !names_.empty(); }

 private:
  bool all_ = false;
  std::set<std::string> names_;
};

/// Keeps apart the sources of a dataset whose energies must not be mixed.
class SettingsLedger {
 public:
  /// The settings of a frame's source; frames whose source is not known contradict nothing.
  void add(const Frame& frame);

  /// Two groups of sources and what differs between them.
  struct Conflict {
    std::vector<std::string> first, second;      ///< paths
    std::vector<SettingDifference> differences;  ///< at least one
    /// "ENCUT 520 or 400, GGA PE or PS (a/OUTCAR and 3 more; b/OUTCAR)"
    [[nodiscard]] std::string text() const;
  };
  /// Decisive differences of the first group from each other one.
  [[nodiscard]] std::vector<Conflict> conflicts() const;
  /// Minor ones (PREC, LREAL, ADDGRID), each name once.
  [[nodiscard]] std::vector<Conflict> minor() const { return minor_; }
  /// The sources with the coarsest and the densest mesh of k-points, when they differ by more than a factor of 2: "5.0
  /// A (a/OUTCAR) and 20.0 A (b/OUTCAR)". Meshes rightly differ between cells, so what is compared is the length that a
  /// mesh samples: divisions times height of the cell (2 pi over the spacing of the k-points), along the shortest of
  /// the axes.
  [[nodiscard]] std::optional<std::string> k_point_difference() const;
  [[nodiscard]] Index unknown_frames() const { return unknown_; }  ///< frames whose source has no settings
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }

 private:
  struct Group {
    CalculationSettings settings;  // of all members together
    std::vector<std::string> paths;
  };
  struct Sampling {
    double length = 0;  // A
    std::string path;
  };
  void sample(const CalculationSettings& settings, const Frame& frame);
  void join(Group& group, const CalculationSettings& settings, const std::string& path);
  std::vector<Group> groups_;
  std::vector<Conflict> minor_;
  std::set<std::pair<std::string, std::string>> seen_;  // path and settings
  std::shared_ptr<const std::string> last_;
  std::string last_path_;
  Sampling coarsest_, densest_;  // length 0 when no mesh is known
  Index unknown_ = 0;
};

}  // namespace haven
