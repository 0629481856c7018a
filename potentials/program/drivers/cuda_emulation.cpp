#include "potentials/program/drivers/cuda_emulation.hpp"

#include <algorithm>
#include <cstring>

#include "potentials/descriptor.hpp"
#include "potentials/program/compile.hpp"
#include "potentials/program/drivers/cuda_centre.hpp"
#include "potentials/program/drivers/cuda_evaluator.hpp"
#include "potentials/program/drivers/cuda_totals.hpp"

namespace haven::gpu {
namespace {

template <class T, int LMax>
void evaluate_grid(const EvaluationView<T>& e, const ScratchLayout& layout, const EmulationOptions& options,
                   std::vector<Four<double>>& memory) {
  const HostWarp warp(options.lanes);
  const Index warps = Index{options.warps_per_block} * options.blocks;
  memory.resize(static_cast<std::size_t>(layout.bytes) / sizeof(Four<double>) + 1);
  auto* bytes = reinterpret_cast<unsigned char*>(memory.data());
  for (Index w = 0; w < warps; ++w)
    for (Index k = w; k < e.n_centres; k += warps) {
      std::memset(bytes, 0xff, memory.size() * sizeof(Four<double>));
      evaluate_centre<T, LMax>(e, warp, e.order[k], Scratch<T>(bytes, layout));
    }
}

template <class T>
class Emulation final : public Executor {
 public:
  Emulation(const Program& program, const EmulationOptions& options)
      : image_(make_image<T>(program)), layout_(make_layout<T>(image_.needs)), options_(options) {}

  [[nodiscard]] Staging prepare(const StagingSizes& sizes) override {
    atoms_.resize(sizes.atoms);
    order_.resize(sizes.centres);
    forces_.assign(sizes.atoms, {});
    energies_.assign(sizes.centres, 0.0);
    virials_.assign(9 * sizes.centres, 0.0);
    remarks_.assign(sizes.centres, 0);
    atom_virials_.assign(wants(sizes.wanted, Wanted::atom_virials) ? sizes.atoms : 0, {});
    return {.atoms = atoms_,
            .order = order_,
            .forces = forces_,
            .atom_virials = atom_virials_,
            .energies = energies_,
            .remarks = remarks_};
  }

  [[nodiscard]] Totals run(const NeighbourView& list, ListState, Wanted wanted) override {
    const EvaluationView<T> e{.program = image_.view(),
                              .atoms = atoms_.data(),
                              .offsets = list.offsets.data(),
                              .entry_atom = list.atom.data(),
                              .entry_shift = list.shift.data(),
                              .translations = list.translations.data(),
                              .order = order_.data(),
                              .n_centres = static_cast<Index>(order_.size()),
                              .wanted = wanted,
                              .forces = forces_.data(),
                              .atom_virials = atom_virials_.data(),
                              .energies = energies_.data(),
                              .virials = virials_.data(),
                              .remarks = remarks_.data()};
    switch (options_.kernel == EmulationOptions::Kernel::general ? -1 : kernel_reach(image_.l_max)) {
      case 3:
        evaluate_grid<T, 3>(e, layout_, options_, memory_);
        break;
      case 4:
        evaluate_grid<T, 4>(e, layout_, options_, memory_);
        break;
      case 5:
        evaluate_grid<T, 5>(e, layout_, options_, memory_);
        break;
      case 8:
        evaluate_grid<T, 8>(e, layout_, options_, memory_);
        break;
      default:
        evaluate_grid<T, -1>(e, layout_, options_, memory_);
    }
    Totals totals;
    const HostWarp warp(options_.lanes);
    const Index warps = Index{options_.warps_per_block} * options_.blocks;
    for (Index w = 0; w < warps; ++w) add_totals(e, warp, w * warp_size, warps * warp_size, totals);
    return totals;
  }

 private:
  ProgramImage<T> image_;
  ScratchLayout layout_;
  EmulationOptions options_;
  std::vector<PackedAtom> atoms_;
  std::vector<std::int32_t> order_;
  std::vector<FixedVec3> forces_;
  std::vector<FixedMat3> atom_virials_;
  std::vector<double> energies_, virials_;
  std::vector<unsigned char> remarks_;
  std::vector<Four<double>> memory_;
};

}  // namespace

std::unique_ptr<Potential> make_emulated_potential(const Model& model, Precision precision,
                                                   const EmulationOptions& options) {
  const Descriptor descriptor = describe(model);
  const Program program = compile(descriptor, model, table_tolerance(precision));
  std::unique_ptr<Executor> executor;
  if (precision == Precision::float64) {
    executor = std::make_unique<Emulation<double>>(program, options);
  } else {
    executor = std::make_unique<Emulation<float>>(program, options);
  }
  return std::make_unique<WarpPotential>(std::move(executor), requirements_of(model),
                                         describe_model(model, descriptor, precision, "emulated CUDA"));
}

}  // namespace haven::gpu
