#include "training/shard.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "training/activations.hpp"
#include "training/mixed_terms.hpp"

// Only OpenBLAS has it; other BLAS libraries obey the OpenMP setting.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);

namespace haven::training {
namespace {

template <class T>
at::TensorOptions options() {
  return at::TensorOptions().dtype(std::is_same_v<T, float> ? torch::kFloat32 : torch::kFloat64);
}

template <class T>
at::Tensor wrap(std::span<const T> values, Index offset, at::IntArrayRef shape) {
  // Torch has no tensor of constants; nothing writes through this one.
  return torch::from_blob(const_cast<T*>(values.data()) + offset, shape, options<T>());
}

/// Parameters of one element as leaves of the graph.
struct Leaves {
  at::Tensor mixing, linear;  ///< undefined without a linear path
  std::vector<at::Tensor> weights, biases;
};

}  // namespace

Penalty penalty(double weight, double error, double limit) {
  const double root = std::sqrt(weight);
  if (limit <= 0 || root * std::abs(error) <= limit) return {weight * error * error, 2 * weight * error};
  return {limit * (2 * root * std::abs(error) - limit), std::copysign(2 * limit * root, error)};
}

Index linear_columns(const ElementSlice& slice) {
  return (slice.linear >= 0 ? slice.layers.front().inputs : 0) + slice.layers.back().inputs + 1;
}

void use_one_thread() {
  at::set_num_threads(1);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
}

template <class T>
struct ShardEvaluator<T>::Work {
  using Element = typename TrainingProgram<T>::Element;
  const TrainingProgram<T>& program;
  EdgeScratch<T> scratch;
  std::span<const LabelledFrame<T>> frames;
  std::vector<std::int32_t> first_atom;                         // per frame, and the total
  std::vector<std::vector<Column<T>>> columns;                  // per element
  std::vector<at::Tensor> moments, energies, moment_gradients;  // per element; undefined without centres
  std::vector<Leaves> leaves;
  std::vector<T> forces;
  std::vector<double> virials, frame_energies;
  std::vector<T> force_gradient, virial_gradient, energy_gradient;

  explicit Work(const TrainingProgram<T>& p) : program(p) {}

  void assign(std::span<const LabelledFrame<T>> given) {
    frames = given;
    columns.assign(program.elements.size(), {});
    first_atom.assign(1, 0);
    for (std::size_t f = 0; f < frames.size(); ++f) {
      const std::span<const int> species = frames[f].species;
      for (std::size_t i = 0; i < species.size(); ++i)
        columns[static_cast<std::size_t>(species[i])].push_back({.edges = frames[f].edges,
                                                                 .atom = static_cast<std::int32_t>(i),
                                                                 .first_atom = first_atom.back(),
                                                                 .frame = static_cast<std::int32_t>(f)});
      first_atom.push_back(first_atom.back() + static_cast<std::int32_t>(species.size()));
    }
  }

  void wrap_parameters(std::span<const T> parameters, bool trainable) {
    leaves.clear();
    for (std::size_t a = 0; a < program.elements.size(); ++a) {
      const ElementSlice& slice = program.layout.elements[a];
      Leaves leaf;
      if (slice.mixing >= 0)
        leaf.mixing = wrap(parameters, slice.mixing, {slice.channels, slice.primitives}).requires_grad_(trainable);
      else
        leaf.mixing =
            wrap(std::span<const T>(program.elements[a].constant_mixing), 0, {slice.channels, slice.primitives});
      for (const LayerSlice& layer : slice.layers) {
        leaf.weights.push_back(
            wrap(parameters, layer.weights, {layer.outputs, layer.inputs}).requires_grad_(trainable));
        leaf.biases.push_back(wrap(parameters, layer.bias, {layer.outputs, 1}).requires_grad_(trainable));
      }
      if (slice.linear >= 0)
        leaf.linear = wrap(parameters, slice.linear, {1, slice.layers.front().inputs}).requires_grad_(trainable);
      leaves.push_back(std::move(leaf));
    }
  }

  void sum_all_moments() {
    moments.assign(program.elements.size(), {});
    for (std::size_t a = 0; a < program.elements.size(); ++a) {
      if (columns[a].empty()) continue;
      const EdgeProgram<T>& edges = program.elements[a].edges;
      moments[a] = at::empty({edges.layout.rows, static_cast<Index>(columns[a].size())}, options<T>());
      sum_moments<T>(edges, columns[a], scratch, moments[a].template data_ptr<T>());
    }
  }

