#include "potentials/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/species.hpp"
#include "potentials/lowerings/behler_parrinello.hpp"
#include "potentials/lowerings/chebyshev.hpp"
#include "potentials/lowerings/deeppot_se.hpp"
#include "potentials/lowerings/moment.hpp"
#include "potentials/lowerings/n2p2.hpp"
#include "potentials/lowerings/nep.hpp"
#include "potentials/lowerings/pair_table.hpp"
#include "potentials/program/drivers/cpu_scalar.hpp"
#include "potentials/program/drivers/cpu_simd.hpp"

namespace haven {
namespace {

/// A kind of potential: its name in model files, its lowering, and the parameters of a new one.
struct Kind {
  const char* name;
  Descriptor (*describe)(const Model& model);
  void (*initialise)(Model& model, const DescriptorOptions& options, std::uint64_t seed);  ///< null: cannot be trained
};

constexpr std::array<Kind, 8> kinds{{
    {"moment", describe_moment, initialise_moment},
    {"behler-parrinello", describe_behler_parrinello,
     [](Model& model, const DescriptorOptions& options, std::uint64_t) {
       initialise_behler_parrinello(model, options);
     }},
    {"chebyshev", describe_chebyshev,
     [](Model& model, const DescriptorOptions& options, std::uint64_t) { initialise_chebyshev(model, options); }},
    {"deeppot-se", describe_deeppot_se, initialise_deeppot_se},
    {"deeppot-se-r", describe_deeppot_se, initialise_deeppot_se},
    // Imported only.
    {"n2p2", describe_n2p2, nullptr},
    {"nep", describe_nep, nullptr},
    {"pair-table", describe_pair_table, nullptr},
}};

const Kind* find_kind(const std::string& name) {
  for (const Kind& kind : kinds)
    if (name == kind.name) return &kind;
  return nullptr;
}

enum class Which { all, trainable };

std::string kind_names(Which which) {
  std::string names;
  for (const Kind& kind : kinds)
    if (which == Which::all || kind.initialise != nullptr)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
  return names;
}

void check_elements(const Model& model) {
  for (std::size_t a = 0; a < model.elements.size(); ++a) {
    const int number = model.elements[a].number;
    if (number < 1 || number > max_atomic_number)
      throw ModelError(fmt::format("atomic number {} does not exist", number), fmt::format("element {}", a),
                       "The model file is damaged; train or convert it again.");
    for (std::size_t b = 0; b < a; ++b)
      if (model.elements[b].number == number)
        throw ModelError(fmt::format("{} is listed twice", element_symbol(number)), fmt::format("element {}", a),
                         "The model file is damaged; train or convert it again.");
  }
}

void check_model(const Model& model) {
  if (model.repulsion != "none" && model.repulsion != "zbl")
    throw ModelError(fmt::format("the repulsion \"{}\" is unknown", model.repulsion), "repulsion",
                     "It is none or zbl.");
  if (!(model.minimum_distance >= 0 && model.minimum_distance < model.cutoff))
    throw ModelError(
        fmt::format("the minimum distance is {} A for a cut-off of {} A", model.minimum_distance, model.cutoff),
        "minimum_distance", "It lies between 0 and the cut-off.");
}

}  // namespace

Descriptor describe(const Model& model) {
  const Kind* kind = find_kind(model.kind);
  if (kind == nullptr)
    throw ModelError(fmt::format("this version of Haven has no potential of kind \"{}\" (it has {})", model.kind,
                                 kind_names(Which::all)),
                     "kind", "Use the version that wrote the model, or convert it.");
  check_elements(model);
  return kind->describe(model);
}

std::unique_ptr<Potential> make_potential(const Model& model, Precision precision, Backend backend) {
  check_model(model);
  if (backend == Backend::reference) return reference::make_reference_potential(model);
  return make_vectorised_potential(model, precision);
}

std::unique_ptr<Potential> make_potential(const Model& model, Precision precision, const CudaOptions& options) {
  check_model(model);
  return make_cuda_potential(model, precision, options);
}

Model new_model(const DescriptorOptions& options, const std::vector<int>& elements, std::uint64_t seed) {
  const Kind* kind = find_kind(options.kind);
  if (kind == nullptr || kind->initialise == nullptr)
    throw ConfigError(kind == nullptr ? fmt::format("there is no model kind \"{}\"", options.kind)
                                      : fmt::format("a {} model can be imported but not trained", options.kind),
                      "model.kind", fmt::format("Choose one of {}.", kind_names(Which::trainable)));
  if (!(options.cutoff > 1.5 && options.cutoff < 50))
    throw ConfigError(fmt::format("a cut-off of {} A", options.cutoff), "model.cutoff",
                      "Choose a value between 1.5 and 50 A.");
  Model model{.kind = options.kind,
              .cutoff = options.cutoff,
              .minimum_distance = 0,
              .repulsion = "none",
              .elements = {},
              .parameters = {},
              .provenance = {}};
  std::vector<int> sorted(elements);
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  for (const int number : sorted) {
    ModelElement element;
    element.number = number;
    element.mass = standard_mass(number);
    model.elements.push_back(std::move(element));
  }
  kind->initialise(model, options, seed);
  return model;
}

}  // namespace haven
