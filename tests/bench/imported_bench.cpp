// CPU time per atom and step of a potential on a structure, one core, without list builds:
//   imported_bench SOURCE STRUCTURE [mixed|double [repeats]]
// SOURCE is a model file, nep:FILE, aenet:FILE,FILE..., n2p2:FOLDER (bohr, hartree) or n2p2-ev:FOLDER (angstrom, eV).
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <string>

#include "io/aenet_potential.hpp"
#include "io/model_file.hpp"
#include "io/n2p2_potential.hpp"
#include "io/nep_potential.hpp"
#include "io/structure_file.hpp"
#include "potentials/registry.hpp"
#include "potentials/structure_evaluation.hpp"

namespace {

haven::Model model_of(const std::string& source) {
  using namespace haven;
  const std::size_t colon = source.find(':');
  if (colon == std::string::npos) return read_model(source);
  const std::string format = source.substr(0, colon), rest = source.substr(colon + 1);
  if (format == "nep") return read_nep(rest);
  if (format == "n2p2") return read_n2p2(rest, PotentialUnits::bohr_hartree);
  if (format == "n2p2-ev") return read_n2p2(rest, PotentialUnits::angstrom_ev);
  std::vector<std::string> files;
  for (std::size_t at = 0; at <= rest.size();) {
    const std::size_t end = std::min(rest.find(',', at), rest.size());
    files.push_back(rest.substr(at, end - at));
    at = end + 1;
  }
  return read_aenet(files);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace haven;
  if (argc < 3) {
    fmt::print("imported_bench SOURCE STRUCTURE [mixed|double [repeats]]\n");
    return 2;
  }
  const Precision precision = argc > 3 && argv[3] == std::string("double") ? Precision::float64 : Precision::mixed;
  const int repeats = argc > 4 ? std::stoi(argv[4]) : 10;
  omp_set_num_threads(1);
  const Model model = model_of(argv[1]);
  const Structure s = read_structure(argv[2]);
  const auto potential = make_potential(model, precision);
  const auto n = static_cast<std::size_t>(s.size());
  const double cutoff = potential->requirements().cutoff;
  const std::vector<int> species = species_indices(s.numbers, potential->requirements().elements);
  std::vector<AtomId> ids(n);
  std::iota(ids.begin(), ids.end(), AtomId{0});
  const LocalAtoms atoms{.positions = s.positions, .ids = ids, .species = species, .n_centres = s.size()};
  NeighbourList list;
  list.build(s.cell, atoms, cutoff + 1.0);
  std::vector<FixedVec3> forces(n);
  double best = 1e300;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    std::fill(forces.begin(), forces.end(), FixedVec3{});
    Evaluation out{.forces = forces,
                   .energy = {},
                   .virial = {},
                   .atom_energies = {},
                   .atom_virials = {},
                   .fault = EvaluationFault::none,
                   .fault_atom = -1,
                   .extrapolating = 0};
    const std::clock_t begin = std::clock();
    potential->evaluate(atoms, list.view(), Wanted::forces, out);
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  Index within = 0;
  const NeighbourView view = list.view();
  for (Index i = 0; i < s.size(); ++i)
    for (Index e = view.offsets[static_cast<std::size_t>(i)]; e < view.offsets[static_cast<std::size_t>(i) + 1]; ++e)
      within += norm(view.displacement(s.positions, i, e)) < cutoff ? 1 : 0;
  fmt::print("{}: {} atoms, {:.1f} neighbours, {:.2f} us per atom and step\n", potential->description(), n,
             static_cast<double>(within) / static_cast<double>(n), best * 1e6 / static_cast<double>(n));
}
