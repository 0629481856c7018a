#pragma once
#include <span>
#include <vector>

#include "potentials/descriptor.hpp"
#include "potentials/lowerings/embedding_net.hpp"
#include "potentials/registry.hpp"

namespace haven {

/// DeepPot-SE (Zhang et al., NeurIPS 2018, eqs. 2-12) as DeePMD-kit defines its descriptors. With
///   s(r) = 1/r below r_smooth, w((r - r_smooth)/(r_c - r_smooth))/r up to r_c, w(x) = 1 - 10x^3 + 15x^4 - 6x^5,
/// an embedding net G^{ab} per ordered pair of elements, and the rows R_j = s(r_ij) (1, u_ij):
///   "deeppot-se" (se_e2_a)   D_cc' = 1/N^2 sum_jk G_c(s_j) R_j . R_k G_c'(s_k) = (p_cc'0 + p_cc'1)/N^2 of the radial
///                            channels s G_c(s), c' among the first M2 channels; D is symmetric there, so features are
///                            the pairs c' <= c, in the order (0,0) (1,0) (1,1) (2,0) ...
///   "deeppot-se-r" (se_e2_r) D_c = 1/N sum_j [G_c(s_j) - G_c(0)], which is DeePMD-kit's mean over N places up to a
///                            constant (empty places have s = 0).
///
/// Two things make it trainable and tabulable. Below r_core, which lies below every distance of the training set, s
/// does not diverge: it continues with the same slope and curvature to a constant (smooth_inverse()). And the nets are
/// taken at K Chebyshev nodes of s and interpolated between them; a smooth net is reproduced to 1e-5 (32 nodes) or
/// 1e-11 (64), and what is trained is what runs.
///
/// Parameters: "core", "smooth" [1] = r_core < r_smooth < r_c (A); "neighbours" [1] = N; "nodes" [1] = K (4..128);
/// "widths" [layers] of the embedding nets; "embedding_<a>" [elements][numbers of a net] for each centre element a, row
/// b for neighbours of element b, in the order of EmbeddingNet; "axis_channels" [1] = M2 (deeppot-se only).
///
/// @throws ModelError for missing or surplus parameters, wrong shapes or values out of range.
[[nodiscard]] Descriptor describe_deeppot_se(const Model& model);
/// Sets the parameters of a preset, with seeded normal weights.
void initialise_deeppot_se(Model& model, const DescriptorOptions& options, std::uint64_t seed);

/// Puts r_core below the smallest distance (A) of a training set.
void set_deeppot_core(Model& model, double smallest_distance);

/// The distances of s(r), A.
struct SmoothInverse {
  double core = 0, smooth = 0, cutoff = 0;
  /// s at and below 3/4 r_core: its largest value.
  [[nodiscard]] double largest() const;
  /// Where third derivatives jump.
  [[nodiscard]] std::vector<double> breaks() const { return {0.75 * core, core, smooth}; }
};
/// s(r) with both derivatives.
[[nodiscard]] RadialValue smooth_inverse(const SmoothInverse& s, double r);

/// From the numbers of embedding nets to the mixing of Chebyshev polynomials T_k(2 s/s_max - 1), and back.
class RadialEmbedding {
 public:
  RadialEmbedding(EmbeddingNet net, Index nodes, double largest_s);
  [[nodiscard]] const EmbeddingNet& net() const { return net_; }
  [[nodiscard]] Index nodes() const { return static_cast<Index>(inputs_.size()); }
  /// s at the nodes, descending.
  [[nodiscard]] const std::vector<double>& inputs() const { return inputs_; }
  /// [channels][nodes]
  [[nodiscard]] std::vector<double> coefficients(std::span<const double> parameters) const;
  /// Adds d(sum of weights * coefficients)/dparameters to `gradient`.
  void add_gradient(std::span<const double> parameters, std::span<const double> weights,
                    std::span<double> gradient) const;

 private:
  EmbeddingNet net_;
  std::vector<double> inputs_;
  std::vector<double> transform_;  // [order][node]
};
/// @throws ModelError as describe_deeppot_se()
[[nodiscard]] RadialEmbedding radial_embedding(const Model& model);

}  // namespace haven
