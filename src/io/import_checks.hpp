#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/import.hpp"

namespace haven {

/// A decision code with the numbers behind it.
struct FrameFinding {
  std::string code;
  std::string text;
};

/// The checks that hold for a frame of any format. Keeps a digest of every geometry seen, so that duplicates are found
/// over all files.
class FrameChecks {
 public:
  FrameChecks(double max_force, double min_distance, double max_net_force)
      : max_force_(max_force), min_distance_(min_distance), max_net_force_(max_net_force) {}

  /// A reason to reject the frame, in this order: non-finite numbers, largest force, stress and energy beyond physics,
  /// closest atoms, zeroed forces of constrained atoms, duplicate. `movable` as in VaspSettings.
  [[nodiscard]] std::optional<FrameFinding> reason_to_reject(const Frame& frame,
                                                             const std::vector<std::array<bool, 3>>& movable);
  /// Remarks on a frame that is kept: net force, the same geometry with another energy.
  [[nodiscard]] std::vector<FrameFinding> remarks(const Frame& frame) const;

 private:
  double max_force_, min_distance_, max_net_force_;
  std::unordered_map<std::uint64_t, double> energy_of_geometry_;
  std::optional<double> other_energy_;
};

/// The closest pair of atoms (periodic images included) that is nearer than `limit`; distance 0..limit.
struct ClosestAtoms {
  Index a = 0, b = 0;
  double distance = 0;  ///< A
};
[[nodiscard]] std::optional<ClosestAtoms> closest_pair_below(const Structure& structure, double limit);

}  // namespace haven
