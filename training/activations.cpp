#include "training/activations.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "core/error.hpp"

namespace haven::training {

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::identity:
      return x;
    case Activation::tanh:
      return at::tanh(x);
    case Activation::silu:
      return at::silu(x);
    case Activation::softplus:
      return at::softplus(x);
    case Activation::gelu:
      return at::gelu(x, "tanh");  // the form that the engine evaluates
    case Activation::logistic:
      return at::sigmoid(x);
    case Activation::relu:
      return at::relu(x);
    case Activation::gaussian:
      return at::exp(x * x * -0.5);
    case Activation::cosine:
      return at::cos(x);
    case Activation::reversed_logistic:
      return 1 - at::sigmoid(x);
    case Activation::exponential:
      return at::exp(-x);
    case Activation::harmonic:
      return x * x;
  }
  throw InternalError("unknown activation function", "training/activations.cpp");
}

at::Tensor activation_slope(const at::Tensor& x, Activation activation) {
  const at::AutoGradMode graph(true);
  const at::Tensor point = x.detach().requires_grad_(true), y = activate(point, activation);
  if (activation == Activation::identity) return at::ones_like(x);
  return torch::autograd::grad({y}, {point}, {at::ones_like(y)}).front();
}

}  // namespace haven::training
