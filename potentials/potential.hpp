#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/fixed_sum.hpp"
#include "core/neighbour_list.hpp"
#include "core/types.hpp"

namespace haven {

/// What a potential needs from the engine, and what it can be used for.
struct Requirements {
  double cutoff = 0;            ///< A; neighbours at or beyond it contribute exactly nothing
  std::vector<int> elements;    ///< atomic numbers; LocalAtoms::species indexes this list
  double minimum_distance = 0;  ///< A; smallest pair distance seen in training, 0 when unknown (guards use it)
  Index members = 1;  ///< potentials of a committee that shares its descriptors; forces are those of their mean
};

enum class Precision { float64, mixed };  ///< mixed: float inside an atom, fixed point across atoms (evaluator.md)

/// What evaluate() has to fill besides forces and the total energy, combined with |.
enum class Wanted : unsigned { forces = 0, virial = 1, atom_energies = 2, atom_virials = 4, deviation = 8 };
constexpr Wanted operator|(Wanted a, Wanted b) {
  return static_cast<Wanted>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool wants(Wanted set, Wanted item) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(item)) != 0;
}

/// Why an evaluation cannot be used. The largest value over ranks wins.
enum class EvaluationFault : int { none = 0, force_out_of_range = 1, not_finite = 2 };

/// Results of one call for the centres of one rank. Forces are *added* to; the caller zeroes them.
struct Evaluation {
  std::span<FixedVec3> forces;      ///< per local atom, copies included: the caller sums copies back to their owners
  FixedSum energy;                  ///< eV, over the centres of this rank
  FixedTensor virial;               ///< eV, -sum r_ij (x) dE_i/dr_ij; stress = -virial/V
  std::span<double> atom_energies;  ///< per centre, eV
  /// Per local atom (copies included, summed back like forces), eV: W_j = -sum_i r_ij (x) dE_i/dr_ij, assigned to the
  /// neighbour j that feels the force. They add up to `virial`, and the potential part of the heat flux is sum_j W_j
  /// v_j (Fan et al., PRB 92, 094301 (2015), eq. 38, for any many-body potential).
  std::span<FixedMat3> atom_virials;
  EvaluationFault fault = EvaluationFault::none;
  AtomId fault_atom = -1;   ///< id of the first (lowest id) atom with a fault
  Index extrapolating = 0;  ///< centres with a feature outside the training range
  /// Per centre, empty when not wanted: 1 is written for those centres; the caller zeroes it.
  std::span<unsigned char> extrapolates{};
  /// With Wanted::deviation, for every member of a committee but the last one: its energy less that of the mean, eV,
  /// [members - 1], and its forces less those of the mean, eV/A, [members - 1][local atoms], copies included. Added to
  /// and, member by member, summed back like `forces`. Those of the last member are minus their sum. Forces and energy
  /// of the mean are the same bits with or without. See committee/deviation.hpp for what follows from them.
  std::span<FixedSum> energy_deviations{};
  std::span<FixedVec3> force_deviations{};
};

/// An interatomic potential: the contract with the MD engine. Implementations are immutable and thread-safe.
class Potential {
 public:
  virtual ~Potential() = default;
  Potential() = default;
  Potential(const Potential&) = delete;
  Potential& operator=(const Potential&) = delete;

  [[nodiscard]] virtual const Requirements& requirements() const = 0;
  /// Evaluates the centres atoms.first_centre, ..., atoms.n_centres - 1. A pure function of the displacements of each
  /// centre's neighbours, taken in list order: thread count, rank and list radius do not change a bit, nor does it
  /// matter whether the centres come in one call or in several. Faults are reported in `out`, never thrown.
  virtual void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const = 0;
  /// Whether some of a list's centres cost no more than their share. If not, evaluate() takes all or nothing.
  [[nodiscard]] virtual bool evaluates_parts() const { return true; }
  /// For logs: "moment (16 channels, L = 3), mixed precision, AVX2".
  [[nodiscard]] virtual std::string description() const = 0;
};

}  // namespace haven
