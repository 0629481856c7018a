#include "potentials/program/drivers/cpu_scalar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "potentials/program/centre_loop.hpp"

namespace haven::reference {
namespace {

class ReferencePotential final : public Potential {
 public:
  ReferencePotential(const Model& model, RadialSource source)
      : model_(model),
        descriptor_(describe(model)),
        program_(compile(descriptor_, model, 1e-10)),
        tables_(descriptor_, program_),
        source_(source) {
    requirements_.cutoff = model.cutoff;
    requirements_.minimum_distance = model.minimum_distance;
    requirements_.members = model.members();
    for (const ModelElement& element : model.elements) requirements_.elements.push_back(element.number);
  }

  [[nodiscard]] const Requirements& requirements() const override { return requirements_; }
  [[nodiscard]] std::string description() const override {
    return fmt::format("{}, scalar reference, double precision", model_.kind);
  }

  void evaluate(const LocalAtoms& atoms, const NeighbourView& list, Wanted wanted, Evaluation& out) const override {
    for_each_centre(atoms, static_cast<int>(model_.elements.size()), wanted, out,
                    [&](Index i, CentreSink& sink) { evaluate_one(atoms, list, i, sink); });
  }

 private:
  void evaluate_one(const LocalAtoms& atoms, const NeighbourView& list, Index i, CentreSink& sink) const {
    const auto centre = static_cast<std::size_t>(i);
    std::vector<Neighbour<double>> neighbours;
    std::vector<std::int32_t> indices;
    std::vector<Vec3> displacements;
    const double cutoff2 = model_.cutoff * model_.cutoff;
    for (Index entry = list.offsets[centre]; entry < list.offsets[centre + 1]; ++entry) {
      const Vec3 d = list.displacement(atoms.positions, i, entry);
      if (norm2(d) >= cutoff2) continue;
      if (!is_finite(d)) {
        sink.report(EvaluationFault::not_finite, atoms.ids[centre]);
        continue;
      }
      const auto j = static_cast<std::size_t>(list.atom[static_cast<std::size_t>(entry)]);
      neighbours.push_back({.species = atoms.species[j], .d = {d.x, d.y, d.z}});
      indices.push_back(static_cast<std::int32_t>(j));
      displacements.push_back(d);
    }
    const int species = atoms.species[centre];
    const std::span<const Neighbour<double>> view(neighbours);
    CentreResult<double> result =
        source_ == RadialSource::closed_form
            ? evaluate_centre<double>(descriptor_, model_, ClosedFormRadial{&descriptor_}, species, view)
            : evaluate_centre<double>(descriptor_, model_, tables_, species, view);
    add_wall(program_.wall, species, view, result);
    for (std::size_t k = 0; k < neighbours.size(); ++k) {
      const auto& g = result.gradient[k];
      sink.add_pair(atoms, i, indices[k], displacements[k], {g[0], g[1], g[2]});
    }
    if (wants(sink.wanted(), Wanted::deviation)) add_deviations(atoms, i, indices, result, sink);
    const CentreProgram& ranges = program_.centres[static_cast<std::size_t>(species)];
    for (std::size_t f = 0; f < ranges.feature_min.size(); ++f)
      if (result.features[f] < ranges.feature_min[f] || result.features[f] > ranges.feature_max[f]) {
        sink.count_extrapolation(i);
        break;
      }
    sink.add_energy(atoms, i, result.energy);
    sink.end_centre(i);
  }

  static void add_deviations(const LocalAtoms& atoms, Index i, const std::vector<std::int32_t>& indices,
                             const CentreResult<double>& result, CentreSink& sink) {
    for (std::size_t m = 0; m + 1 < result.deviations.size(); ++m) {
      const auto& deviation = result.deviations[m];
      sink.add_energy_deviation(atoms, i, static_cast<Index>(m), deviation.energy);
      std::array<std::vector<double>, 3> force;
      for (const auto& g : deviation.gradient)
        for (std::size_t a = 0; a < 3; ++a) force[a].push_back(g[a]);
      sink.add_force_deviations<double>(atoms, i, static_cast<Index>(m),
                                        {.atom = indices.data(),
                                         .x = nullptr,
                                         .y = nullptr,
                                         .z = nullptr,
                                         .force_x = force[0].data(),
                                         .force_y = force[1].data(),
                                         .force_z = force[2].data(),
                                         .count = static_cast<Index>(indices.size())});
    }
  }

  Model model_;
  Descriptor descriptor_;
  Program program_;
  TableRadial tables_;
  RadialSource source_;
  Requirements requirements_;
};

}  // namespace

TableRadial::TableRadial(const Descriptor& descriptor, const Program& program) : program_(&program) {
  for (const CentreDescriptor& centre : descriptor.centres) {
    std::vector<int> order(centre.channel_l_max.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return centre.channel_l_max[static_cast<std::size_t>(a)] > centre.channel_l_max[static_cast<std::size_t>(b)];
    });
    order_.push_back(std::move(order));
  }
}

std::unique_ptr<Potential> make_reference_potential(const Model& model, RadialSource radial_source) {
  return std::make_unique<ReferencePotential>(model, radial_source);
}

}  // namespace haven::reference
