#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"

namespace haven {

/// Lengths (A) and angles (degrees) of a cell: a, b, c, alpha, beta, gamma.
struct LatticeParameters {
  Vec3 lengths, angles;
};
[[nodiscard]] LatticeParameters lattice_parameters(const Mat3& vectors);

/// The mean cell of a stage at constant pressure.
struct MeanCellResult {
  Mat3 vectors{};                       ///< A: the mean vectors, scaled to the mean volume
  double volume = 0, volume_error = 0;  ///< A^3; errors are standard errors from the scatter of blocks, 0 when unknown
  LatticeParameters parameters{}, errors{};
  /// Slope of the volumes of the blocks in time over its standard error (Student's t with 8 degrees of freedom): beyond
  /// 5 or so the volume was not equilibrated. 0 when unknown.
  double trend = 0;
};

/// Averages the cell over the second half of a stage, step by step, in blocks. The same numbers on every rank.
class MeanCell {
 public:
  using Variables = std::map<std::string, std::vector<double>>;

  MeanCell() = default;
  MeanCell(std::int64_t first_step, std::int64_t steps);
  /// The cell at the end of a step; steps outside the second half do not count.
  void add(std::int64_t step, const Cell& cell);
  /// The stage must have ended.
  [[nodiscard]] MeanCellResult result() const;
  void save(Variables& variables) const;
  /// @throws InputError when the variables are not there.
  void load(const Variables& variables);

 private:
  static constexpr std::size_t n_blocks = 10, block_size = 11;  // count, volume, nine components
  std::int64_t begin_ = 0, end_ = 0;                            // steps begin_ + 1 ... end_ are averaged
  std::vector<double> sums_ = std::vector<double>(n_blocks * block_size, 0.0);
};

}  // namespace haven
