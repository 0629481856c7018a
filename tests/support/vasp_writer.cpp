#include "support/vasp_writer.hpp"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "core/species.hpp"
#include "core/units.hpp"

namespace haven::testing {
namespace {

constexpr Index usual_scf_steps = 4;

struct Type {
  int number;
  Index count;
};

std::vector<Type> types_of(const Structure& structure) {
  std::vector<Type> types;
  for (const int number : structure.numbers) {
    if (types.empty() || types.back().number != number) types.push_back({number, 0});
    ++types.back().count;
  }
  return types;
}

/// Fortran's E format: a mantissa below one.
std::string fortran_e(double value, int digits) {
  if (value == 0) return fmt::format("0.{:0>{}}E+00", "", digits);
  int exponent = static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  std::string mantissa = fmt::format("{:.{}f}", std::abs(value) / std::pow(10.0, exponent), digits);
  if (mantissa[0] == '1') {
    ++exponent;
    mantissa = fmt::format("{:.{}f}", std::abs(value) / std::pow(10.0, exponent), digits);
  }
  return fmt::format("{}{}E{}{:02d}", value < 0 ? "-" : "", mantissa, exponent < 0 ? '-' : '+', std::abs(exponent));
}

std::array<double, 6> kbar_of(const Mat3& stress) {
  const double f = -units::ev_per_a3_in_kbar;
  return {f * stress[0].x, f * stress[1].y, f * stress[2].z, f * stress[0].y, f * stress[1].z, f * stress[2].x};
}

Index scf_steps(const VaspRunText& run, Index frame) {
  const bool all = run.unconverged.contains(frame) || run.converged_in_last_step.contains(frame);
  return all ? run.nelm : std::min(usual_scf_steps, run.nelm - 1);
}

/// Change of the total energy in SCF step `step` (1-based) of a loop of `steps`: shrinking, below EDIFF only at a
/// converged end.
double energy_change(const VaspRunText& run, Index frame, Index step, Index steps) {
  if (step == steps && !run.unconverged.contains(frame)) return -0.3 * run.ediff;
  return -run.ediff * 1e3 / static_cast<double>(step);
}

/// Free energy after SCF step `step`, so that the last one is the frame's.
double scf_energy(const VaspRunText& run, double final, Index frame, Index step, Index steps) {
  double energy = final;
  for (Index k = steps; k > step; --k) energy -= energy_change(run, frame, k, steps);
  return energy;
}

std::string potential(const Type& type, const VaspRunText& run) {
  return fmt::format("PAW_PBE {}{} 17Jan2003", element_symbol(type.number), run.potential_suffix);
}

std::string lattice_block(const Mat3& m) {
  const Mat3 reciprocal = transpose(inverse(m));
  std::string text = "      direct lattice vectors                 reciprocal lattice vectors\n";
  for (int k = 0; k < 3; ++k)
    text += fmt::format("    {:13.9f}{:13.9f}{:13.9f}    {:13.9f}{:13.9f}{:13.9f}\n", m[k].x, m[k].y, m[k].z,
                        reciprocal[k].x, reciprocal[k].y, reciprocal[k].z);
  return text;
}

std::string joined(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += fmt::format("{:6.1f}", value);
  return text;
}

std::string outcar_settings(const EnergySettings& e) {
  std::string text = fmt::format("   PREC   = {:<6}    normal or accurate (medium, high low for compatibility)\n",
                                 e.prec.substr(0, 6));
  text += fmt::format("   ISPIN  = {:6d}    spin polarized calculation?\n", e.ispin);
  if (!e.metagga.empty())
    text += fmt::format(" METAGGA = {:<5}    LMAXTAU =  6    LMIXTAU =  T\n", e.metagga.substr(0, 5));
  text += "   METAGGA=      F    non-selfconsistent MetaGGA calc.\n";
  text += fmt::format("   ENCUT  = {:6.1f} eV  36.75 Ry    6.06 a.u.  18.47 19.17 18.71*2*pi/ulx,y,z\n", e.encut);
  text += "   LREAL  =      F    real-space projection\n";
  text += fmt::format("   ISMEAR = {:5d};   SIGMA  = {:6.2f}  broadening in eV -4-tet -1-fermi 0-gaus\n", e.ismear,
                      e.sigma);
  if (!e.ldauu.empty()) {
    text += " LDA+U is selected, type is set to LDAUTYPE =  2\n";
    text += "   angular momentum for each species LDAUL =";
    for (const double u : e.ldauu) text += fmt::format("{:5d}", u > 0 ? 2 : -1);
    text += fmt::format("\n   U (eV)           for each species LDAUU ={}\n", joined(e.ldauu));
    text +=
        fmt::format("   J (eV)           for each species LDAUJ ={}\n", joined(std::vector<double>(e.ldauu.size())));
  }
  text += "   LEXCH   =     8    internal setting for exchange type\n";
  text += fmt::format("   GGA     =    {}    GGA type\n", e.gga);
  text += "   LHFCALC =     F    Hartree Fock is set to\n   AEXX    =    0.0000 exact exchange contribution\n";
  return text + fmt::format(" generate k-points for:    {}\n", e.kpoints);
}

std::string xml_settings(const EnergySettings& e) {
  std::string text =
      fmt::format("   <i type=\"string\" name=\"PREC\">{}</i>\n   <i name=\"ENMAX\"> {:16.8f}</i>\n", e.prec, e.encut);
  text += fmt::format("   <i type=\"int\" name=\"ISPIN\"> {:5d}</i>\n   <i type=\"int\" name=\"ISMEAR\"> {:5d}</i>\n",
                      e.ispin, e.ismear);
  text += fmt::format("   <i name=\"SIGMA\"> {:16.8f}</i>\n   <i type=\"logical\" name=\"LREAL\"> F  </i>\n", e.sigma);
  text += fmt::format("   <i type=\"string\" name=\"GGA\">{}</i>\n   <i type=\"logical\" name=\"LHFCALC\"> F  </i>\n",
                      e.gga);
  text += "   <i name=\"AEXX\">      0.00000000</i>\n";
  text += fmt::format("   <i type=\"logical\" name=\"LDAU\"> {}  </i>\n", e.ldauu.empty() ? 'F' : 'T');
  if (e.ldauu.empty()) return text;
  text += "   <i type=\"int\" name=\"LDAUTYPE\">     2</i>\n   <v type=\"int\" name=\"LDAUL\">";
  for (const double u : e.ldauu) text += fmt::format("{:5d}", u > 0 ? 2 : -1);
  text += fmt::format("</v>\n   <v name=\"LDAUU\">{}</v>\n", joined(e.ldauu));
  return text + fmt::format("   <v name=\"LDAUJ\">{}</v>\n", joined(std::vector<double>(e.ldauu.size())));
}

/// <incar> and <kpoints>, which stand before <parameters>.
std::string xml_wishes(const EnergySettings& e) {
  std::string text = " <incar>\n";
  if (!e.metagga.empty()) text += fmt::format("  <i type=\"string\" name=\"METAGGA\"> {}</i>\n", e.metagga);
  if (e.dispersion) text += "  <i type=\"int\" name=\"IVDW\">    12</i>\n";
  text += " </incar>\n <kpoints>\n  <generation param=\"Gamma\">\n";
  return text +
         fmt::format("   <v type=\"int\" name=\"divisions\">   {} </v>\n  </generation>\n </kpoints>\n", e.kpoints);
}

std::string outcar_head(const Frame& frame, Index count, const VaspRunText& run) {
  const auto types = types_of(frame.structure);
  std::string text = fmt::format(" vasp.{} (build Sep 18 2018 16:57:57) complex          \n", run.version);
  text += "  \n executed on             LinuxIFC date 2024.02.29  12:00:00\n running on    4 total cores\n\n INCAR:\n";
  for (int pass = 0; pass < 2; ++pass)
    for (const Type& type : types) text += fmt::format(" POTCAR:    {}                  \n", potential(type, run));
  for (const Type& type : types)
    text += fmt::format("   VRHFIN ={}: made up\n   LEXCH  = PE\n   TITEL  = {}\n", element_symbol(type.number),
                        potential(type, run));
  text +=
      fmt::format("   number of dos      NEDOS =    301   number of ions     NIONS = {:6d}\n", frame.structure.size());
  text += "   ions per type =            ";
  for (const Type& type : types) text += fmt::format("{:4d}", type.count);
  text += "\n\n SYSTEM =  made up for a test\n";
  text += fmt::format("   NELM   = {:6d};   NELMIN=  4; NELMDL=  0     # of ELM steps \n", run.nelm);
  text += fmt::format("   EDIFF  = {}   stopping-criterion for ELM\n", fortran_e(run.ediff, 1));
  text += fmt::format(
      "   NSW    = {:6d}    number of steps for IOM\n   IBRION = {:6d}    ionic relax: 0-MD 1-quasi-New 2-CG\n", count,
      run.ibrion);
  text += fmt::format("   ISIF   = {:6d}    stress and relaxation\n", run.isif);
  text +=
      fmt::format("   TEBEG  = {:6.1f};   TEEND  ={:6.1f} temperature during run\n", run.temperature, run.temperature);
  text += fmt::format("   PSTRESS= {:6.1f} pullay stress\n\n", run.pstress_kbar);
  text += outcar_settings(run.energies) + "\n";
  return text + lattice_block(frame.structure.cell.vectors()) + "\n\n";
}

std::string scf_loop(const Frame& frame, Index index, const VaspRunText& run) {
  const Index steps = scf_steps(run, index);
  std::string text;
  for (Index step = 1; step <= steps; ++step) {
    const double change = energy_change(run, index, step, steps);
    const double energy = scf_energy(run, *frame.energy, index, step, steps);
    text += fmt::format(
        "----------------------------------------- Iteration {:4d}({:4d})  "
        "---------------------------------------\n\n\n",
        index + 1, step);
    text +=
        "    POTLOK:  cpu time    0.0500: real time    0.0500\n    EDDAV:  cpu time    0.1000: real time    0.1000\n\n";
    text += fmt::format(" eigenvalue-minimisations  :   120\n total energy-change (2. order) :{}  ({})\n",
                        fortran_e(change, 7), fortran_e(0.5 * change, 7));
    text += fmt::format(
        "\n  free energy    TOTEN  =  {:18.8f} eV\n\n  energy without entropy ={:18.8f}  energy(sigma->0) "
        "={:18.8f}\n\n",
        energy, energy + 2e-3, energy + 1e-3);
  }
  if (run.version[0] == '6' && run.unconverged.contains(index))
    text +=
        "------------------------ aborting loop EDIFF was not reached (unconverged)  --------------------------\n\n\n";
  else
    text +=
        "------------------------ aborting loop because EDIFF is reached "
        "----------------------------------------\n\n\n";
  return text;
}

std::string stress_block(const Frame& frame, const VaspRunText& run, std::string_view mark) {
  if (!frame.stress) return "";
  const auto kbar = kbar_of(*frame.stress);
  std::string text = fmt::format("  {}FORCE on cell =-STRESS in cart. coord.  units (eV):\n", mark);
  text += "  Direction    XX          YY          ZZ          XY          YZ          ZX\n";
  text += "  --------------------------------------------------------------------------------------\n  in kB  ";
  for (const double component : kbar) text += fmt::format("{:12.5f}", component);
  text += fmt::format("\n  external pressure = {:11.2f} kB  Pullay stress = {:11.2f} kB\n\n",
                      (kbar[0] + kbar[1] + kbar[2]) / 3.0 - run.pstress_kbar, run.pstress_kbar);
  return text;
}

std::string force_table(const Frame& frame, std::string_view mark) {
  std::string text = fmt::format(" POSITION                                       TOTAL-FORCE (eV/Angst){}\n", mark);
  const std::string rule = " -----------------------------------------------------------------------------------\n";
  text += rule;
  Vec3 drift;
  for (std::size_t k = 0; k < frame.forces.size(); ++k) {
    const Vec3 &r = frame.structure.positions[k], &f = frame.forces[k];
    drift += f;
    text += fmt::format(" {:12.5f} {:12.5f} {:12.5f}    {:14.6f}{:14.6f}{:14.6f}\n", r.x, r.y, r.z, f.x, f.y, f.z);
  }
  return text + rule +
         fmt::format("    total drift:                            {:14.6f}{:14.6f}{:14.6f}\n\n\n", drift.x, drift.y,
                     drift.z);
}

std::string energy_block(const Frame& frame, const VaspRunText& run, std::string_view ml) {
  const double energy = *frame.energy;
  std::string text = run.energies.dispersion ? "  Edisp (eV):   -1.00000\n\n" : "";
  text += fmt::format(
      "  {}FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n  ---------------------------------------------------\n",
      ml.empty() ? "" : "ML ");
  text += fmt::format("  free  energy {}TOTEN  = {:20.8f} eV\n\n", ml.empty() ? "  " : "ML ", energy);
  text += fmt::format("  {}energy  without entropy={:17.8f}  {}energy(sigma->0) ={:17.8f}\n", ml.empty() ? "" : "ML ",
                      energy + 2e-3, ml.empty() ? "" : "ML ", energy + 1e-3);
  if (run.pstress_kbar != 0) {
    const double pv = run.pstress_kbar * frame.structure.cell.volume() / units::ev_per_a3_in_kbar;
    text += fmt::format("  enthalpy is {} TOTEN    = {:18.8f} eV   P V={:18.8f}\n", ml, energy + pv, pv);
  }
  return text + "\n\n";
}

std::string xml_row(const Vec3& v) { return fmt::format("   <v> {:16.8f} {:16.8f} {:16.8f} </v>\n", v.x, v.y, v.z); }

std::string xml_structure(const Structure& s, const std::string& attribute) {
  std::string text = fmt::format("  <structure{}>\n   <crystal>\n    <varray name=\"basis\" >\n", attribute);
  for (int k = 0; k < 3; ++k) text += xml_row(s.cell.vectors()[k]);
  text += fmt::format("    </varray>\n    <i name=\"volume\"> {:15.8f} </i>\n    <varray name=\"rec_basis\" >\n",
                      s.cell.volume());
  const Mat3 reciprocal = transpose(inverse(s.cell.vectors()));
  for (int k = 0; k < 3; ++k) text += xml_row(reciprocal[k]);
  text += "    </varray>\n   </crystal>\n   <varray name=\"positions\" >\n";
  for (const Vec3& position : s.positions) text += xml_row(s.cell.to_fractional(position));
  return text + "   </varray>\n";
}

std::string xml_energies(double energy) {
  return fmt::format(
      "    <energy>\n     <i name=\"e_fr_energy\"> {:16.8f} </i>\n     <i name=\"e_wo_entrp\"> {:16.8f} </i>\n"
      "     <i name=\"e_0_energy\"> {:16.8f} </i>\n    </energy>\n",
      energy, energy + 2e-3, energy + 1e-3);
}

std::string xml_atoms(const Structure& s, const VaspRunText& run) {
  std::string text =
      fmt::format(" <atominfo>\n  <atoms> {:7d} </atoms>\n  <types> {:7d} </types>\n  <array name=\"atoms\" >\n",
                  s.size(), types_of(s).size());
  text +=
      "   <dimension dim=\"1\">ion</dimension>\n   <field type=\"string\">element</field>\n   <field "
      "type=\"int\">atomtype</field>\n   <set>\n";
  Index number = 0;
  for (const Type& type : types_of(s)) {
    ++number;
    for (Index k = 0; k < type.count; ++k)
      text += fmt::format("    <rc><c>{:<2}</c><c>{:4d}</c></rc>\n", element_symbol(type.number), number);
  }
  text += "   </set>\n  </array>\n  <array name=\"atomtypes\" >\n   <set>\n";
  for (const Type& type : types_of(s))
    text += fmt::format("    <rc><c>{:4d}</c><c>{:<2}</c><c> 1.0</c><c> 1.0</c><c> {:<38}</c></rc>\n", type.count,
                        element_symbol(type.number), potential(type, run));
  return text + "   </set>\n  </array>\n </atominfo>\n";
}

std::string xml_head(const Frame& frame, Index count, const VaspRunText& run) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<modeling>\n <generator>\n  <i name=\"program\" "
      "type=\"string\">vasp </i>\n";
  text += fmt::format("  <i name=\"version\" type=\"string\">{}  </i>\n </generator>\n", run.version);
  text += xml_wishes(run.energies) + " <parameters>\n";
  text += fmt::format(
      "  <separator name=\"electronic\" >\n   <i name=\"EDIFF\"> {:16.8f}</i>\n   <i type=\"int\" name=\"NELM\"> "
      "{:5d}</i>\n",
      run.ediff, run.nelm);
  text += xml_settings(run.energies);
  text +=
      fmt::format("  </separator>\n  <separator name=\"ionic\" >\n   <i type=\"int\" name=\"NSW\"> {:5d}</i>\n", count);
  text += fmt::format("   <i type=\"int\" name=\"IBRION\"> {:5d}</i>\n   <i type=\"int\" name=\"ISIF\"> {:5d}</i>\n",
                      run.ibrion, run.isif);
  text += fmt::format(
      "   <i name=\"PSTRESS\"> {:15.8f}</i>\n   <i name=\"TEBEG\"> {:15.8f}</i>\n   <i name=\"TEEND\"> {:15.8f}</i>\n",
      run.pstress_kbar, run.temperature, run.temperature);
  text +=
      "  </separator>\n  <separator name=\"response functions\" >\n   <i type=\"int\" name=\"NELM\">     1</i>\n  "
      "</separator>\n </parameters>\n";
  text += xml_atoms(frame.structure, run) + xml_structure(frame.structure, " name=\"initialpos\" ");
  if (!run.movable.empty()) {
    text += "  <varray name=\"selective\"  type=\"logical\" >\n";
    for (const auto& m : run.movable)
      text += fmt::format("   <v type=\"logical\" >  {}  {}  {} </v>\n", m[0] ? 'T' : 'F', m[1] ? 'T' : 'F',
                          m[2] ? 'T' : 'F');
    text += "  </varray>\n";
  }
  return text + "  </structure>\n";
}

std::string xml_labels(const Frame& frame, bool forces) {
  std::string text = xml_structure(frame.structure, "") + "  </structure>\n";
  if (forces) {
    text += "  <varray name=\"forces\" >\n";
    for (const Vec3& force : frame.forces) text += xml_row(force);
    text += "  </varray>\n";
  }
  if (!frame.stress) return text;
  text += "  <varray name=\"stress\" >\n";
  for (int k = 0; k < 3; ++k) text += xml_row(-units::ev_per_a3_in_kbar * (*frame.stress)[k]);
  return text + "  </varray>\n";
}

}  // namespace

