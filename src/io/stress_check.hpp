#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/structure.hpp"

namespace haven {

/// Sign and unit of the stress labels, tested by arithmetic on strained neighbours.
struct StressCheck {
  enum class Verdict {
    undecided,   ///< too few pairs, or no clear relation
    right,       ///< energy differences equal the stress work
    wrong_sign,  ///< they equal minus the stress work
    wrong_unit,  ///< proportional with a factor beyond 10
  };
  Index pairs = 0;         ///< pairs of frames that differ by a small homogeneous strain
  double correlation = 0;  ///< between energy differences and stress work, -1 .. 1 (about zero mean)
  double slope = 0;        ///< of the regression through the origin; 1 when sign and unit are right
  Verdict verdict = Verdict::undecided;
};

/// Compares, for pairs of frames of one group with the same atoms whose cells differ by a strain of 1e-4 to 0.05,
///   E_j - E_i + sum_a (F_i + F_j)_a . u_a / 2   with   (V_i s_i + V_j s_j)/2 : ln F_ij,
/// u being displacements beyond the homogeneous strain (at most 0.05 A) and F_ij the deformation of the cell. By the
/// definition stress = (1/V) dE/dstrain both sides agree up to third order in strain and displacement (trapezoidal
/// rule).
class StressChecker {
 public:
  static constexpr Index fewest_pairs = 4;
  /// Frames without energy, forces or stress are ignored. Each frame is compared with the last 64 that had a cell of
  /// their own.
  void add(const Frame& frame);
  [[nodiscard]] StressCheck result() const;

 private:
  struct Sample {
    std::string origin;  // group and program: energies of different settings must not be compared
    std::vector<int> numbers;
    std::vector<Vec3> fractional, forces;
    Mat3 cell{}, stress{};
    double energy = 0;
  };
  /// (stress work, energy difference, 0) per atom of a usable pair.
  static std::optional<Vec3> compare(const Sample& i, const Sample& j);
  std::vector<Sample> samples_;
  std::vector<Vec3> points_;
};

[[nodiscard]] StressCheck check_stress(const std::vector<Frame>& frames);

}  // namespace haven