  [[nodiscard]] at::Tensor features_of(std::size_t a) const {
    const Element& element = program.elements[a];
    at::Tensor g = mixed_terms<T>(leaves[a].mixing, moments[a], element);
    if (element.summed > 1) return g.view({element.summed, element.features, g.size(1)}).sum(0);
    if (element.map.empty()) return g;
    const auto n_terms = static_cast<Index>(element.terms.terms.size());
    return at::addmm(wrap(std::span<const T>(element.map_offset), 0, {element.features, 1}),
                     wrap(std::span<const T>(element.map), 0, {element.features, n_terms}), g);
  }

  /// Energies of all centres, [1][n] per element, and G = dE/dM.
  void forward(bool create_graph) {
    energies.assign(program.elements.size(), {});
    moment_gradients.assign(program.elements.size(), {});
    std::vector<at::Tensor> outputs, inputs, ones;
    for (std::size_t a = 0; a < program.elements.size(); ++a) {
      if (columns[a].empty()) continue;
      moments[a].requires_grad_(true);
      const at::Tensor g = features_of(a);
      at::Tensor x = g;
      const std::vector<LayerSlice>& layers = program.layout.elements[a].layers;
      for (std::size_t k = 0; k < layers.size(); ++k)
        x = activate(at::addmm(leaves[a].biases[k], leaves[a].weights[k], x), layers[k].activation);
      if (leaves[a].linear.defined()) x = at::addmm(x, leaves[a].linear, g);
      energies[a] = x;
      outputs.push_back(x);
      inputs.push_back(moments[a]);
      ones.push_back(at::ones_like(x));
    }
    const auto gradients = torch::autograd::grad(outputs, inputs, ones, create_graph, create_graph);
    std::size_t next = 0;
    for (std::size_t a = 0; a < program.elements.size(); ++a)
      if (!columns[a].empty()) moment_gradients[a] = gradients[next++];
  }

  /// Frame energies, forces and virials in eV and A.
  void collect() {
    const double scale = program.normalisation.energy_scale;
    forces.assign(3 * static_cast<std::size_t>(first_atom.back()), T(0));
    virials.assign(9 * frames.size(), 0.0);
    frame_energies.assign(frames.size(), 0.0);
    for (std::size_t a = 0; a < program.elements.size(); ++a) {
      if (columns[a].empty()) continue;
      const at::Tensor gradient = moment_gradients[a].detach().contiguous();
      add_forces<T>(program.elements[a].edges, columns[a], scratch, gradient.template data_ptr<T>(), forces, virials);
      const T* e = energies[a].template data_ptr<T>();
      for (std::size_t i = 0; i < columns[a].size(); ++i)
        frame_energies[static_cast<std::size_t>(columns[a][i].frame)] += scale * static_cast<double>(e[i]);
    }
    for (T& f : forces) f *= static_cast<T>(scale);
    for (double& w : virials) w *= scale;
  }

  /// Error sums of the frames, and dL/dE, dL/dF, dL/dW in the gradient arrays (times the energy scale).
  LossSums compare(const LossScale& scale) {
    force_gradient.assign(forces.size(), T(0));
    virial_gradient.assign(virials.size(), T(0));
    energy_gradient.assign(frames.size(), T(0));
    LossSums sums;
    for (std::size_t f = 0; f < frames.size(); ++f) sums.add(compare_frame(f, scale));
    return sums;
  }

  LossSums compare_frame(std::size_t f, const LossScale& scale) {
    const LabelledFrame<T>& frame = frames[f];
    const double unit = program.normalisation.energy_scale;
    const double weight = frame.weight / scale.frames, atoms = static_cast<double>(frame.species.size());
    LossSums sums;
    double finite = frame_energies[f];
    if (frame.energy) {
      const double error = (frame_energies[f] - *frame.energy) / atoms;
      sums.energy_squares = error * error;
      sums.energies = 1;
      const Penalty p = penalty(scale.energy, error, scale.robust);
      sums.loss += weight * p.value;
      energy_gradient[f] = static_cast<T>(unit * weight * p.slope / atoms);
    }
    const auto first = 3 * static_cast<std::size_t>(first_atom[f]);
    if (!frame.forces.empty()) {
      const double share = weight / (3 * atoms);
      double penalties = 0;
      for (std::size_t i = 0; i < frame.forces.size(); ++i)
        for (int k = 0; k < 3; ++k) {
          const std::size_t at = first + 3 * i + static_cast<std::size_t>(k);
          const double error = static_cast<double>(forces[at]) - frame.forces[i][k];
          sums.force_squares += error * error;
          const Penalty p = penalty(scale.force, error, scale.robust);
          penalties += p.value;
          force_gradient[at] = static_cast<T>(unit * share * p.slope);
        }
      sums.force_components = 3 * atoms;
      sums.loss += share * penalties;
    }
    if (frame.virial) compare_virial(f, weight / 6, scale, sums);
    for (std::size_t k = first; k < first + 3 * frame.species.size(); ++k) finite += static_cast<double>(forces[k]);
    if (!std::isfinite(finite) || !std::isfinite(sums.loss)) sums.bad_frame = static_cast<double>(frame.index);
    return sums;
  }

