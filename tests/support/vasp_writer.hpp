#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/structure.hpp"

namespace haven::testing {

/// What changes the energies of a calculation, as VASP prints it.
struct EnergySettings {
  double encut = 400;      ///< eV
  std::string gga = "--";  ///< "--": as the potentials
  std::string metagga{};   ///< "R2SCAN"
  std::string prec = "normal";
  int ispin = 1, ismear = 0;
  double sigma = 0.05;            ///< eV
  std::string kpoints = "2 2 1";  ///< divisions
  std::vector<double> ldauu{};    ///< eV, per type; empty: no LDA+U
  bool dispersion = false;        ///< IVDW = 12
};

/// Settings of a made-up VASP run.
struct VaspRunText {
  std::string version = "5.4.4.18Apr17-6-g9f103f2a35";
  Index nelm = 60;
  double ediff = 1e-6;  ///< eV
  int ibrion = 0;       ///< 0 = molecular dynamics
  int isif = 2;
  double temperature = 600;  ///< TEBEG = TEEND, K
  double pstress_kbar = 0;
  std::string potential_suffix = "";           ///< e.g. "_sv"
  std::set<Index> unconverged{};               ///< frames whose SCF loop runs into NELM
  std::set<Index> converged_in_last_step{};    ///< NELM steps, but converged
  std::set<Index> predicted{};                 ///< frames written as machine-learned steps
  std::set<Index> without_forces{};            ///< frames without a force table (NWRITE = 0)
  std::vector<std::array<bool, 3>> movable{};  ///< selective dynamics, written to vasprun.xml
  bool finished = true;                        ///< closing block, closed XML
  EnergySettings energies{};
};

/// Text of an OUTCAR in VASP's layout and precision (positions 5, forces 6, energies 8 decimals). Every frame needs
/// energy and forces; stress is left out where a frame has none. Atoms must be the same in all frames; equal neighbours
/// form one type.
[[nodiscard]] std::string outcar_text(const std::vector<Frame>& frames, const VaspRunText& run);
/// The vasprun.xml of the same run (8 decimals everywhere).
[[nodiscard]] std::string vasprun_text(const std::vector<Frame>& frames, const VaspRunText& run);

/// A made-up but consistent trajectory: `count` frames of Li and S atoms on a slightly moving lattice in a triclinic
/// cell, forces that sum to zero, with stress; a pure function of `seed`.
[[nodiscard]] std::vector<Frame> made_up_frames(Index count, unsigned seed);

}  // namespace haven::testing
