#pragma once
#include <span>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// The embedding net of DeepPot-SE (Zhang et al., NeurIPS 2018) with the shortcuts of DeePMD-kit: one input, tanh
/// layers y = tanh(W x + b), plus x where a layer is as wide as the one before, plus (x, x) where it is twice as wide.
/// Its numbers are one vector: for each layer the weights, row-major [outputs][inputs], then the bias.
class EmbeddingNet {
 public:
  explicit EmbeddingNet(std::vector<Index> widths) : widths_(std::move(widths)) {}
  [[nodiscard]] Index parameters() const;  ///< how many numbers
  [[nodiscard]] Index channels() const { return widths_.back(); }
  [[nodiscard]] const std::vector<Index>& widths() const { return widths_; }

  /// Outputs for all inputs, [channels][inputs].
  [[nodiscard]] std::vector<double> outputs(std::span<const double> parameters, std::span<const double> inputs) const;
  /// Adds d(sum of weights * outputs)/dparameters to `gradient`; `weights` has the shape of the outputs.
  void add_gradient(std::span<const double> parameters, std::span<const double> inputs, std::span<const double> weights,
                    std::span<double> gradient) const;

 private:
  /// tanh and output of every layer, each [width][inputs].
  struct Values {
    std::vector<std::vector<double>> tanh, output;
  };
  [[nodiscard]] Values forward(std::span<const double> parameters, std::span<const double> inputs) const;

  std::vector<Index> widths_;
};

}  // namespace haven
