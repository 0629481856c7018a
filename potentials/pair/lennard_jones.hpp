#pragma once
#include <memory>
#include <vector>

#include "potentials/potential.hpp"

namespace haven {

/// Lennard-Jones parameters of one pair of elements: 4 epsilon ((sigma/r)^12 - (sigma/r)^6) S(r), where S falls from 1
/// to 0 between `switch_start` and the cut-off with continuous slope and curvature.
struct LennardJonesPair {
  double epsilon = 0;  ///< eV, >= 0
  double sigma = 0;    ///< A, > 0
};

struct LennardJonesOptions {
  std::vector<int> elements;  ///< atomic numbers
  /// [elements x elements], symmetric, row-major.
  std::vector<LennardJonesPair> pairs;
  double cutoff = 0;            ///< A
  double switch_start = 0;      ///< A, in [0, cutoff)
  double minimum_distance = 0;  ///< A; reported in Requirements for guards, 0 when not wanted
};

/// A reference potential whose answers are known in closed form: what the MD engine is tested with.
/// @throws ModelError for sizes or values out of range.
[[nodiscard]] std::unique_ptr<Potential> make_lennard_jones(const LennardJonesOptions& options);

/// Argon: epsilon/k = 119.8 K, sigma = 3.405 A (Rahman, Phys. Rev. 136, A405 (1964)), switched off between 0.85 and 1
/// of `cutoff`.
[[nodiscard]] std::unique_ptr<Potential> make_argon(double cutoff = 8.5);

}  // namespace haven
