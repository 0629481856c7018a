#include "potentials/committee/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/error.hpp"
#include "core/species.hpp"

namespace haven {
namespace {

/// Why a model does not fit; the caller knows which one it is.
struct Misfit {
  std::string what, remedy;
};

constexpr const char* not_one_descriptor =
    "Members of a committee share one descriptor: train them with the same kind, preset and cut-off and descriptors "
    "that are not trained, or use the models side by side.";

std::vector<const Network*> networks_of(const ModelElement& element) {
  std::vector<const Network*> networks{&element.network};
  for (const Network& network : element.committee) networks.push_back(&network);
  return networks;
}

void check_descriptor(const Model& first, const Model& other) {
  const auto require = [&](bool same, const std::string& what) {
    if (!same) throw Misfit{what + " than that of the first", not_one_descriptor};
  };
  require(other.kind == first.kind, fmt::format("its kind is {}, another", other.kind));
  require(other.cutoff == first.cutoff, fmt::format("its cut-off is {} A, another", other.cutoff));
  require(std::equal(first.elements.begin(), first.elements.end(), other.elements.begin(), other.elements.end(),
                     [](const ModelElement& a, const ModelElement& b) { return a.number == b.number; }),
          "its list of elements is another");
  for (const auto& [name, array] : first.parameters) {
    const auto found = other.parameters.find(name);
    require(
        found != other.parameters.end() && found->second.shape == array.shape && found->second.values == array.values,
        fmt::format("its parameter {} of the descriptor is another", name));
  }
  require(other.parameters.size() == first.parameters.size(), "it has another number of parameters of the descriptor");
  require(other.repulsion == first.repulsion &&
              (first.repulsion != "zbl" || other.minimum_distance == first.minimum_distance),
          "its repulsive wall is another");
}

/// A network of `from` for the features as `to` scales them: (G - s)c = (G - s0)c0 c/c0 + (s0 - s)c.
Network rescaled(const Network& network, const ModelElement& from, const ModelElement& to) {
  Network out = network;
  if (from.feature_shift == to.feature_shift && from.feature_scale == to.feature_scale) return out;
  Layer& layer = out.layers.front();
  const auto inputs = static_cast<std::size_t>(layer.inputs);
  for (std::size_t f = 0; f < inputs; ++f) {
    const double scale = from.feature_scale[f], new_scale = to.feature_scale[f];
    if (new_scale == 0 && scale != 0)
      throw Misfit{fmt::format("feature {} of {} counts in it but not in the first", f, element_symbol(from.number)),
                   "Give another model first."};
    for (std::size_t o = 0; o < static_cast<std::size_t>(layer.outputs); ++o) {
      double& weight = layer.weights[o * inputs + f];
      layer.bias[o] += weight * scale * (to.feature_shift[f] - from.feature_shift[f]);
      if (new_scale != 0) weight *= scale / new_scale;
    }
  }
  return out;
}

/// Moves what the reference energies differ by into the last bias.
void shift_energy(Network& network, double energy, const ModelElement& element) {
  if (energy == 0) return;
  Layer& last = network.layers.back();
  if (last.activation != Activation::identity)
    throw Misfit{fmt::format("the reference energy of {} differs and its network does not end in a linear layer",
                             element_symbol(element.number)),
                 "Train the members with the same reference energies."};
  last.bias.back() += energy;
}

void widen_range(const ModelElement& from, ModelElement& to) {
  if (from.feature_min.empty() || to.feature_min.empty()) {
    to.feature_min.clear();
    to.feature_max.clear();
    return;
  }
  for (std::size_t f = 0; f < to.feature_min.size(); ++f) {
    to.feature_min[f] = std::min(to.feature_min[f], from.feature_min[f]);
    to.feature_max[f] = std::max(to.feature_max[f], from.feature_max[f]);
  }
}

void check_element(const ModelElement& first, const ModelElement& other) {
  const std::string_view symbol = element_symbol(other.number);
  if (other.mass != first.mass)
    throw Misfit{fmt::format("its mass of {} is {} amu, in the first it is {}", symbol, other.mass, first.mass),
                 "Members of a committee move the same atoms; convert or train them with the same masses."};
  for (const Network* network : networks_of(other)) {
    const auto& a = first.network.layers;
    const auto& b = network->layers;
    const bool same =
        !a.empty() && std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Layer& x, const Layer& y) {
          return x.inputs == y.inputs && x.outputs == y.outputs;
        });
    if (!same || other.feature_shift.size() != first.feature_shift.size())
      throw Misfit{fmt::format("the layers of its network for {} are other ones than in the first", symbol),
                   "Members of a committee have networks of the same size; train them with the same [model]."};
  }
}

void add_members(const Model& model, Model& merged) {
  check_descriptor(merged, model);
  merged.minimum_distance = std::min(merged.minimum_distance, model.minimum_distance);
  for (std::size_t a = 0; a < merged.elements.size(); ++a) {
    ModelElement& element = merged.elements[a];
    const ModelElement& other = model.elements[a];
    check_element(element, other);
    for (const Network* network : networks_of(other)) {
      Network& member = element.committee.emplace_back(rescaled(*network, other, element));
      shift_energy(member, other.reference_energy - element.reference_energy, other);
    }
    widen_range(other, element);
  }
}

}  // namespace

Model merge_committee(std::span<const Model> models, std::span<const std::string> names) {
  if (models.size() < 2)
    throw ModelError(fmt::format("a committee of {} model", models.size()), "models", "Give at least two.");
  Model merged = models.front();
  for (std::size_t k = 1; k < models.size(); ++k) {
    try {
      add_members(models[k], merged);
    } catch (const Misfit& misfit) {
      throw ModelError(misfit.what, k < names.size() ? names[k] : fmt::format("model {}", k + 1), misfit.remedy);
    }
  }
  return merged;
}

std::vector<Model> merge_what_fits(std::vector<Model> models) {
  std::vector<Model> merged;
  for (Model& model : models) {
    const bool taken = std::any_of(merged.begin(), merged.end(), [&](Model& committee) {
      try {
        Model larger = committee;
        add_members(model, larger);
        committee = std::move(larger);
        return true;
      } catch (const Misfit&) {
        return false;
      }
    });
    if (!taken) merged.push_back(std::move(model));
  }
  return merged;
}

}  // namespace haven
