#include "potentials/lowerings/embedding_net.hpp"

#include <cmath>

#include "core/error.hpp"

namespace haven {
namespace {

/// The row of x that the shortcut adds to row o of the layer's output; -1: none.
Index shortcut(Index o, Index inputs, Index outputs) {
  if (outputs != inputs && outputs != 2 * inputs) return -1;
  return o % inputs;
}

std::size_t at(Index k) { return static_cast<std::size_t>(k); }

/// y += factor * x
void add_scaled(double factor, std::span<const double> x, double* y) {
  for (std::size_t k = 0; k < x.size(); ++k) y[k] += factor * x[k];
}

}  // namespace

Index EmbeddingNet::parameters() const {
  Index count = 0, inputs = 1;
  for (const Index outputs : widths_) {
    count += outputs * (inputs + 1);
    inputs = outputs;
  }
  return count;
}

EmbeddingNet::Values EmbeddingNet::forward(std::span<const double> parameters, std::span<const double> inputs) const {
  HAVEN_ASSERT(static_cast<Index>(parameters.size()) == this->parameters());
  const std::size_t n = inputs.size();
  Values values;
  std::vector<double> x(inputs.begin(), inputs.end());
  const double* weights = parameters.data();
  Index width = 1;
  for (const Index outputs : widths_) {
    const double* bias = weights + width * outputs;
    std::vector<double> t(at(outputs) * n), y;
    for (Index o = 0; o < outputs; ++o) {
      double* row = t.data() + at(o) * n;
      for (std::size_t k = 0; k < n; ++k) row[k] = bias[o];
      for (Index i = 0; i < width; ++i)
        add_scaled(weights[o * width + i], std::span<const double>(x).subspan(at(i) * n, n), row);
      for (std::size_t k = 0; k < n; ++k) row[k] = std::tanh(row[k]);
    }
    y = t;
    for (Index o = 0; o < outputs; ++o)
      if (const Index i = shortcut(o, width, outputs); i >= 0)
        add_scaled(1, std::span<const double>(x).subspan(at(i) * n, n), y.data() + at(o) * n);
    values.tanh.push_back(std::move(t));
    values.output.push_back(y);
    x = std::move(y);
    weights = bias + outputs;
    width = outputs;
  }
  return values;
}

std::vector<double> EmbeddingNet::outputs(std::span<const double> parameters, std::span<const double> inputs) const {
  return std::move(forward(parameters, inputs).output.back());
}

void EmbeddingNet::add_gradient(std::span<const double> parameters, std::span<const double> inputs,
                                std::span<const double> weights, std::span<double> gradient) const {
  const std::size_t n = inputs.size();
  HAVEN_ASSERT(weights.size() == at(channels()) * n && gradient.size() == parameters.size());
  const Values values = forward(parameters, inputs);
  std::vector<double> bar(weights.begin(), weights.end());  // dL/d(output of the layer)
  std::size_t end = parameters.size();
  for (std::size_t layer = widths_.size(); layer-- > 0;) {
    const Index outputs = widths_[layer], width = layer > 0 ? widths_[layer - 1] : 1;
    const std::span<const double> x = layer > 0 ? std::span<const double>(values.output[layer - 1]) : inputs;
    const std::size_t bias = end - at(outputs), first = bias - at(outputs * width);
    std::vector<double> below(at(width) * n, 0.0), inner(n);
    for (Index o = 0; o < outputs; ++o) {
      const std::span<const double> incoming(bar.data() + at(o) * n, n);
      const double* t = values.tanh[layer].data() + at(o) * n;
      for (std::size_t k = 0; k < n; ++k) {
        inner[k] = incoming[k] * (1 - t[k] * t[k]);
        gradient[bias + at(o)] += inner[k];
      }
      for (Index i = 0; i < width; ++i) {
        const std::size_t w = first + at(o * width + i);
        double sum = 0;
        for (std::size_t k = 0; k < n; ++k) sum += inner[k] * x[at(i) * n + k];
        gradient[w] += sum;
        add_scaled(parameters[w], inner, below.data() + at(i) * n);
      }
      if (const Index i = shortcut(o, width, outputs); i >= 0) add_scaled(1, incoming, below.data() + at(i) * n);
    }
    bar = std::move(below);
    end = first;
  }
}

}  // namespace haven
