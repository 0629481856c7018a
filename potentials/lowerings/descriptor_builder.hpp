#pragma once
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "potentials/descriptor.hpp"

namespace haven {

/// Collects channels, basis functions and a sparse feature map of one centre, and makes the dense descriptor at the
/// end.
class DescriptorBuilder {
 public:
  /// One primitive and its weight in a channel.
  struct Part {
    int neighbour;
    double weight;
    RadialFunction function;
  };

  int add_channel(int l_max, std::vector<Part> parts) {
    channels_.push_back({l_max, std::move(parts)});
    return static_cast<int>(channels_.size()) - 1;
  }
  /// A basis function by its kind and its place among those of the kind.
  struct Basis {
    enum class Kind { term, product, triplet } kind;
    std::size_t index;
  };
  /// Weighted basis functions.
  using Row = std::vector<std::pair<Basis, double>>;

  /// A term of degree 1 or 2, added at its first use.
  Basis term(const BasisTerm& t) {
    const auto [found, is_new] =
        known_.try_emplace(std::tuple(t.degree, t.channel, t.other_channel, t.l), terms_.size());
    if (is_new) terms_.push_back(t);
    return {Basis::Kind::term, found->second};
  }
  Basis product(ProductTerm t) {
    products_.push_back(std::move(t));
    return {Basis::Kind::product, products_.size() - 1};
  }
  Basis triplet(const TripletTerm& t) {
    triplets_.push_back(t);
    return {Basis::Kind::triplet, triplets_.size() - 1};
  }
  /// A new feature: sum of weight times basis function.
  void add_feature(Row row) { rows_.push_back(std::move(row)); }

  [[nodiscard]] CentreDescriptor build() const {
    CentreDescriptor out;
    Index primitives = 0;
    for (const Channel& channel : channels_) primitives += static_cast<Index>(channel.parts.size());
    out.mixing = zeros(static_cast<Index>(channels_.size()), primitives);
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      out.channel_l_max.push_back(channels_[c].l_max);
      for (const Part& part : channels_[c].parts) {
        out.mixing(static_cast<Index>(c), static_cast<Index>(out.primitives.size())) = part.weight;
        out.primitives.push_back({.neighbour = part.neighbour, .l_max = channels_[c].l_max, .function = part.function});
      }
    }
    out.terms = terms_;
    out.products = products_;
    out.triplets = triplets_;
    out.feature_map = zeros(static_cast<Index>(rows_.size()), out.basis_size());
    const std::size_t before[] = {0, terms_.size(), terms_.size() + products_.size()};
    for (std::size_t f = 0; f < rows_.size(); ++f)
      for (const auto& [basis, weight] : rows_[f])
        out.feature_map(static_cast<Index>(f),
                        static_cast<Index>(before[static_cast<std::size_t>(basis.kind)] + basis.index)) += weight;
    return out;
  }

 private:
  struct Channel {
    int l_max;
    std::vector<Part> parts;
  };
  static Matrix zeros(Index rows, Index columns) {
    return {
        .rows = rows, .columns = columns, .values = std::vector<double>(static_cast<std::size_t>(rows * columns), 0.0)};
  }
  std::vector<Channel> channels_;
  std::vector<BasisTerm> terms_;
  std::vector<ProductTerm> products_;
  std::vector<TripletTerm> triplets_;
  std::map<std::tuple<int, int, int, int>, std::size_t> known_;
  std::vector<Row> rows_;
};

}  // namespace haven
