#include "training/layout.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "training/harmonics.hpp"

namespace haven::training {
namespace {

std::vector<PrimitiveGroup> make_groups(const CentreDescriptor& centre, Index n_elements, Index& local_size) {
  std::vector<PrimitiveGroup> groups(static_cast<std::size_t>(n_elements));
  local_size = 0;
  for (std::size_t b = 0; b < groups.size(); ++b) {
    PrimitiveGroup& group = groups[b];
    for (std::size_t p = 0; p < centre.primitives.size(); ++p)
      if (centre.primitives[p].neighbour == static_cast<int>(b)) group.primitives.push_back(static_cast<int>(p));
    const auto l_max = [&](int p) { return centre.primitives[static_cast<std::size_t>(p)].l_max; };
    std::stable_sort(group.primitives.begin(), group.primitives.end(),
                     [&](int p, int q) { return l_max(p) > l_max(q); });
    for (const int p : group.primitives) {
      group.l_max.push_back(l_max(p));
      group.local_offset.push_back(static_cast<std::int32_t>(local_size));
      group.group_l_max = std::max(group.group_l_max, l_max(p));
      local_size += padded(harmonics_count(l_max(p)));
    }
  }
  return groups;
}

void add_block(const CentreDescriptor& centre, int l, CentreLayout& layout) {
  MomentBlock block{
      .l = l, .offset = layout.rows, .primitives = {}, .channel_offset = layout.mixed_rows, .channels = {}};
  for (std::size_t p = 0; p < centre.primitives.size(); ++p)
    if (centre.primitives[p].l_max >= l) block.primitives.push_back(static_cast<int>(p));
  for (std::size_t c = 0; c < centre.channel_l_max.size(); ++c)
    if (centre.channel_l_max[c] >= l) block.channels.push_back(static_cast<int>(c));
  layout.rows += static_cast<Index>(block.primitives.size()) * (2 * l + 1);
  layout.mixed_rows += static_cast<Index>(block.channels.size()) * (2 * l + 1);
  layout.blocks.push_back(std::move(block));
}

std::int32_t mixed_row(const CentreLayout& layout, int l, int channel) {
  HAVEN_ASSERT(l >= 0 && l < static_cast<int>(layout.blocks.size()));
  const MomentBlock& block = layout.blocks[static_cast<std::size_t>(l)];
  const auto found = std::find(block.channels.begin(), block.channels.end(), channel);
  HAVEN_ASSERT(found != block.channels.end());
  return static_cast<std::int32_t>(block.channel_offset + (found - block.channels.begin()) * (2 * l + 1));
}

void add_terms(const CentreDescriptor& centre, CentreLayout& layout) {
  for (const BasisTerm& term : centre.terms) {
    const int l = term.degree == 1 ? 0 : term.l;
    const std::int32_t row = mixed_row(layout, l, term.channel);
    const double weight = term.degree == 1 ? std::sqrt(4 * std::numbers::pi) : 4 * std::numbers::pi / (2 * l + 1);
    layout.terms.terms.push_back({.degree = term.degree,
                                  .row = row,
                                  .other = term.degree == 1 ? row : mixed_row(layout, l, term.other_channel),
                                  .m_count = 2 * l + 1,
                                  .weight = weight});
  }
}

void add_products(const CentreDescriptor& centre, CentreLayout& layout) {
  std::vector<ProductRow>& products = layout.terms.products;
  for (const ProductTerm& term : centre.products) {
    HAVEN_ASSERT(!term.empty());
    layout.terms.terms.push_back({.degree = term.front().degree,
                                  .first = static_cast<std::int32_t>(products.size()),
                                  .count = static_cast<std::int32_t>(term.size())});
    for (const MomentProduct& product : term) {
      HAVEN_ASSERT(product.degree == term.front().degree && (product.degree == 3 || product.degree == 4));
      ProductRow row{.degree = product.degree, .row = {}, .weight = product.weight};
      for (std::size_t f = 0; f < static_cast<std::size_t>(product.degree); ++f) {
        const int l = static_cast<int>(std::sqrt(static_cast<double>(product.moment[f]) + 0.5));
        row.row[f] = mixed_row(layout, l, product.channel[f]) + product.moment[f] - l * l;
      }
      products.push_back(row);
    }
  }
}

}  // namespace

CentreLayout make_layout(const CentreDescriptor& centre, Index n_elements) {
  if (!centre.triplets.empty())
    throw ModelError("the descriptor has explicit triplets", "training",
                     "Such potentials can be imported and run, not trained; train a moment, behler-parrinello or "
                     "chebyshev model.");
  CentreLayout layout;
  layout.channels = centre.channels();
  layout.primitives = static_cast<Index>(centre.primitives.size());
  HAVEN_ASSERT(centre.mixing.rows == layout.channels && centre.mixing.columns == layout.primitives);
  for (const int l : centre.channel_l_max) layout.l_max = std::max(layout.l_max, l);
  for (const Primitive& primitive : centre.primitives) HAVEN_ASSERT(primitive.l_max <= layout.l_max);
  HAVEN_ASSERT(layout.l_max <= harmonics_l_limit);
  layout.groups = make_groups(centre, n_elements, layout.local_size);
  for (int l = 0; l <= layout.l_max; ++l) add_block(centre, l, layout);

  std::vector<std::int32_t> local(centre.primitives.size());
  for (const PrimitiveGroup& group : layout.groups)
    for (std::size_t k = 0; k < group.primitives.size(); ++k)
      local[static_cast<std::size_t>(group.primitives[k])] = group.local_offset[k];
  for (const MomentBlock& block : layout.blocks)
    for (const int p : block.primitives)
      for (int m = -block.l; m <= block.l; ++m)
        layout.local_of_row.push_back(local[static_cast<std::size_t>(p)] + harmonics_index(block.l, m));

  add_terms(centre, layout);
  add_products(centre, layout);
  return layout;
}

}  // namespace haven::training
