#include "io/vasp_run.hpp"

#include <algorithm>
#include <cmath>

#include "core/species.hpp"
#include "core/units.hpp"
#include "io/cursor.hpp"

namespace haven {

Scf scf_verdict(const VaspSettings& settings, const ScfLoop& loop) {
  if (loop.stated_unconverged) return Scf::stated;
  if (loop.steps == 0) return Scf::unknown;
  if (loop.steps < settings.nelm) return Scf::converged;
  const bool energy = loop.energy_change && std::abs(*loop.energy_change) < settings.ediff;
  const bool eigenvalues = !loop.eigenvalue_change || std::abs(*loop.eigenvalue_change) < settings.ediff;
  return energy && eigenvalues ? Scf::converged_last : Scf::nelm_reached;
}

Mat3 stress_from_kbar(const std::array<double, 6>& kbar) {
  const auto [xx, yy, zz, xy, yz, zx] = kbar;
  const Mat3 pressure{{{{xx, xy, zx}, {xy, yy, yz}, {zx, yz, zz}}}};
  return (-1.0 / units::ev_per_a3_in_kbar) * pressure;
}

/// The thermostat's target: TEBEG, or on the line from TEBEG to TEEND over NSW steps.
static double target_temperature(const VaspStep& step, const VaspSettings& settings) {
  if (settings.teend == settings.tebeg || settings.nsw < 2) return settings.tebeg;
  const double progress = static_cast<double>(step.index) / static_cast<double>(settings.nsw - 1);
  return settings.tebeg + (settings.teend - settings.tebeg) * std::min(1.0, progress);
}

Frame frame_of_step(const VaspStep& step, const VaspSettings& settings, EnergyKind energy, const std::string& path) {
  Frame frame;
  frame.structure = {.cell = Cell(step.lattice), .numbers = settings.numbers, .positions = step.positions};
  frame.energy = energy == EnergyKind::free ? step.free_energy : step.energy_sigma0;
  frame.forces = step.forces;
  if (step.stress_kbar) frame.stress = stress_from_kbar(*step.stress_kbar);
  if (settings.ibrion == 0 && settings.tebeg > 0) frame.temperature = target_temperature(step, settings);
  frame.trajectory = path;
  frame.source = {.path = path, .index = step.index, .code = settings.code()};
  return frame;
}

int element_of_potential(std::string_view name) {
  name = trimmed(name);
  std::size_t length = 0;
  while (length < name.size() && length < 3 &&
         ((name[length] >= 'A' && name[length] <= 'Z') || (name[length] >= 'a' && name[length] <= 'z')))
    ++length;
  const std::string_view symbol = name.substr(0, length);
  const std::string_view suffix = name.substr(length);
  const bool suffix_allowed = suffix.empty() || suffix[0] == '_' || suffix[0] == '.' || suffix[0] == '/' ||
                              (suffix[0] >= '0' && suffix[0] <= '9');
  if (!suffix_allowed) return 0;
  if (symbol == "r") return atomic_number("Zr");  // VASP 5 cuts "Zr" to "r" in vasprun.xml
  if (symbol == "X") return atomic_number("Xe");  // and writes Xe as "X"
  return atomic_number(symbol);
}

}  // namespace haven
