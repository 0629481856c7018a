// The network of one atom, forward and backward, in our own fixed order. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_NETWORK_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_NETWORK_INL_HPP
#undef HAVEN_CPU_SIMD_NETWORK_INL_HPP
#else
#define HAVEN_CPU_SIMD_NETWORK_INL_HPP
#endif

#include "potentials/program/drivers/cpu_simd_neighbours-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// Rows dot products of rows of a matrix with one vector.
template <int Rows, class T>
HWY_INLINE void dot_rows(const T* weights, Index stride, const T* input, T* out) {
  Lane<T> sum[Rows];
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row) sum[row] = Lane<T>(0.0);
  for (Index k = 0; k < stride; k += Lane<T>::width) {
    const Lane<T> x = Lane<T>::load(input + k);
    HAVEN_UNROLL
    for (int row = 0; row < Rows; ++row)
      sum[row] = multiply_add(Lane<T>::load(weights + row * stride + k), x, sum[row]);
  }
  HAVEN_UNROLL
  for (int row = 0; row < Rows; ++row) out[row] = sum[row].sum();
}

/// Weights times input plus bias, then the activation and its slope.
template <class T>
void layer_forward(const PackedLayer<T>& layer, const T* input, T* output, T* slope) {
  constexpr Index lanes = Lane<T>::width;
  Index o = 0;
  for (; o + 8 <= layer.outputs; o += 8)
    dot_rows<8>(layer.weights.data() + o * layer.stride, layer.stride, input, output + o);
  for (; o < layer.outputs; ++o) dot_rows<1>(layer.weights.data() + o * layer.stride, layer.stride, input, output + o);
  const Index end = padded(layer.outputs, lanes);
  for (; o < end; ++o) output[o] = 0;
  for (Index k = 0; k < end; k += lanes) {
    const auto activated = activate(layer.activation, Lane<T>::load(output + k) + Lane<T>::load(layer.bias.data() + k));
    activated.value.store(output + k);
    activated.slope.store(slope + k);
  }
  for (Index k = layer.outputs; k < end + lanes; ++k) output[k] = slope[k] = 0;  // the next layer reads whole vectors
}

/// out[i..] = sum_o bar[o] W[o][i..] for Columns vectors.
template <int Columns, class T>
HWY_INLINE void transposed_tile(const PackedLayer<T>& layer, const T* bar, Index at, T* out) {
  constexpr Index lanes = Lane<T>::width;
  Lane<T> sum[Columns];
  HAVEN_UNROLL
  for (int k = 0; k < Columns; ++k) sum[k] = Lane<T>(0.0);
  const T* row = layer.weights.data() + at;
  for (Index o = 0; o < layer.outputs; ++o, row += layer.stride) {
    const Lane<T> factor(bar[o]);
    HAVEN_UNROLL
    for (int k = 0; k < Columns; ++k) sum[k] = multiply_add(factor, Lane<T>::load(row + k * lanes), sum[k]);
  }
  HAVEN_UNROLL
  for (int k = 0; k < Columns; ++k) sum[k].store(out + at + k * lanes);
}

template <class T>
void layer_backward(const PackedLayer<T>& layer, const T* bar, T* out) {
  constexpr Index lanes = Lane<T>::width;
  Index at = 0;
  for (; at + 8 * lanes <= layer.stride; at += 8 * lanes) transposed_tile<8>(layer, bar, at, out);
  for (; at + 4 * lanes <= layer.stride; at += 4 * lanes) transposed_tile<4>(layer, bar, at, out);
  for (; at < layer.stride; at += lanes) transposed_tile<1>(layer, bar, at, out);
}

/// Energy of the network; term_gradients receive dE/dterms.
template <class T>
double evaluate_network(const PackedCentre<T>& centre, Workspace<T>& w) {
  const std::size_t n = centre.layers.size();
  const T* input = w.terms.data();
  for (std::size_t k = 0; k < n; ++k) {
    layer_forward(centre.layers[k], input, w.outputs[k].data(), w.slopes[k].data());
    input = w.outputs[k].data();
  }
  w.bar[0] = w.slopes[n - 1][0];
  for (std::size_t k = n; k-- > 0;) {
    if (k == 0) {
      layer_backward(centre.layers[0], w.bar.data(), w.term_gradients.data());
      break;
    }
    layer_backward(centre.layers[k], w.bar.data(), w.bar_below.data());
    for (Index o = 0; o < centre.layers[k - 1].outputs; ++o) {
      const auto i = static_cast<std::size_t>(o);
      w.bar[i] = w.bar_below[i] * w.slopes[k - 1][i];
    }
  }
  return static_cast<double>(w.outputs[n - 1][0]);
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_NETWORK_INL_HPP
