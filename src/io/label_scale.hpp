#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/stress_check.hpp"

/// Are the labels in the units that they are taken for? Limits that no calculation crosses, and two relations that hold
/// for every potential energy surface and whose factors are those of the unit when one is mixed up.
namespace haven {

/// 480 GPa, more than at the centre of the Earth; a stress in kbar or GPa that is taken for eV/A^3 lies above.
inline constexpr double largest_stress = 3.0;  // eV/A^3
/// eV per atom; energies are at most those of free atoms, apart from strong compression and an arbitrary zero.
inline constexpr double highest_energy = 50.0;
/// eV per atom: below this, energies are not those of VASP, whose zero are free atoms (tungsten: -13).
inline constexpr double lowest_vasp_energy = -50.0;

/// Largest |component| of the stress in eV/A^3 when it is above `largest_stress`.
[[nodiscard]] std::optional<double> stress_beyond_physics(const Frame& frame);
/// The energy per atom in eV when it is above `highest_energy`, below that of all electrons (-20.9 eV Z^(7/3) of an
/// atom, the Thomas-Fermi energy, is a lower bound), or for a frame of VASP below `lowest_vasp_energy`.
[[nodiscard]] std::optional<double> energy_beyond_physics(const Frame& frame);

/// Energy differences of successive frames against the work of the forces.
struct ForceCheck {
  Index pairs = 0;
  double correlation = 0;  ///< -1 .. 1
  double slope = 0;        ///< energy difference over -sum (F_i + F_j) . u / 2; 1 when signs and units are right
  StressCheck::Verdict verdict = StressCheck::Verdict::undecided;
  std::string likely{};  ///< for wrong_unit: what the factor suggests, in words; may be empty
};

/// How much the stress scatters in one cell.
struct StressScatter {
  Index frames = 0;
  /// rms of V (stress - mean) over sqrt(N) F_rms (V/N)^(1/3): 0.1 to 0.4 in solids and liquids, as both are one
  /// derivative of the same bonds.
  double ratio = 0;
  StressCheck::Verdict verdict = StressCheck::Verdict::undecided;  ///< undecided, right or wrong_unit
};

/// Collects frames in constant memory.
class LabelScale {
 public:
  static constexpr Index fewest_pairs = 8, fewest_frames = 4;
  /// Frames without energy or forces are ignored. Each frame is compared with the one before it, when that has the same
  /// atoms, cell and origin and no atom has moved more than 0.5 A.
  void add(const Frame& frame);
  [[nodiscard]] ForceCheck forces() const;
  /// Of the cell whose scatter lies farthest from what is usual.
  [[nodiscard]] StressScatter stress() const;

 private:
  struct Previous {
    std::string origin;
    Structure structure;
    std::vector<Vec3> forces;
    double energy = 0;
  };
  /// Sums over a stretch of frames in one cell.
  struct Stretch {
    Index frames = 0;
    Mat3 mean{}, squares{};        // of V stress, eV; running (Welford)
    double forces = 0;             // sum of squares, per atom
    double atoms = 0, length = 0;  // N, (V/N)^(1/3)
  };
  void compare(const Frame& frame);
  void collect(const Frame& frame);
  void close_stretch();
  [[nodiscard]] static StressScatter scatter(const Stretch& stretch);

  std::optional<Previous> previous_;
  double xx_ = 0, yy_ = 0, xy_ = 0, atoms_ = 0;
  Index pairs_ = 0;
  Stretch stretch_;
  StressScatter worst_;
};

}  // namespace haven
