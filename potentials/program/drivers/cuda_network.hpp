#pragma once
#include "potentials/program/drivers/cuda_centre_data.hpp"
#include "potentials/program/kernel.hpp"

/// The network of one atom by one warp: a lane owns an output (forward) or an input (backward) and reads weights in
/// fours, consecutive lanes consecutive fours; inputs come from shared memory as broadcasts. Warps of a block work on
/// atoms of one element, so the weights stay in the L1 cache.
namespace haven::gpu {

/// Four running sums, added at the end: shorter dependency chains, and less rounding than one long sum.
template <class T>
HAVEN_HD inline T dot4(const T* weights, int stride, const T* x, int fours) {
  using kernel::multiply_add;
  T sum[4] = {};
  for (int q = 0; q < fours; ++q) {
    const Four<T> w = load4(weights + q * stride), a = load4(x + 4 * q);
    HAVEN_UNROLL_ON_DEVICE
    for (int k = 0; k < 4; ++k) sum[k] = multiply_add(w.v[k], a.v[k], sum[k]);
  }
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

template <class T>
HAVEN_HD inline void layer_forward(const ProgramView<T>& program, const LayerImage& layer, const T* input, T* output,
                                   T* slopes, int lane) {
  for (int o = lane; o < padded4(layer.outputs); o += warp_size) {
    if (o >= layer.outputs) {
      output[o] = slopes[o] = T(0);
      continue;
    }
    const T sum = dot4(program.numbers + layer.forward + 4 * o, 4 * layer.outputs, input, padded4(layer.inputs) / 4) +
                  program.numbers[layer.bias + o];
    const auto activated = kernel::activate(layer.activation, sum);
    output[o] = activated.value;
    slopes[o] = activated.slope;
  }
}

/// dE/dinput from dE/d(sum before the activation); times `slopes` of the layer below when there is one.
template <class T>
HAVEN_HD inline void layer_backward(const ProgramView<T>& program, const LayerImage& layer, const T* bar,
                                    const T* slopes, T* out, int lane) {
  for (int i = lane; i < layer.inputs; i += warp_size) {
    const T sum = dot4(program.numbers + layer.backward + 4 * i, 4 * layer.inputs, bar, padded4(layer.outputs) / 4);
    out[i] = slopes != nullptr ? sum * slopes[i] : sum;
  }
}

/// Energy of the network in `energy` of lane 0, without the reference; the terms are replaced by dE/dterms.
template <class T, class Warp, class BeforeBackward>
HAVEN_HD inline void evaluate_network(const ProgramView<T>& program, Warp warp, const CentreImage& centre,
                                      const Scratch<T>& s, typename Warp::template PerLane<double>& energy,
                                      const BeforeBackward& before_backward) {
  const LayerImage* layers = program.layers + centre.layers;
  const int n = centre.n_layers;
  for (int k = 0; k < n; ++k) {
    const LayerImage layer = layers[k];
    const T* input = k == 0 ? s.terms() : s.activations(k - 1);
    warp.each(
        [&](int lane) { layer_forward(program, layer, input, s.activations(k), s.slopes() + layer.slopes, lane); });
  }
  before_backward();
  T* bar = s.activations(n - 1);
  T* below = s.activations(n);
  warp.each([&](int lane) {
    if (lane != 0) return;
    energy[lane] = static_cast<double>(bar[0]);
    bar[0] = s.slopes()[layers[n - 1].slopes];  // the padding behind it is zero already
  });
  for (int k = n - 1; k > 0; --k) {
    const LayerImage layer = layers[k];
    const T* slopes = s.slopes() + layers[k - 1].slopes;
    warp.each([&](int lane) {
      layer_backward(program, layer, bar, slopes, below, lane);
      for (int i = layer.inputs + lane; i < padded4(layer.inputs); i += warp_size) below[i] = T(0);
    });
    T* done = bar;
    bar = below;
    below = done;
  }
  const LayerImage layer = layers[0];
  warp.each([&](int lane) { layer_backward<T>(program, layer, bar, nullptr, s.terms(), lane); });
}

}  // namespace haven::gpu