  /// Mean over six components: each of the two equal off-diagonal ones counts half.
  void compare_virial(std::size_t f, double weight, const LossScale& scale, LossSums& sums) {
    const double atoms = static_cast<double>(frames[f].species.size()), unit = program.normalisation.energy_scale;
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) {
        const std::size_t at = 9 * f + static_cast<std::size_t>(3 * i + k);
        const double share = i == k ? 1.0 : 0.5, error = (virials[at] - (*frames[f].virial)[i][k]) / atoms;
        sums.stress_squares += share * error * error;
        const Penalty p = penalty(scale.stress, error, scale.robust);
        sums.loss += weight * share * p.value;
        virial_gradient[at] = static_cast<T>(unit * weight * share * p.slope / atoms);
      }
    sums.stress_components = 6;
  }

  /// dL/dparameters: energies and moment gradients are the roots, with the loss's derivatives as incoming gradients.
  void backward(std::span<T> out) {
    std::vector<at::Tensor> roots, incoming, inputs;
    std::vector<Index> offsets;
    for (std::size_t a = 0; a < program.elements.size(); ++a) {
      if (columns[a].empty()) continue;
      const auto n = static_cast<Index>(columns[a].size());
      at::Tensor energy_in = at::empty({1, n}, options<T>()), tangents = at::empty_like(moment_gradients[a]);
      for (Index i = 0; i < n; ++i)
        energy_in.template data_ptr<T>()[i] =
            energy_gradient[static_cast<std::size_t>(columns[a][static_cast<std::size_t>(i)].frame)];
      sum_tangents<T>(program.elements[a].edges, columns[a], scratch, force_gradient, virial_gradient,
                      tangents.template data_ptr<T>());
      roots.insert(roots.end(), {energies[a], moment_gradients[a]});
      incoming.insert(incoming.end(), {energy_in, tangents});
      const ElementSlice& slice = program.layout.elements[a];
      if (slice.mixing >= 0) {
        inputs.push_back(leaves[a].mixing);
        offsets.push_back(slice.mixing);
      }
      for (std::size_t k = 0; k < slice.layers.size(); ++k) {
        inputs.insert(inputs.end(), {leaves[a].weights[k], leaves[a].biases[k]});
        offsets.insert(offsets.end(), {slice.layers[k].weights, slice.layers[k].bias});
      }
      if (slice.linear >= 0) {
        inputs.push_back(leaves[a].linear);
        offsets.push_back(slice.linear);
      }
    }
    const auto gradients = torch::autograd::grad(roots, inputs, incoming, false, false, /*allow_unused=*/true);
    std::fill(out.begin(), out.end(), T(0));
    for (std::size_t k = 0; k < gradients.size(); ++k) {
      if (!gradients[k].defined()) continue;
      const at::Tensor g = gradients[k].contiguous();
      std::copy_n(g.template data_ptr<T>(), g.numel(), out.begin() + offsets[k]);
    }
  }

  /// Features along a change of the moments.
  [[nodiscard]] at::Tensor feature_tangents(std::size_t a, const at::Tensor& tangents) const {
    const Element& element = program.elements[a];
    const at::Tensor g = term_tangents<T>(leaves[a].mixing, moments[a], tangents, element);
    if (element.summed > 1) return g.view({element.summed, element.features, g.size(1)}).sum(0);
    if (element.map.empty()) return g;
    return at::mm(wrap(std::span<const T>(element.map), 0, {element.features, g.size(0)}), g);
  }

  /// What the energy is linear in, [columns][n]: the features (where there is a linear path) and the inputs of the last
  /// layer, or with `tangents` their derivatives along that change of the moments.
  [[nodiscard]] at::Tensor linear_inputs(std::size_t a, const at::Tensor& tangents) const {
    const std::vector<LayerSlice>& layers = program.layout.elements[a].layers;
    const bool derivative = tangents.defined();
    at::Tensor x = features_of(a), dx = derivative ? feature_tangents(a, tangents) : at::Tensor();
    std::vector<at::Tensor> parts;
    if (leaves[a].linear.defined()) parts.push_back(derivative ? dx : x);
    for (std::size_t k = 0; k + 1 < layers.size(); ++k) {
      const at::Tensor z = at::addmm(leaves[a].biases[k], leaves[a].weights[k], x);
      if (derivative) dx = at::mm(leaves[a].weights[k], dx) * activation_slope(z, layers[k].activation);
      x = activate(z, layers[k].activation);
    }
    parts.push_back(derivative ? dx : x);
    return at::cat(parts);
  }

