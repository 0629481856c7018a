#pragma once
#include <span>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Mean squared displacements at lags from one sample to the whole run, in memory that grows with the logarithm of the
/// run: a multiple-tau correlator of positions (order-n algorithm: Frenkel, Smit, Understanding Molecular Simulation;
/// Ramirez, Sukumaran, Vorselaars, Likhtman, J. Chem. Phys. 133, 154103 (2010), without averaging).
///
/// Level l keeps the last 16 samples whose number is a multiple of 2^l. Level 0 gives the lags 1 ... 16 with every
/// sample as origin, level l > 0 the lags k 2^l, k = 9 ... 16, with every 2^l-th sample. Displacements are exact: each
/// number is the mean that a stored trajectory gives for these origins.
class DisplacementCorrelator {
 public:
  /// @param tracers  number of followed atoms of each element; its size is the number of elements
  explicit DisplacementCorrelator(std::vector<Index> tracers = {});

  /// The next sample.
  /// @param tracers     positions of the followed atoms, element by element, A
  /// @param collective  sum of the positions of all atoms of each element, A
  void add(std::span<const Vec3> tracers, std::span<const Vec3> collective);

  [[nodiscard]] Index samples() const { return samples_; }
  /// In samples, ascending: those that have an origin.
  [[nodiscard]] std::vector<Index> lags() const;
  [[nodiscard]] std::vector<Index> origins() const;  ///< of each lag
  /// A^2, mean over origins and over the tracers of `element`; by lag. Not a number without tracers.
  [[nodiscard]] std::vector<double> tracer(std::size_t element) const;
  /// A^2, mean over origins of (displacement of the sum over a) . (the same over b); by lag.
  [[nodiscard]] std::vector<double> collective(std::size_t a, std::size_t b) const;

  /// Everything, as numbers; restore() is its inverse. @throws InputError when the values are not such a state.
  [[nodiscard]] std::vector<double> state() const;
  void restore(std::span<const double> state);

 private:
  static constexpr std::size_t points = 16;
  struct Level {
    std::vector<std::vector<Vec3>> ring;                         // samples, oldest first: tracers, then sums
    std::vector<std::vector<double>> sums;                       // [k - 1][element, then pair]
    std::vector<Index> origins = std::vector<Index>(points, 0);  // by k - 1
  };
  [[nodiscard]] std::size_t n_elements() const { return tracers_.size(); }
  [[nodiscard]] std::size_t n_sums() const { return n_elements() + n_elements() * (n_elements() + 1) / 2; }
  [[nodiscard]] std::size_t pair(std::size_t a, std::size_t b) const;
  [[nodiscard]] std::size_t width() const;
  [[nodiscard]] Level new_level() const;
  void add_to(Level& level, std::size_t least, const std::vector<Vec3>& sample) const;
  void correlate(const std::vector<Vec3>& now, const std::vector<Vec3>& then, std::vector<double>& sums) const;
  template <class Value>
  void for_each_lag(const Value& value) const;

  std::vector<Index> tracers_;
  std::vector<Level> levels_;
  Index samples_ = 0;
};

}  // namespace haven
