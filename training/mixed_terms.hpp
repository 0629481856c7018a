#pragma once
#include <ATen/core/Tensor.h>

#include "training/shard.hpp"

namespace haven::training {

/// Terms [terms][n] of moments [rows][n] with the mixing [channels][primitives]; differentiable twice: the first
/// derivative with respect to the moments, and its derivative with respect to the mixing and to what comes from the
/// network. `program` must outlive the graph.
template <class T>
at::Tensor mixed_terms(const at::Tensor& mixing, const at::Tensor& moments,
                       const typename TrainingProgram<T>::Element& program);

/// The terms' directional derivative [terms][n] along a change of the moments. No graph.
template <class T>
at::Tensor term_tangents(const at::Tensor& mixing, const at::Tensor& moments, const at::Tensor& tangents,
                         const typename TrainingProgram<T>::Element& program);

}  // namespace haven::training
