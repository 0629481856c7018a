#pragma once
#include <ATen/core/Tensor.h>

#include "potentials/model.hpp"

namespace haven::training {

/// Element by element; part of the graph.
[[nodiscard]] at::Tensor activate(const at::Tensor& x, Activation activation);
/// Its derivative; not part of a graph.
[[nodiscard]] at::Tensor activation_slope(const at::Tensor& x, Activation activation);

}  // namespace haven::training
