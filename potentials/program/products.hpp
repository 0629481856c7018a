#pragma once
#include "core/types.hpp"

/// Basis functions of degree 3 and 4 as plain data, and their loops for one lane: free of containers, so that a device
/// can run them.
namespace haven {

/// One product of a run: for its k-th term, weight * prod_f A[moment_f][channel_f + k].
struct ProductEntry {
  double weight = 0;
  int degree = 3;  ///< 3 or 4 factors
  int channel[4] = {}, moment[4] = {};
};

/// Terms `term`, ..., `term` + count - 1, which differ by one channel from each to the next:
/// B_k = sum of the entries first, ..., first + entries - 1.
struct ProductRun {
  Index term = 0;
  int count = 0, first = 0, entries = 0;
};

/// Where the moment `moment` of channel `channel` lies: at moment * by_moment + channel * by_channel.
struct MomentStrides {
  Index by_moment = 0, by_channel = 1;
};

/// B_k of a run.
template <class Real>
inline Real sum_of_products(const ProductRun& run, const ProductEntry* all, const Real* moments, MomentStrides strides,
                            Index k) {
  Real sum(0);
  for (int e = run.first; e < run.first + run.entries; ++e) {
    Real product = static_cast<Real>(all[e].weight);
    for (int f = 0; f < all[e].degree; ++f)
      product = product * moments[all[e].moment[f] * strides.by_moment + (all[e].channel[f] + k) * strides.by_channel];
    sum = sum + product;
  }
  return sum;
}

/// Adds by_term dB_k/dA to the gradients, which are laid out as the moments.
template <class Real>
inline void add_product_gradients(const ProductRun& run, const ProductEntry* all, const Real* moments,
                                  MomentStrides strides, Index k, Real by_term, Real* gradients) {
  for (int e = run.first; e < run.first + run.entries; ++e)
    for (int f = 0; f < all[e].degree; ++f) {
      Real product = by_term * static_cast<Real>(all[e].weight);
      for (int g = 0; g < all[e].degree; ++g)
        if (g != f)
          product =
              product * moments[all[e].moment[g] * strides.by_moment + (all[e].channel[g] + k) * strides.by_channel];
      const Index at = all[e].moment[f] * strides.by_moment + (all[e].channel[f] + k) * strides.by_channel;
      gradients[at] = gradients[at] + product;
    }
}

}  // namespace haven