  /// Appends a row: the sums over centres of linear_inputs() of every element and `bias` times its centres, all times
  /// `factor`, and the target.
  void append_row(const std::vector<at::Tensor>& tangents, double factor, double target, std::vector<double>& rows) {
    for (std::size_t a = 0; a < program.elements.size(); ++a) {
      const auto n = static_cast<std::size_t>(linear_columns(program.layout.elements[a]));
      const bool energy = tangents.empty();
      if (columns[a].empty()) {
        rows.insert(rows.end(), n, 0.0);
        continue;
      }
      const at::Tensor sum =
          linear_inputs(a, energy ? at::Tensor() : tangents[a]).to(torch::kFloat64).sum(1).mul(factor);
      rows.insert(rows.end(), sum.data_ptr<double>(), sum.data_ptr<double>() + n - 1);
      rows.push_back(energy ? factor * static_cast<double>(columns[a].size()) : 0.0);
    }
    rows.push_back(target);
  }

  /// Labels of the one frame besides its energy.
  [[nodiscard]] Index components() const {
    return static_cast<Index>(3 * frames.front().forces.size()) + (frames.front().virial ? 9 : 0);
  }

  /// One component, or the sum of all with random signs.
  struct Combination {
    Index only = -1;  ///< negative: all
    RandomSequence* random = nullptr;
    double share = 1;
  };

  /// Fills the gradient arrays with the roots of the loss's weights of a combination, for one frame; returns the same
  /// combination of what forces and virial are short of.
  double draw_combination(const LossScale& scale, const Combination& which) {
    const LabelledFrame<T>& frame = frames.front();
    const double atoms = static_cast<double>(frame.species.size());
    double target = 0;
    Index next = 0;
    const auto draw = [&](double weight, double part, double missing) {
      if (which.only >= 0 && which.only != next++) return 0.0;
      const double sign = which.only < 0 && which.random->uniform() < 0.5 ? -1.0 : 1.0;
      const double slope = penalty(weight, missing, scale.robust).slope;
      const double effective = missing != 0 ? slope / (2 * missing) : weight;  // of the square with this slope
      const double factor = sign * std::sqrt(which.share * part * effective);
      target += factor * missing;
      return factor;
    };
    force_gradient.assign(3 * frame.species.size(), T(0));
    virial_gradient.assign(9, T(0));
    if (!frame.forces.empty())
      for (std::size_t k = 0; k < force_gradient.size(); ++k) {
        const double missing = frame.forces[k / 3][static_cast<int>(k % 3)] - static_cast<double>(forces[k]);
        force_gradient[k] = static_cast<T>(draw(scale.force, 1 / (3 * atoms), missing));
      }
    if (frame.virial)
      for (int i = 0; i < 3; ++i)
        for (int k = 0; k < 3; ++k) {
          const auto at = static_cast<std::size_t>(3 * i + k);
          const double missing = ((*frame.virial)[i][k] - virials[at]) / atoms;
          virial_gradient[at] = static_cast<T>(draw(scale.stress, (i == k ? 1.0 : 0.5) / 6, missing) / atoms);
        }
    return target;
  }

  /// See ShardEvaluator::linear_rows(); for the one frame that is assigned and evaluated.
  std::vector<double> linear_rows(const LossScale& scale, Index draws, std::uint64_t seed) {
    const at::NoGradGuard no_graph;
    const LabelledFrame<T>& frame = frames.front();
    const double unit = program.normalisation.energy_scale, weight = frame.weight / scale.frames;
    const double atoms = static_cast<double>(frame.species.size());
    for (at::Tensor& m : moments)
      if (m.defined()) m = m.detach();
    std::vector<double> rows;
    if (frame.energy) {
      const double missing = (*frame.energy - frame_energies.front()) / atoms;
      const double slope = penalty(scale.energy, missing, scale.robust).slope;
      const double factor = std::sqrt(weight * (missing != 0 ? slope / (2 * missing) : scale.energy));
      append_row({}, factor * unit / atoms, factor * missing, rows);
    }
    if (frame.forces.empty() && !frame.virial) return rows;
    RandomSequence random(seed, Stream::weight_init, 3000000 + static_cast<std::uint64_t>(frame.index));
    const bool all = draws >= components();
    const Index count = all ? components() : draws;
    for (Index draw = 0; draw < count; ++draw) {
      const double target = draw_combination(
          scale,
          {.only = all ? draw : -1, .random = &random, .share = all ? weight : weight / static_cast<double>(count)});
      std::vector<at::Tensor> tangents(program.elements.size());
      for (std::size_t a = 0; a < tangents.size(); ++a) {
        if (columns[a].empty()) continue;
        tangents[a] = at::empty_like(moments[a]);
        sum_tangents<T>(program.elements[a].edges, columns[a], scratch, force_gradient, virial_gradient,
                        tangents[a].template data_ptr<T>());
      }
      append_row(tangents, unit, target, rows);
    }
    return rows;
  }

