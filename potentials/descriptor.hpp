#pragma once
#include <array>
#include <functional>
#include <vector>

#include "core/types.hpp"
#include "potentials/model.hpp"
#include "potentials/pair/zbl.hpp"
#include "potentials/program/third_side.hpp"

/// The descriptor part of the moment program (design: one evaluator for every potential). A lowering turns a Model into
/// this; the engine compiles it to tables and kernels, the trainer differentiates through it. Nothing else knows
/// potential kinds.
namespace haven {

/// Value, first and second derivative with respect to r.
struct RadialValue {
  double value = 0, slope = 0, curvature = 0;
};
/// Closed form of a radial function on [0, cutoff]; zero with slope and curvature at the cut-off.
using RadialFunction = std::function<RadialValue(double r)>;

/// phi_p(r), seen by neighbours of one element only.
struct Primitive {
  int neighbour = 0;  ///< index into Model::elements
  int l_max = 0;      ///< moments M_{p,lm} = sum_{j of that element} phi_p(r_ij) Y_lm(u_ij) are needed up to this l
  RadialFunction function;
};

/// One scalar basis function of a centre atom.
/// degree 1: q_c = sum_j R_c(r_j) = sqrt(4 pi) A_{c,00}
/// degree 2: p_{c c' l} = 4 pi/(2l+1) sum_m A_{c,lm} A_{c',lm} = sum_j sum_k R_c(j) R_c'(k) P_l(cos theta_jik), j = k
/// included
struct BasisTerm {
  int degree = 1;
  int channel = 0;        ///< c
  int other_channel = 0;  ///< c' (degree 2)
  int l = 0;              ///< degree 2
};

/// weight * A_{c1,lm1} A_{c2,lm2} A_{c3,lm3} (A_{c4,lm4} when degree = 4); a moment is counted lm = l^2 + l + m.
struct MomentProduct {
  double weight = 0;
  int degree = 3;  ///< 3 or 4
  std::array<int, 4> channel{}, moment{};
};
/// A basis function of degree 3 or 4: the sum of its products.
using ProductTerm = std::vector<MomentProduct>;

/// A basis function that does not separate into moments:
/// T = sum over unordered pairs {j, k} of R_c(r_ij) R_c'(r_ik) S(r_jk) A(theta_jik)
/// with j seen by channel c and k by channel c' (each pair once; both assignments where the channels differ and both
/// see the neighbours), the third side S(r) = e^{-eta (r - shift)^2} window(r), which is 1 when there is none, and
/// A = (1 + lambda cos theta)^zeta or a window on the angle.
struct TripletTerm {
  int channel = 0, other_channel = 0;
  ThirdSide third;
  double lambda = 1, zeta = 1;  ///< |lambda| <= 1, zeta >= 1; without meaning where there is a sector
  AngleWindow sector{};
};

/// Row-major matrix [rows][columns].
struct Matrix {
  Index rows = 0, columns = 0;
  std::vector<double> values;
  [[nodiscard]] double operator()(Index r, Index c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
  double& operator()(Index r, Index c) { return values[static_cast<std::size_t>(r * columns + c)]; }
};

/// Descriptor of centres of one element.
struct CentreDescriptor {
  std::vector<Primitive> primitives;
  std::vector<int> channel_l_max;  ///< per channel c
  /// R_c^{ab}(r) = sum over primitives p with neighbour b of mixing(c, p) phi_p(r); [channels x primitives].
  Matrix mixing;
  std::vector<BasisTerm> terms;
  std::vector<ProductTerm> products{};
  std::vector<TripletTerm> triplets{};
  /// Features G = feature_map * basis, the basis being terms, products and triplets in this order; an empty matrix
  /// (rows = 0) is the identity.
  Matrix feature_map;

  [[nodiscard]] Index channels() const { return static_cast<Index>(channel_l_max.size()); }
  [[nodiscard]] Index basis_size() const {
    return static_cast<Index>(terms.size() + products.size() + triplets.size());
  }
  [[nodiscard]] Index features() const { return feature_map.rows > 0 ? feature_map.rows : basis_size(); }
};

struct Descriptor {
  double cutoff = 0;
  bool mixing_is_trainable =
      false;  ///< then Model::parameters["mixing_<element index>"] holds it, or the nets it comes from
  std::vector<CentreDescriptor> centres;  ///< per element of the model
  /// Distances besides the cut-off where a radial function or its derivatives jump; tables put knots there.
  std::vector<double> breaks{};
  /// Tables for double arithmetic are at least this good (relative to the largest value of a channel): 1e-10 is far
  /// below the error of any trained model, less is for agreement with another program's own numbers.
  double double_table_tolerance = 1e-10;
  /// Repulsion of every ordered pair of elements ([elements][elements]), part of the potential; empty when there is
  /// none.
  std::vector<PairRepulsion> repulsion{};
};

/// Builds the descriptor of a model from its kind and parameters. Networks are not looked at.
/// @throws ModelError for an unknown kind, missing or surplus parameters, or parameters out of range.
[[nodiscard]] Descriptor describe(const Model& model);

}  // namespace haven
