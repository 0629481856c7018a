#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "analysis/symmetry.hpp"
#include "app/commands.hpp"
#include "app/options.hpp"
#include "app/threads.hpp"
#include "core/units.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "io/poscar.hpp"
#include "io/structure_file.hpp"
#include "md/mean_cell.hpp"
#include "md/relax.hpp"
#include "potentials/registry.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

RelaxOptions options_of(const RelaxArguments& arguments) {
  return {.method = arguments.method == "fire" ? RelaxMethod::fire : RelaxMethod::lbfgs,
          .cell = arguments.cell == "fixed"         ? RelaxedCell::fixed
                  : arguments.cell == "isotropic"   ? RelaxedCell::isotropic
                  : arguments.cell == "anisotropic" ? RelaxedCell::anisotropic
                                                    : RelaxedCell::triclinic,
          .pressure = arguments.pressure / units::ev_per_a3_in_gpa,
          .force_tolerance = arguments.force_tolerance,
          .stress_tolerance = arguments.stress_tolerance / units::ev_per_a3_in_gpa,
          .max_steps = arguments.max_steps};
}

Json json_of(const RelaxStep& step) {
  return {{"energy_eV", step.energy},
          {"enthalpy_eV", step.enthalpy},
          {"max_force_eV_per_A", step.max_force},
          {"max_stress_GPa", step.max_stress * units::ev_per_a3_in_gpa},
          {"volume_A3", step.volume}};
}

Json json_of(const Cell& cell) {
  const LatticeParameters p = lattice_parameters(cell.vectors());
  return {{"lengths_A", {p.lengths.x, p.lengths.y, p.lengths.z}}, {"angles_deg", {p.angles.x, p.angles.y, p.angles.z}}};
}

Json json_of(const std::optional<SpaceGroup>& group) {
  if (!group) return nullptr;
  return {{"number", group->number},
          {"symbol", group->symbol},
          {"operations", group->operations},
          {"inequivalent_atoms", group->inequivalent}};
}

/// What the minimisation did to the symmetry; a start of high symmetry can be a saddle point, which forces do not show.
std::string symmetry_text(const std::optional<SpaceGroup>& before, const std::optional<SpaceGroup>& after) {
  const std::string change = fmt::format("space group {} -> {}", describe(before), describe(after));
  if (!before || !after || before->number == 1 || after->operations < before->operations) return change;
  return after->operations > before->operations ? change + ": it has gained symmetry"
                                                : change + "; forces keep the symmetry of the start";
}

void write_structure(const std::string& path, const Structure& structure, const RelaxStep& last) {
  if (!path.ends_with(".xyz") && !path.ends_with(".extxyz"))
    return write_poscar(path, structure, fmt::format("{} relaxed by {}", composition(structure), version_text()));
  Frame frame;
  frame.structure = structure;
  frame.energy = last.energy;
  write_extxyz(path, std::span<const Frame>(&frame, 1));
}

std::string describe(const RelaxStep& step) {
  return fmt::format("step {:4}  E {:.6f} eV  max|F| {:.4f} eV/A  max stress {:.3f} GPa  V {:.3f} A^3", step.step,
                     step.energy, step.max_force, step.max_stress * units::ev_per_a3_in_gpa, step.volume);
}

}  // namespace

ExitCode relax_structure(Session& session, const RelaxArguments& arguments) {
  const std::string outcome = from_root(session.world, [&] {
    const Model model = read_model(arguments.model, &session.log);
    const auto potential = make_potential(model, Precision::float64);
    const Structure start = read_structure(arguments.structure);
    use_threads_for(start.size());
    const RelaxResult result = relax(*potential, start, options_of(arguments), [&](const RelaxStep& step) {
      if (step.step % 20 == 0) session.log.progress(describe(step));
    });
    session.log.info(describe(result.first));
    session.log.info(describe(result.last));
    const auto before = space_group(start, arguments.symmetry_tolerance),
               after = space_group(result.structure, arguments.symmetry_tolerance);
    session.log.info(symmetry_text(before, after));
    session.log.info(result.converged ? "converged" : "NOT converged: allow more steps, or a coarser tolerance");
    if (!arguments.output.empty()) {
      write_structure(arguments.output, result.structure, result.last);
      session.log.info("wrote " + arguments.output);
    } else if (arguments.json != "-") {
      std::fputs(poscar_text(result.structure, composition(result.structure) + " relaxed").c_str(), stdout);
    }
    write_json(arguments.json, Json{{"model", arguments.model},
                                    {"model_hash", model_hash(model)},
                                    {"structure", arguments.structure},
                                    {"converged", result.converged},
                                    {"steps", result.last.step},
                                    {"pressure_GPa", arguments.pressure},
                                    {"before", json_of(result.first)},
                                    {"after", json_of(result.last)},
                                    {"method", arguments.method},
                                    {"space_group_before", json_of(before)},
                                    {"space_group_after", json_of(after)},
                                    {"symmetry_tolerance_A", arguments.symmetry_tolerance},
                                    {"cell_before", json_of(start.cell)},
                                    {"cell_after", json_of(result.structure.cell)}}
                                   .dump(2));
    return std::string(result.converged ? "converged" : "open");
  });
  return outcome == "converged" ? ExitCode::ok : ExitCode::not_determined;
}

}  // namespace haven
