// Networks of some atoms at a time, forward and backward, in our own fixed order. Included once per instruction set.
#if defined(HAVEN_CPU_SIMD_NETWORK_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef HAVEN_CPU_SIMD_NETWORK_INL_HPP
#undef HAVEN_CPU_SIMD_NETWORK_INL_HPP
#else
#define HAVEN_CPU_SIMD_NETWORK_INL_HPP
#endif

#include "potentials/program/drivers/cpu_simd_neighbours-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace haven::HWY_NAMESPACE {

/// Terms of a sum in float that are added up before they join the rest: its rounding errors stay small.
inline constexpr Index terms_in_partial_sum = 64;

/// out_a[at..] = sum_k factor_a[k] matrix[k][at..] for Vectors vectors and Atoms atoms: each row of the matrix is
/// loaded once for all of them. The sum of an atom runs over k in the same order whatever the atoms beside it.
template <int Atoms, int Vectors, class T>
HWY_INLINE void multiply_tile(const T* matrix, Index stride, Index count, const T* const* factor, Index at,
                              T* const* out) {
  constexpr Index lanes = Lane<T>::width;
  const T* row = matrix + at;
  for (Index begin = 0; begin < count; begin += terms_in_partial_sum) {
    Lane<T> sum[Atoms * Vectors];
    HAVEN_UNROLL
    for (int k = 0; k < Atoms * Vectors; ++k) sum[k] = Lane<T>(0.0);
    const Index end = std::min(begin + terms_in_partial_sum, count);
    for (Index k = begin; k < end; ++k, row += stride) {
      Lane<T> column[Vectors];
      HAVEN_UNROLL
      for (int v = 0; v < Vectors; ++v) column[v] = Lane<T>::load(row + v * lanes);
      HAVEN_UNROLL
      for (int a = 0; a < Atoms; ++a) {
        const Lane<T> by(factor[a][k]);
        HAVEN_UNROLL
        for (int v = 0; v < Vectors; ++v) sum[a * Vectors + v] = multiply_add(by, column[v], sum[a * Vectors + v]);
      }
    }
    HAVEN_UNROLL
    for (int a = 0; a < Atoms; ++a) {
      HAVEN_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        T* to = out[a] + at + v * lanes;
        (begin == 0 ? sum[a * Vectors + v] : Lane<T>::load(to) + sum[a * Vectors + v]).store(to);
      }
    }
  }
}

template <int Atoms, class T>
void multiply_matrix(const AlignedArray<T>& matrix, Index stride, Index count, const T* const* factor, T* const* out) {
  constexpr Index lanes = Lane<T>::width;
  constexpr int widest = Atoms == 1 ? 8 : 3, narrower = Atoms == 1 ? 4 : 2;  // sums and row fill the registers
  Index at = 0;
  const auto rest = [&] { return (stride - at) / lanes; };
  for (; rest() >= widest && rest() != 2 * narrower; at += widest * lanes)
    multiply_tile<Atoms, widest>(matrix.data(), stride, count, factor, at, out);
  for (; rest() >= narrower; at += narrower * lanes)
    multiply_tile<Atoms, narrower>(matrix.data(), stride, count, factor, at, out);
  for (; at < stride; at += lanes) multiply_tile<Atoms, 1>(matrix.data(), stride, count, factor, at, out);
}

/// The networks of Atoms atoms of one element: energies in the last outputs; term_gradients receive dE/dterms.
template <int Atoms, class T>
void evaluate_networks(const std::vector<PackedLayer<T>>& layers, Workspace<T>* w) {
  const std::size_t n = layers.size();
  const T* factor[Atoms];
  T* out[Atoms];
  for (std::size_t k = 0; k < n; ++k) {
    const PackedLayer<T>& layer = layers[k];
    for (int a = 0; a < Atoms; ++a) {
      factor[a] = k == 0 ? w[a].terms.data() : w[a].outputs[k - 1].data();
      out[a] = w[a].outputs[k].data();
    }
    multiply_matrix<Atoms>(layer.by_input, layer.output_stride, layer.inputs, factor, out);
    for (int a = 0; a < Atoms; ++a)
      for (Index o = 0; o < layer.output_stride; o += Lane<T>::width) {
        const auto activated =
            activate(layer.activation, Lane<T>::load(out[a] + o) + Lane<T>::load(layer.bias.data() + o));
        activated.value.store(out[a] + o);
        activated.slope.store(w[a].slopes[k].data() + o);
      }
  }
  for (int a = 0; a < Atoms; ++a) w[a].bar[0] = w[a].slopes[n - 1][0];
  for (std::size_t k = n; k-- > 0;) {
    const PackedLayer<T>& layer = layers[k];
    for (int a = 0; a < Atoms; ++a) {
      factor[a] = w[a].bar.data();
      out[a] = k == 0 ? w[a].term_gradients.data() : w[a].bar_below.data();
    }
    multiply_matrix<Atoms>(layer.by_output, layer.input_stride, layer.outputs, factor, out);
    for (int a = 0; k > 0 && a < Atoms; ++a)
      for (Index i = 0; i < layer.input_stride; i += Lane<T>::width)
        (Lane<T>::load(w[a].bar_below.data() + i) * Lane<T>::load(w[a].slopes[k - 1].data() + i))
            .store(w[a].bar.data() + i);
  }
}

}  // namespace haven::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HAVEN_CPU_SIMD_NETWORK_INL_HPP
