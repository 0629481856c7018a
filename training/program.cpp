#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "training/shard.hpp"

namespace haven::training {
namespace {

template <class T>
EdgeProgram<T> make_edge_program(const CentreDescriptor& centre, Index n_elements, double cutoff, RadialMode mode) {
  EdgeProgram<T> program{.layout = make_layout(centre, n_elements), .radial = {}};
  for (const PrimitiveGroup& group : program.layout.groups) {
    std::vector<RadialFunction> functions;
    for (const int p : group.primitives) functions.push_back(centre.primitives[static_cast<std::size_t>(p)].function);
    program.radial.emplace_back(std::move(functions), cutoff, mode);
  }
  return program;
}

/// n if feature f is the sum of terms f, F + f, ... (n - 1) F + f for all F features; otherwise 0.
Index summed_terms(const Matrix& map) {
  if (map.columns % map.rows != 0) return 0;
  for (Index f = 0; f < map.rows; ++f)
    for (Index t = 0; t < map.columns; ++t)
      if (map(f, t) != (t % map.rows == f ? 1.0 : 0.0)) return 0;
  return map.columns / map.rows;
}

/// Folds shift and scale of the features into the term weights, or into the feature map where there is one.
template <class T>
void fold_normalisation(const CentreDescriptor& centre, const Normalisation::Element& normal,
                        typename TrainingProgram<T>::Element& element) {
  element.terms = element.edges.layout.terms;
  element.features = centre.features();
  element.offset.assign(element.terms.terms.size(), T(0));
  const auto features = static_cast<std::size_t>(element.features);
  HAVEN_ASSERT(normal.shift.size() == features && normal.scale.size() == features);
  if (centre.feature_map.rows == 0) {
    for (std::size_t t = 0; t < features; ++t) {
      element.terms.terms[t].weight *= normal.scale[t];
      element.offset[t] = static_cast<T>(normal.shift[t] * normal.scale[t]);
    }
    return;
  }
  if (const Index summed = summed_terms(centre.feature_map); summed > 0) {
    element.summed = summed;
    for (std::size_t t = 0; t < element.terms.terms.size(); ++t)
      element.terms.terms[t].weight *= normal.scale[t % features];
    for (std::size_t f = 0; f < features; ++f) element.offset[f] = static_cast<T>(normal.shift[f] * normal.scale[f]);
    return;
  }
  for (std::size_t f = 0; f < features; ++f) {
    for (Index t = 0; t < centre.feature_map.columns; ++t)
      element.map.push_back(static_cast<T>(normal.scale[f] * centre.feature_map(static_cast<Index>(f), t)));
    element.map_offset.push_back(static_cast<T>(-normal.shift[f] * normal.scale[f]));
  }
}

}  // namespace

void LossSums::add(const LossSums& other) {
  loss += other.loss;
  energy_squares += other.energy_squares;
  force_squares += other.force_squares;
  stress_squares += other.stress_squares;
  energies += other.energies;
  force_components += other.force_components;
  stress_components += other.stress_components;
  if (bad_frame < 0) bad_frame = other.bad_frame;
}

template <class T>
TrainingProgram<T>::TrainingProgram(const Descriptor& descriptor, ParameterLayout parameters, Normalisation normal,
                                    RadialMode mode)
    : layout(std::move(parameters)), normalisation(std::move(normal)) {
  const auto n_elements = static_cast<Index>(descriptor.centres.size());
  for (std::size_t a = 0; a < descriptor.centres.size(); ++a) {
    const CentreDescriptor& centre = descriptor.centres[a];
    Element element;
    element.edges = make_edge_program<T>(centre, n_elements, descriptor.cutoff, mode);
    fold_normalisation<T>(centre, normalisation.elements[a], element);
    if (!descriptor.mixing_is_trainable)
      for (const double value : centre.mixing.values) element.constant_mixing.push_back(static_cast<T>(value));
    elements.push_back(std::move(element));
  }
}

template struct TrainingProgram<float>;
template struct TrainingProgram<double>;

}  // namespace haven::training