std::string outcar_text(const std::vector<Frame>& frames, const VaspRunText& run) {
  const auto count = static_cast<Index>(frames.size());
  std::string text = outcar_head(frames.at(0), count, run);
  for (Index k = 0; k < count; ++k) {
    const Frame& frame = frames[static_cast<std::size_t>(k)];
    const bool predicted = run.predicted.contains(k);
    const std::string_view ml = predicted ? "ML" : "";
    if (!predicted) text += scf_loop(frame, k, run);
    if (run.version[0] == '4') text += energy_block(frame, run, ml);
    text += stress_block(frame, run, predicted ? "ML " : "");
    text += fmt::format(
        " VOLUME and BASIS-vectors are now :\n "
        "-----------------------------------------------------------------------------\n"
        "  energy-cutoff  :      500.00\n  volume of cell : {:12.2f}\n",
        frame.structure.cell.volume());
    text += lattice_block(frame.structure.cell.vectors()) + "\n";
    if (!run.without_forces.contains(k)) text += force_table(frame, predicted ? " (ML)" : "");
    if (run.version[0] != '4') text += energy_block(frame, run, ml);
  }
  if (run.finished)
    text +=
        " General timing and accounting informations for this job:\n "
        "========================================================\n";
  return text;
}

std::string vasprun_text(const std::vector<Frame>& frames, const VaspRunText& run) {
  const auto count = static_cast<Index>(frames.size());
  std::string text = xml_head(frames.at(0), count, run);
  for (Index k = 0; k < count; ++k) {
    const Frame& frame = frames[static_cast<std::size_t>(k)];
    const bool predicted = run.predicted.contains(k);
    const double pv = run.pstress_kbar * frame.structure.cell.volume() / units::ev_per_a3_in_kbar;
    if (!predicted) text += " <calculation>\n";
    const Index steps = predicted ? 0 : scf_steps(run, k);
    for (Index step = 1; step <= steps; ++step)
      text += "  <scstep>\n" + xml_energies(scf_energy(run, *frame.energy, k, step, steps)) + "  </scstep>\n";
    text += xml_labels(frame, !run.without_forces.contains(k)) + xml_energies(*frame.energy + pv);
    if (!predicted) text += " </calculation>\n";
  }
  if (run.finished)
    text += xml_structure(frames.back().structure, " name=\"finalpos\" ") + "  </structure>\n</modeling>\n";
  return text;
}

