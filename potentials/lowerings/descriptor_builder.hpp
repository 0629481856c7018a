#pragma once
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "potentials/descriptor.hpp"

namespace haven {

/// Collects channels, terms and a sparse feature map of one centre, and makes the dense descriptor at the end.
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
  /// Position of a term, added at its first use.
  Index term(const BasisTerm& t) {
    const auto [found, is_new] =
        known_.try_emplace(std::tuple(t.degree, t.channel, t.other_channel, t.l), terms_.size());
    if (is_new) terms_.push_back(t);
    return static_cast<Index>(found->second);
  }
  /// A new feature: sum of weight times term.
  void add_feature(std::vector<std::pair<Index, double>> row) { rows_.push_back(std::move(row)); }

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
    out.feature_map = zeros(static_cast<Index>(rows_.size()), static_cast<Index>(terms_.size()));
    for (std::size_t f = 0; f < rows_.size(); ++f)
      for (const auto& [t, weight] : rows_[f]) out.feature_map(static_cast<Index>(f), t) += weight;
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
  std::map<std::tuple<int, int, int, int>, std::size_t> known_;
  std::vector<std::vector<std::pair<Index, double>>> rows_;
};

}  // namespace haven
