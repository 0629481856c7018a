#pragma once
#include <optional>

#include "md/integrators/integrator.hpp"
#include "md/integrators/thermostat_chain.hpp"

namespace haven {

struct MartynaTobiasKleinOptions {
  CellShape shape = CellShape::isotropic;
  double pressure = 0;          ///< eV/A^3, external
  double barostat_tau = 1000;   ///< fs, > 0; infinite: the cell keeps still
  double thermostat_tau = 100;  ///< fs, > 0
};

/// Constant temperature and pressure, deterministic: the equations of motion of Martyna, Tobias, Klein, J. Chem. Phys.
/// 101, 4177 (1994), in the measure-preserving factorisation of Tuckerman, Alejandre, Lopez-Rendon, Jochim, Martyna, J.
/// Phys. A 39, 5629 (2006). Chains of three Nose-Hoover thermostats act on the atoms and, a second one, on the cell.
///
/// With the rate L of the strain (dr/dt = v + r L for row vectors, dh/dt = h L for the cell) and the inertia
/// W = (N_f + 3) kT tau^2 / 3:
///   dv/dt = F/m - v (L^T + Tr L / N_f),   W dL/dt = V (P_int - P) + 2 K / N_f,
/// projected on what the shape of the cell may do. Samples exp(-(K + U + P V)/kT), V once for each volume, as
/// CellRescaling. Conserves K + U + P V + W |L|^2 / 2 plus the energies of both chains.
///
/// The cell does not rotate: in the middle of a triclinic step everything is turned so that its deformation since the
/// beginning of the stage stays symmetric.
class MartynaTobiasKlein final : public Integrator {
 public:
  explicit MartynaTobiasKlein(const MartynaTobiasKleinOptions& options)
      : options_(options), chain_(options.thermostat_tau), cell_chain_(options.barostat_tau) {}
  [[nodiscard]] Wanted wanted() const override { return Wanted::virial; }
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics& dynamics, double kinetic, double potential) const override;
  void save(Variables& variables) const override;
  void load(const Variables& variables) override;

 private:
  [[nodiscard]] Index cell_degrees() const;
  [[nodiscard]] double inertia(const Dynamics& dynamics) const;  // eV fs^2
  [[nodiscard]] double cell_kinetic_energy(const Dynamics& dynamics) const;
  [[nodiscard]] Mat3 rate(const Mat3& cell) const;  // L in Cartesian axes
  void apply_chains(Dynamics& dynamics, Communicator& group);
  void push_cell(Dynamics& dynamics, Communicator& group);
  void kick(Dynamics& dynamics) const;
  void move(Dynamics& dynamics);

  MartynaTobiasKleinOptions options_;
  ThermostatChain chain_, cell_chain_;
  double kt_ = 0;                  // eV, at the first step of the stage: in the inertia
  Mat3 rate_{};                    // 1/fs; anisotropic: diagonal, of the lengths of the cell vectors; else L
  std::optional<Mat3> virial_;     // of the whole system at the present positions, eV
  std::optional<Mat3> reference_;  // cell at the beginning of the stage
};

}  // namespace haven
