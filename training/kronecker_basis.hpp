#pragma once
#include <span>
#include <vector>

#include "training/parameters.hpp"

namespace haven::training {

/// One matrix of the flat parameter vector: [rows][columns] weights at `weights`, and a further column at `bias` when
/// that is not negative.
struct MatrixBlock {
  Index weights = 0, bias = -1;
  Index rows = 0, columns = 0;

  [[nodiscard]] Index width() const { return columns + (bias >= 0 ? 1 : 0); }
  [[nodiscard]] Index size() const { return rows * width(); }
};

/// The matrices of a layout: the mixing of every element and its layers with their biases. They cover all parameters.
[[nodiscard]] std::vector<MatrixBlock> matrix_blocks(const ParameterLayout& layout);

/// An orthogonal basis of the space of a matrix: the product of a basis of its columns and one of its rows, turned
/// towards the eigenvectors of running means of G G^T and G^T G over gradients G. The curvature of the loss is closer
/// to diagonal in it than in the plain one (Vyas et al., "SOAP: improving and stabilizing Shampoo using Adam", 2024). A
/// side longer than 1024 keeps its plain basis. Single precision: a basis need not be exact.
struct KroneckerBasis {
  /// One side of the matrix; both are empty when it keeps its plain basis.
  struct Side {
    std::vector<float> mean;     ///< [n][n]
    std::vector<float> vectors;  ///< orthogonal, in columns, [n][n]
  };
  MatrixBlock block;
  Side left, right;  ///< of rows and of columns

  KroneckerBasis() = default;
  /// The plain basis.
  explicit KroneckerBasis(const MatrixBlock& which);

  /// Bytes that the bases of a block hold.
  [[nodiscard]] static double bytes(const MatrixBlock& block);

  /// Takes a gradient [rows][width] into the running means.
  void observe(std::span<const double> gradient);
  /// One step of orthogonal iteration towards the eigenvectors. @param carried  coordinates, from the old basis to the
  /// new one
  void turn(std::vector<double>& carried);
  /// Coordinates of a matrix, and back.
  [[nodiscard]] std::vector<double> to_basis(std::span<const double> matrix) const;
  [[nodiscard]] std::vector<double> from_basis(std::span<const double> coordinates) const;
};

/// The block of a flat parameter vector as a matrix [rows][width], and back.
[[nodiscard]] std::vector<double> gather(const MatrixBlock& block, std::span<const double> flat);
void scatter(const MatrixBlock& block, std::span<const double> matrix, std::span<double> flat);

}  // namespace haven::training
