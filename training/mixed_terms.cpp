#include "training/mixed_terms.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "training/term_kernels.hpp"

namespace haven::training {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
using Element = typename TrainingProgram<T>::Element;

/// Rows of the mixing matrix for one l: all of it, or the channels and primitives that have this l.
at::Tensor mixing_of(const MomentBlock& block, const CentreLayout& layout, const at::Tensor& mixing) {
  at::Tensor part = mixing;
  if (static_cast<Index>(block.channels.size()) != layout.channels)
    part = part.index_select(0, torch::tensor(block.channels, torch::kInt32));
  if (static_cast<Index>(block.primitives.size()) != layout.primitives)
    part = part.index_select(1, torch::tensor(block.primitives, torch::kInt32));
  return part;
}

/// The block of one l as a matrix [members][(2l+1) n].
at::Tensor block_of(const at::Tensor& matrix, Index offset, std::size_t members, int l) {
  const auto rows = static_cast<Index>(members);
  return matrix.narrow(0, offset, rows * (2 * l + 1)).view({rows, (2 * l + 1) * matrix.size(1)});
}

/// A = mixing M, one product per l.
at::Tensor mix(const CentreLayout& layout, const at::Tensor& mixing, const at::Tensor& moments) {
  at::Tensor mixed = at::empty({layout.mixed_rows, moments.size(1)}, moments.options());
  for (const MomentBlock& block : layout.blocks) {
    at::Tensor out = block_of(mixed, block.channel_offset, block.channels.size(), block.l);
    at::mm_out(out, mixing_of(block, layout, mixing),
               block_of(moments, block.offset, block.primitives.size(), block.l));
  }
  return mixed;
}

/// mixing^T G.
at::Tensor unmix(const CentreLayout& layout, const at::Tensor& mixing, const at::Tensor& gradient) {
  at::Tensor moments = at::empty({layout.rows, gradient.size(1)}, gradient.options());
  for (const MomentBlock& block : layout.blocks) {
    at::Tensor out = block_of(moments, block.offset, block.primitives.size(), block.l);
    at::mm_out(out, mixing_of(block, layout, mixing).t(),
               block_of(gradient, block.channel_offset, block.channels.size(), block.l));
  }
  return moments;
}

/// result += G M^T, the gradient of <G, mixing M> with respect to the mixing.
void add_mixing_gradient(const CentreLayout& layout, const at::Tensor& gradient, const at::Tensor& moments,
                         at::Tensor& result) {
  for (const MomentBlock& block : layout.blocks) {
    const at::Tensor g = block_of(gradient, block.channel_offset, block.channels.size(), block.l);
    const at::Tensor m = block_of(moments, block.offset, block.primitives.size(), block.l);
    const bool whole = static_cast<Index>(block.channels.size()) == layout.channels &&
                       static_cast<Index>(block.primitives.size()) == layout.primitives;
    if (whole)
      result.addmm_(g, m.t());
    else
      result.index_put_(
          {torch::tensor(block.channels, torch::kInt64).unsqueeze(1), torch::tensor(block.primitives, torch::kInt64)},
          at::mm(g, m.t()), /*accumulate=*/true);
  }
}

template <class T>
at::Tensor spread(const Element<T>& program, const at::Tensor& term_gradient, const at::Tensor& mixed) {
  at::Tensor out = at::empty_like(mixed);
  spread_terms<T>(program.terms, term_gradient.data_ptr<T>(), mixed.data_ptr<T>(), {mixed.size(0), mixed.size(1)},
                  out.data_ptr<T>());
  return out;
}

template <class T>
const Element<T>& program_of(AutogradContext* context) {
  return *reinterpret_cast<const Element<T>*>(context->saved_data["program"].toInt());
}
template <class T>
std::int64_t handle(const Element<T>& program) {
  return reinterpret_cast<std::int64_t>(&program);
}

/// H(mixing, S) = mixing^T B(S, A): the gradient of sum S T(mixing M) with respect to M.
template <class T>
struct Adjoint : torch::autograd::Function<Adjoint<T>> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& mixing, const at::Tensor& term_gradient,
                            const at::Tensor& moments, const at::Tensor& mixed, std::int64_t program) {
    context->saved_data["program"] = program;
    const auto& element = program_of<T>(context);
    const at::Tensor spread_out = spread<T>(element, term_gradient, mixed);
    context->save_for_backward({mixing, term_gradient, moments, mixed, spread_out});
    return unmix(element.edges.layout, mixing, spread_out);
  }

  /// With Z the incoming gradient, Z' = mixing Z and Phi = <Z', B(S, A)>: dPhi/dS is the derivative of the terms along
  /// Z', and dPhi/dmixing = B(S, A) Z^T + B2(S, Z') M^T.
  static variable_list backward(AutogradContext* context, variable_list incoming) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &mixing = saved[0], &term_gradient = saved[1], &moments = saved[2], &mixed = saved[3];
    const auto& element = program_of<T>(context);
    const at::NoGradGuard no_graph;
    const CentreLayout& layout = element.edges.layout;
    const at::Tensor z = incoming[0].contiguous(), tangent = mix(layout, mixing, z);
    at::Tensor s_out = at::empty_like(term_gradient), mixing_out;
    differentiate_terms<T>(element.terms, mixed.data_ptr<T>(), tangent.data_ptr<T>(), mixed.size(1),
                           s_out.data_ptr<T>());
    if (context->needs_input_grad(0)) {
      mixing_out = at::zeros_like(mixing);
      add_mixing_gradient(layout, saved[4], z, mixing_out);
      at::Tensor curved = at::empty_like(mixed);
      spread_tangents<T>(element.terms, term_gradient.data_ptr<T>(), mixed.data_ptr<T>(), tangent.data_ptr<T>(),
                         {mixed.size(0), mixed.size(1)}, curved.data_ptr<T>());
      add_mixing_gradient(layout, curved, moments, mixing_out);
    }
    return {mixing_out, s_out, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

template <class T>
struct Terms : torch::autograd::Function<Terms<T>> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& mixing, const at::Tensor& moments,
                            std::int64_t program) {
    context->saved_data["program"] = program;
    const auto& element = program_of<T>(context);
    const at::Tensor mixed = mix(element.edges.layout, mixing, moments);
    at::Tensor values = at::empty({static_cast<Index>(element.terms.terms.size()), moments.size(1)}, moments.options());
    sum_terms<T>(element.terms, element.offset.data(), mixed.data_ptr<T>(), mixed.size(1), values.data_ptr<T>());
    context->save_for_backward({mixing, moments, mixed});
    return values;
  }

  static variable_list backward(AutogradContext* context, variable_list incoming) {
    const auto saved = context->get_saved_variables();
    const auto& element = program_of<T>(context);
    const at::Tensor s = incoming[0].contiguous();
    at::Tensor mixing_out, moments_out;
    if (context->needs_input_grad(1))
      moments_out = Adjoint<T>::apply(saved[0], s, saved[1], saved[2], handle<T>(element));
    if (context->needs_input_grad(0)) {
      const at::NoGradGuard no_graph;
      mixing_out = at::zeros_like(saved[0]);
      add_mixing_gradient(element.edges.layout, spread<T>(element, s, saved[2]), saved[1], mixing_out);
    }
    return {mixing_out, moments_out, at::Tensor()};
  }
};

}  // namespace

template <class T>
at::Tensor mixed_terms(const at::Tensor& mixing, const at::Tensor& moments, const Element<T>& program) {
  return Terms<T>::apply(mixing, moments, handle<T>(program));
}

template <class T>
at::Tensor term_tangents(const at::Tensor& mixing, const at::Tensor& moments, const at::Tensor& tangents,
                         const Element<T>& program) {
  const at::NoGradGuard no_graph;
  const CentreLayout& layout = program.edges.layout;
  const at::Tensor mixed = mix(layout, mixing, moments), along = mix(layout, mixing, tangents);
  at::Tensor values = at::empty({static_cast<Index>(program.terms.terms.size()), moments.size(1)}, moments.options());
  differentiate_terms<T>(program.terms, mixed.data_ptr<T>(), along.data_ptr<T>(), moments.size(1),
                         values.data_ptr<T>());
  return values;
}

template at::Tensor term_tangents<float>(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                         const Element<float>&);
template at::Tensor term_tangents<double>(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                          const Element<double>&);
template at::Tensor mixed_terms<float>(const at::Tensor&, const at::Tensor&, const Element<float>&);
template at::Tensor mixed_terms<double>(const at::Tensor&, const at::Tensor&, const Element<double>&);

}  // namespace haven::training
