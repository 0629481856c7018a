#include "training/kronecker_basis.hpp"

#include <torch/types.h>

#include <algorithm>

namespace haven::training {
namespace {

/// Torch has no tensor of constants; nothing writes through this one unless the values are this file's own.
at::Tensor wrap(const std::vector<float>& values, Index rows, Index columns) {
  return torch::from_blob(const_cast<float*>(values.data()), {rows, columns}, torch::kFloat32);
}

at::Tensor single(std::span<const double> values, Index rows, Index columns) {
  return torch::from_blob(const_cast<double*>(values.data()), {rows, columns}, torch::kFloat64).to(torch::kFloat32);
}

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

std::vector<double> doubles_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

constexpr Index longest_side = 1024;

KroneckerBasis::Side plain_side(Index n) {
  if (n > longest_side) return {};
  const at::Tensor one = torch::eye(n, torch::kFloat32);
  return {.mean = std::vector<float>(static_cast<std::size_t>(n * n), 0.0F), .vectors = values_of(one)};
}

/// Orthonormal columns that span those of `product`, with signs that keep them near the columns they come from.
at::Tensor orthogonal(const at::Tensor& product) {
  const auto [q, r] = at::linalg_qr(product);
  return q * at::where(r.diagonal() < 0, -1.0, 1.0);
}

/// Turns a side; returns old vectors^T new vectors. Vectors that no gradient has reached stay where they are instead of
/// turning with the rounding errors: that is what the shift does.
at::Tensor turn_side(KroneckerBasis::Side& side, Index n) {
  constexpr double relative_shift = 1e-6;
  const at::Tensor before = wrap(side.vectors, n, n).clone(), mean = wrap(side.mean, n, n);
  const double shift = relative_shift * mean.trace().item<float>();
  const at::Tensor after = orthogonal(at::addmm(before, mean, before, shift));
  side.vectors = values_of(after);
  return before.t().mm(after);
}

}  // namespace

std::vector<MatrixBlock> matrix_blocks(const ParameterLayout& layout) {
  std::vector<MatrixBlock> blocks;
  for (const ElementSlice& slice : layout.elements) {
    if (slice.mixing >= 0)
      blocks.push_back({.weights = slice.mixing, .bias = -1, .rows = slice.channels, .columns = slice.primitives});
    for (const LayerSlice& layer : slice.layers)
      blocks.push_back({.weights = layer.weights, .bias = layer.bias, .rows = layer.outputs, .columns = layer.inputs});
    if (slice.linear >= 0)
      blocks.push_back({.weights = slice.linear, .bias = -1, .rows = 1, .columns = slice.layers.front().inputs});
  }
  return blocks;
}

KroneckerBasis::KroneckerBasis(const MatrixBlock& which)
    : block(which), left(plain_side(which.rows)), right(plain_side(which.width())) {}

double KroneckerBasis::bytes(const MatrixBlock& which) {
  double sum = 0;
  for (const Index n : {which.rows, which.width()})
    sum += n > longest_side ? 0.0 : 2.0 * sizeof(float) * static_cast<double>(n * n);
  return sum;
}

void KroneckerBasis::observe(std::span<const double> gradient) {
  constexpr double decay = 0.99;
  const at::NoGradGuard no_graph;
  const Index m = block.rows, n = block.width();
  const at::Tensor g = single(gradient, m, n);
  if (!left.mean.empty()) wrap(left.mean, m, m).addmm_(g, g.t(), decay, 1 - decay);
  if (!right.mean.empty()) wrap(right.mean, n, n).addmm_(g.t(), g, decay, 1 - decay);
}

void KroneckerBasis::turn(std::vector<double>& carried) {
  const at::NoGradGuard no_graph;
  const Index m = block.rows, n = block.width();
  at::Tensor x = single(carried, m, n);
  if (!left.mean.empty()) x = turn_side(left, m).t().mm(x);
  if (!right.mean.empty()) x = x.mm(turn_side(right, n));
  carried = doubles_of(x);
}

std::vector<double> KroneckerBasis::to_basis(std::span<const double> matrix) const {
  const at::NoGradGuard no_graph;
  const Index m = block.rows, n = block.width();
  at::Tensor x = single(matrix, m, n);
  if (!left.vectors.empty()) x = wrap(left.vectors, m, m).t().mm(x);
  if (!right.vectors.empty()) x = x.mm(wrap(right.vectors, n, n));
  return doubles_of(x);
}

std::vector<double> KroneckerBasis::from_basis(std::span<const double> coordinates) const {
  const at::NoGradGuard no_graph;
  const Index m = block.rows, n = block.width();
  at::Tensor x = single(coordinates, m, n);
  if (!left.vectors.empty()) x = wrap(left.vectors, m, m).mm(x);
  if (!right.vectors.empty()) x = x.mm(wrap(right.vectors, n, n).t());
  return doubles_of(x);
}

std::vector<double> gather(const MatrixBlock& block, std::span<const double> flat) {
  std::vector<double> matrix;
  matrix.reserve(static_cast<std::size_t>(block.size()));
  for (Index r = 0; r < block.rows; ++r) {
    const auto row = flat.subspan(static_cast<std::size_t>(block.weights + r * block.columns),
                                  static_cast<std::size_t>(block.columns));
    matrix.insert(matrix.end(), row.begin(), row.end());
    if (block.bias >= 0) matrix.push_back(flat[static_cast<std::size_t>(block.bias + r)]);
  }
  return matrix;
}

void scatter(const MatrixBlock& block, std::span<const double> matrix, std::span<double> flat) {
  for (Index r = 0; r < block.rows; ++r) {
    const auto row = matrix.subspan(static_cast<std::size_t>(r * block.width()));
    std::copy_n(row.begin(), block.columns, flat.begin() + block.weights + r * block.columns);
    if (block.bias >= 0) flat[static_cast<std::size_t>(block.bias + r)] = row[static_cast<std::size_t>(block.columns)];
  }
}

}  // namespace haven::training
