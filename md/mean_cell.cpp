#include "md/mean_cell.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "md/drift_fit.hpp"

namespace haven {
namespace {

constexpr const char* variable_name = "cell.sum";

double angle(const Vec3& u, const Vec3& v) {
  return std::acos(std::clamp(dot(u, v) / (norm(u) * norm(v)), -1.0, 1.0)) * 180 / std::numbers::pi;
}

/// Standard error of the mean of independent values; 0 for fewer than two.
double standard_error(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  if (n < 2) return 0;
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / (n - 1) / n);
}

/// Slope of the block means over its standard error.
double trend_of(const std::vector<double>& values) {
  DriftFit fit;
  for (std::size_t k = 0; k < values.size(); ++k) fit.add(static_cast<double>(k), values[k]);
  const double error = fit.slope_error();
  return error > 0 ? fit.slope() / error : 0;
}

}  // namespace

LatticeParameters lattice_parameters(const Mat3& h) {
  return {.lengths = {norm(h[0]), norm(h[1]), norm(h[2])},
          .angles = {angle(h[1], h[2]), angle(h[2], h[0]), angle(h[0], h[1])}};
}

MeanCell::MeanCell(std::int64_t first_step, std::int64_t steps)
    : begin_(first_step + steps / 2), end_(first_step + steps) {}

void MeanCell::add(std::int64_t step, const Cell& cell) {
  if (step <= begin_ || step > end_) return;
  const auto block =
      static_cast<std::size_t>((step - begin_ - 1) * static_cast<std::int64_t>(n_blocks) / (end_ - begin_));
  double* sums = &sums_[block * block_size];
  sums[0] += 1;
  sums[1] += cell.volume();
  for (int k = 0; k < 9; ++k) sums[2 + k] += cell.vectors()[k / 3][k % 3];
}

MeanCellResult MeanCell::result() const {
  std::array<double, block_size> total{};
  std::vector<double> volumes;
  std::array<std::vector<double>, 6> parameters;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const double* sums = &sums_[b * block_size];
    for (std::size_t k = 0; k < block_size; ++k) total[k] += sums[k];
    if (sums[0] == 0) continue;
    Mat3 mean;
    for (int k = 0; k < 9; ++k) mean[k / 3][k % 3] = sums[2 + k] / sums[0];
    volumes.push_back(sums[1] / sums[0]);
    const LatticeParameters block = lattice_parameters(mean);
    for (int k = 0; k < 3; ++k) {
      parameters[static_cast<std::size_t>(k)].push_back(block.lengths[k]);
      parameters[static_cast<std::size_t>(k) + 3].push_back(block.angles[k]);
    }
  }
  HAVEN_ASSERT(total[0] > 0);
  MeanCellResult result{.volume = total[1] / total[0], .volume_error = standard_error(volumes)};
  for (int k = 0; k < 9; ++k) result.vectors[k / 3][k % 3] = total[static_cast<std::size_t>(k) + 2] / total[0];
  result.vectors *= std::cbrt(result.volume / std::abs(determinant(result.vectors)));
  result.parameters = lattice_parameters(result.vectors);
  for (int k = 0; k < 3; ++k) {
    result.errors.lengths[k] = standard_error(parameters[static_cast<std::size_t>(k)]);
    result.errors.angles[k] = standard_error(parameters[static_cast<std::size_t>(k) + 3]);
  }
  result.trend = trend_of(volumes);
  return result;
}

void MeanCell::save(Variables& variables) const { variables[variable_name] = sums_; }

void MeanCell::load(const Variables& variables) {
  const auto found = variables.find(variable_name);
  if (found == variables.end() || found->second.size() != sums_.size())
    throw InputError("the checkpoint lacks the sums of the cell", "checkpoint",
                     "It was written by another version: start the run anew.");
  sums_ = found->second;
}

}  // namespace haven