  /// Frees the graph: it holds most of the memory.
  void release() {
    moments.clear();
    energies.clear();
    moment_gradients.clear();
    leaves.clear();
  }
};

template <class T>
ShardEvaluator<T>::ShardEvaluator(const TrainingProgram<T>& program) : work_(std::make_unique<Work>(program)) {}
template <class T>
ShardEvaluator<T>::~ShardEvaluator() = default;
template <class T>
ShardEvaluator<T>::ShardEvaluator(ShardEvaluator&&) noexcept = default;

template <class T>
LossSums ShardEvaluator<T>::gradient(std::span<const LabelledFrame<T>> frames, std::span<const T> parameters,
                                     const LossScale& scale, std::span<T> gradient) {
  std::fill(gradient.begin(), gradient.end(), T(0));
  if (frames.empty()) return {};
  work_->assign(frames);
  work_->wrap_parameters(parameters, true);
  work_->sum_all_moments();
  work_->forward(true);
  work_->collect();
  const LossSums sums = work_->compare(scale);
  if (sums.bad_frame < 0) work_->backward(gradient);
  work_->release();
  return sums;
}

template <class T>
LossSums ShardEvaluator<T>::errors(std::span<const LabelledFrame<T>> frames, std::span<const T> parameters,
                                   const LossScale& scale) {
  if (frames.empty()) return {};
  work_->assign(frames);
  work_->wrap_parameters(parameters, false);
  work_->sum_all_moments();
  work_->forward(false);
  work_->collect();
  work_->release();
  return work_->compare(scale);
}

template <class T>
std::vector<Prediction> ShardEvaluator<T>::predict(std::span<const LabelledFrame<T>> frames,
                                                   std::span<const T> parameters) {
  (void)errors(frames, parameters, {});
  std::vector<Prediction> predictions(frames.size());
  for (std::size_t f = 0; f < frames.size(); ++f) {
    predictions[f].energy = work_->frame_energies[f];
    for (auto i = work_->first_atom[f]; i < work_->first_atom[f + 1]; ++i) {
      const T* force = work_->forces.data() + 3 * static_cast<std::size_t>(i);
      predictions[f].forces.push_back(
          {static_cast<double>(force[0]), static_cast<double>(force[1]), static_cast<double>(force[2])});
    }
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k)
        predictions[f].virial[i][k] = work_->virials[9 * f + static_cast<std::size_t>(3 * i + k)];
  }
  return predictions;
}

template <class T>
std::vector<FeatureSample> ShardEvaluator<T>::features(std::span<const LabelledFrame<T>> frames,
                                                       std::span<const T> parameters) {
  const at::NoGradGuard no_graph;
  work_->assign(frames);
  work_->wrap_parameters(parameters, false);
  work_->sum_all_moments();
  std::vector<FeatureSample> samples;
  for (std::size_t a = 0; a < work_->program.elements.size(); ++a) {
    FeatureSample sample{.features = work_->program.elements[a].features,
                         .atoms = static_cast<Index>(work_->columns[a].size()),
                         .values = {}};
    if (sample.atoms > 0) {
      const at::Tensor g = work_->features_of(a).contiguous();
      sample.values.assign(g.template data_ptr<T>(), g.template data_ptr<T>() + g.numel());
    }
    samples.push_back(std::move(sample));
  }
  work_->release();
  return samples;
}

template <class T>
std::vector<double> ShardEvaluator<T>::linear_rows(const LabelledFrame<T>& frame, std::span<const T> parameters,
                                                   const LossScale& scale, const LinearDraws& draws) {
  work_->assign(std::span(&frame, 1));
  work_->wrap_parameters(parameters, false);
  work_->sum_all_moments();
  work_->forward(false);
  work_->collect();
  std::vector<double> rows = work_->linear_rows(scale, draws.count, draws.seed);
  work_->release();
  return rows;
}

template class ShardEvaluator<float>;
template class ShardEvaluator<double>;

}  // namespace haven::training
