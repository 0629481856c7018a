#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "potentials/model.hpp"
#include "potentials/potential.hpp"

namespace haven::testing {

/// What a made-up disordered structure is like.
struct RandomStructure {
  int atoms = 12;
  std::vector<int> elements = {3};  ///< atomic numbers, assigned in turn
  double volume_per_atom = 20;      ///< A^3
  double minimum_distance = 1.8;    ///< A, over periodic images too
  double shear = 0.25;              ///< 0: cubic; otherwise triclinic, off-diagonal elements relative to the edge
  std::uint64_t seed = 1;
};
/// Random sequential placement: never two atoms nearer than the minimum distance, the same bits for the same options.
[[nodiscard]] Structure random_structure(const RandomStructure& options);

/// A model with random weights whose features are standardised on a random structure, so that no activation saturates.
struct RandomModel {
  std::string kind = "moment";
  std::string preset = "fast";
  std::vector<int> elements = {3};
  double cutoff = 5.0;
  int hidden = 12;
  Activation activation = Activation::tanh;
  std::uint64_t seed = 1;
  double wall_range = 0;  ///< A; above 0: the model has the repulsive wall, and this is its minimum distance
};
[[nodiscard]] Model random_model(const RandomModel& options);
/// The same networks for a model whose descriptor exists: kind, preset and cut-off of the options are not looked at.
[[nodiscard]] Model with_random_networks(Model model, const RandomModel& options);

/// Applies x -> m x to the cell and all positions (columns convention: every vector v becomes m v).
[[nodiscard]] Structure transformed(const Structure& structure, const Mat3& m);
/// A random rotation, or with `reflect` of -1 a rotation with reflection (determinant = `reflect`).
[[nodiscard]] Mat3 random_orthogonal(std::uint64_t seed, int reflect);

/// All an evaluation can say, with the neighbour list of radius cutoff + skin.
struct FullEvaluation {
  double energy = 0;
  std::vector<Vec3> forces;
  std::vector<FixedVec3> fixed_forces;
  Mat3 virial{};
  FixedSum fixed_energy{};
  FixedTensor fixed_virial{};
  std::vector<double> atom_energies;
  std::vector<Mat3> atom_virials;
  EvaluationFault fault = EvaluationFault::none;
  AtomId fault_atom = -1;
  Index extrapolating = 0;
  std::vector<unsigned char> extrapolates;  ///< by centre
};
[[nodiscard]] FullEvaluation evaluate_all(const Potential& potential, const Structure& structure, double skin = 0);
/// The same in several calls: for the centres of ranges [first, last), given as first, last, first, last, ...
[[nodiscard]] FullEvaluation evaluate_in_parts(const Potential& potential, const Structure& structure,
                                               const std::vector<Index>& ranges);
/// The same with the neighbour list of `structure` but other positions, as between two rebuilds of a run.
[[nodiscard]] FullEvaluation evaluate_moved(const Potential& potential, const Structure& structure,
                                            const std::vector<Vec3>& positions);

/// Largest component of a set of vectors: the "scale" of force tolerances.
[[nodiscard]] double largest_component(const std::vector<Vec3>& vectors);
[[nodiscard]] double largest_difference(const std::vector<Vec3>& a, const std::vector<Vec3>& b);
[[nodiscard]] double largest_component(const Mat3& m);
[[nodiscard]] double largest_difference(const Mat3& a, const Mat3& b);

/// How far forces (eV/A) of the same atoms may differ when only the rounding of positions and the order of sums do:
/// 1e-12 of their scale. Forces of a few atoms cancel by symmetry (one atom: exactly), so the scale is that of the
/// terms which cancel: |virial| <= sum |r| |f| <= cut-off sum |f|. Each term is rounded to a multiple of
/// fixed_resolution (core/fixed_sum.hpp), and an error of 1e-16 near the middle of two multiples moves it by a whole
/// one, up or down: the two terms per neighbour make a random walk, of sqrt(2 n) steps if every one of them moves.
/// `expected.forces` holds at least one atom; n is the mean number of neighbours within the cut-off.
[[nodiscard]] double force_rounding(const Potential& potential, const FullEvaluation& expected,
                                    const Structure& structure);

}  // namespace haven::testing