std::vector<Frame> made_up_frames(Index count, unsigned seed) {
  std::mt19937 generator(seed);
  // Plain arithmetic on the generator's bits: the standard distributions differ between libraries.
  const auto uniform = [&] { return static_cast<double>(generator()) / 4294967296.0 - 0.5; };
  const Cell cell({{{{6.1, 0.0, 0.0}, {0.4, 5.9, 0.0}, {-0.3, 0.7, 6.3}}}});
  const std::vector<Vec3> sites{
      {0.02, 0.03, 0.01}, {0.51, 0.48, 0.03}, {0.49, 0.02, 0.52}, {0.03, 0.47, 0.51}, {0.52, 0.53, 0.49}};
  std::vector<Frame> frames;
  for (Index k = 0; k < count; ++k) {
    Frame frame;
    frame.structure = {.cell = cell, .numbers = {3, 3, 3, 16, 16}, .positions = {}};
    Vec3 sum;
    for (std::size_t atom = 0; atom < sites.size(); ++atom) {
      frame.structure.positions.push_back(cell.to_cartesian(sites[atom]) + 0.4 * Vec3{uniform(), uniform(), uniform()});
      Vec3 force{4 * uniform(), 4 * uniform(), 4 * uniform()};
      if (atom + 1 == sites.size()) force = -sum;
      sum += force;
      frame.forces.push_back(force);
    }
    frame.energy = -21.5 + uniform();
    const double xy = 0.01 * uniform(), yz = 0.01 * uniform(), zx = 0.01 * uniform();
    frame.stress = Mat3{{{{0.02 * uniform(), xy, zx}, {xy, 0.02 * uniform(), yz}, {zx, yz, 0.02 * uniform()}}}};
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace haven::testing
