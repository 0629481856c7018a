#pragma once
#include <optional>

#include "md/integrators/csvr.hpp"

namespace haven {

/// How a barostat couples: pressures in eV/A^3.
struct CellRescalingOptions {
  CellShape shape = CellShape::isotropic;
  double pressure = 0;      ///< eV/A^3, external
  double bulk_modulus = 1;  ///< eV/A^3, estimate
  double tau = 1000;        ///< fs; the volume of a material with this bulk modulus relaxes in this time
};

/// A change of the cell in one step. Cell vectors are rows, and points go with them: r -> r map.
struct CellChange {
  Mat3 cell;              ///< A, the new vectors
  Mat3 strain;            ///< traceless part of the logarithmic strain, in the frame described at deviatoric_stress()
  double root_ratio = 1;  ///< square root of new over old volume
  double noise2 = 0;      ///< sum of the squares of the random numbers behind it
  double largest_change = 0;  ///< of any dimension, relative; not finite when the step cannot be made
};

/// What the propagation of a cell depends on.
struct CellState {
  Mat3 cell;      ///< A
  Mat3 pressure;  ///< eV/A^3, internal: (2 K + W) / V with the kinetic tensor
  double kt = 0;  ///< eV
};

/// The part of the internal pressure that changes the shape at constant volume: for triclinic cells the symmetric
/// traceless tensor in Cartesian axes; for anisotropic ones (lengths change, angles stay) a diagonal matrix, whose
/// element k is the work per volume and strain of scaling lattice vector k; zero for isotropic ones.
[[nodiscard]] Mat3 deviatoric_stress(CellShape shape, const CellState& state);

/// One step of the overdamped Langevin equation of the cell (Bernetti, Bussi, J. Chem. Phys. 153, 114107 (2020), eq. 7;
/// Del Tatto, Raiteri, Bernetti, Bussi, Appl. Sci. 12, 1139 (2022)).
///
/// The square root of the volume, whose noise has a constant amplitude, and the traceless strain, whose noise is
/// constant at constant volume, are propagated together. Strains are symmetric (no random rotation of the cell): by
/// rotational invariance of the energy the distribution of shapes is that of unrestricted noise.
/// @param step  random numbers are a function of (seed, Stream::cell_rescaling, step)
[[nodiscard]] CellChange propose_cell(const CellRescalingOptions& options, const CellState& state, double timestep,
                                      std::uint64_t seed, std::uint64_t step);

/// Sum of the squares of the random numbers with which propose_cell() would undo `change` from the state after it.
/// @param rotation  r -> r rotation was applied to the cell after `change`
[[nodiscard]] double reverse_noise2(const CellRescalingOptions& options, const CellChange& change,
                                    const CellState& after, const Mat3& rotation, double timestep);

/// Constant temperature and pressure: stochastic cell rescaling in its time-reversible form around velocity Verlet,
/// with stochastic velocity rescaling for the temperature. Samples exp(-(K + U + P V)/kT), V once for each volume.
///
/// Step: half a kick; the cell, positions and momenta are rescaled in the middle of the drift; half a kick; thermostat.
/// Conserves the effective energy K + U + P V minus what bath and barostat gave, where the barostat's part is
/// -kT ln of the ratio of the probabilities to propose the backward and the forward step (Bussi, Parrinello, Phys. Rev.
/// E 75, 056707 (2007)), and half a squared random number is such a logarithm. Its drift measures the time step's
/// error.
///
/// The cell does not rotate: its deformation since the beginning of the stage is symmetric (triclinic), or diagonal in
/// its vectors.
class CellRescaling final : public Integrator {
 public:
  CellRescaling(const CellRescalingOptions& options, double thermostat_tau)
      : options_(options), thermostat_(thermostat_tau) {}
  [[nodiscard]] Wanted wanted() const override { return Wanted::virial; }
  void before_forces(Dynamics& dynamics, Communicator& group) override;
  void after_forces(Dynamics& dynamics, Communicator& group) override;
  [[nodiscard]] double conserved(const Dynamics& dynamics, double kinetic, double potential) const override {
    return kinetic + potential + options_.pressure * dynamics.cell.volume() - received_ - thermostat_.received();
  }
  void save(Variables& variables) const override;
  void load(const Variables& variables) override;

 private:
  [[nodiscard]] CellState state_of(const Dynamics& dynamics, const Mat3& kinetic) const;
  void rescale(Dynamics& dynamics, const Mat3& new_cell);

  CellRescalingOptions options_;
  VelocityRescaling thermostat_;
  std::optional<Mat3> virial_;     // of the whole system at the present positions, eV
  std::optional<Mat3> reference_;  // cell at the beginning of the stage
  double received_ = 0;            // eV
  // Between the halves of a step:
  std::optional<CellChange> change_;
  Mat3 rotation_ = Mat3::identity(), kinetic_{};
};

}  // namespace haven
