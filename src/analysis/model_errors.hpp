#pragma once
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/deviation_calibration.hpp"
#include "core/structure.hpp"
#include "potentials/potential.hpp"

namespace haven {

using Interval = std::array<double, 2>;

/// Errors of energies, forces and stress over a set of frames. A quantity without labels has a count of zero and no
/// value. Intervals: rmse_interval(); absent when too few independent frames were tested.
struct ErrorSummary {
  Index structures = 0, atoms = 0;
  Index energies = 0, force_components = 0, stress_components = 0;          ///< number of labels compared
  double energy_mae = 0, energy_rmse = 0, energy_bias = 0, energy_max = 0;  ///< eV/atom; bias = mean (model - label)
  double force_mae = 0, force_rmse = 0, force_max = 0;                      ///< eV/A over components
  double force_label_rms = 0;                                               ///< eV/A, the size of what is predicted
  double stress_mae = 0, stress_rmse = 0;                                   ///< eV/A^3 over six components
  std::optional<Interval> energy_rmse_ci95{}, force_rmse_ci95{}, stress_rmse_ci95{};  ///< 95 %, units as above
  std::string resampled{};    ///< what was resampled for them: ResamplingUnits::kind
  Index resampled_units = 0;  ///< and how many of it
};

/// One force component, energy or stress component: label and prediction.
struct ParityPoint {
  double label = 0, prediction = 0;
  Index frame = 0;
  int number = 0;  ///< atomic number (forces), 0 otherwise
};

/// One frame's errors.
struct FrameErrors {
  Index frame = 0;
  std::string name;                    ///< "path:index", or the frame number
  std::optional<double> energy{};      ///< eV/atom, model - label
  std::optional<double> force_rmse{};  ///< eV/A
  std::optional<double> force_max{};   ///< eV/A, largest component
  Index force_max_atom = -1;
  std::optional<double> stress_rmse{};  ///< eV/A^3
  Index extrapolating = 0;              ///< atoms with a feature outside the training range
};

struct ModelErrors {
  ErrorSummary all;
  std::map<std::string, ErrorSummary> by_group;        ///< Frame::group; "ungrouped" when empty
  std::map<std::string, ErrorSummary> by_element;      ///< symbol; forces only
  std::map<std::string, ErrorSummary> by_temperature;  ///< "300 K"; frames that state one
  std::vector<FrameErrors> frames;                     ///< in input order
  std::vector<Index> worst;                ///< up to ten frames by force error (energy without forces), worst first
  std::vector<ParityPoint> energy_parity;  ///< eV/atom
  std::vector<ParityPoint> force_parity;   ///< eV/A
  std::vector<ParityPoint> stress_parity;  ///< eV/A^3, order xx yy zz yz xz xy
  /// Of a committee: its deviation against its true error, atom by atom. The potential must be the mean of its members.
  std::optional<DeviationCalibration> deviation{};
};

/// Called with the number of frames done; may throw to stop.
using ErrorProgress = std::function<void(Index done, Index total)>;

/// Compares a potential with the labels of frames.
/// @throws InputError when no frame has a label; what evaluate_structure() throws, with the frame named.
[[nodiscard]] ModelErrors evaluate_errors(const Potential& potential, std::span<const Frame> frames,
                                          const ErrorProgress& progress = {});

/// The JSON contract of `haven test`: n_structures, n_atoms, energy_mae_meV_per_atom, energy_rmse_meV_per_atom,
/// force_mae_meV_per_A, force_rmse_meV_per_A, stress_rmse_GPa (null if none), by_element, by_group; besides numbers of
/// labels, 95 % intervals of the rms errors (`..._ci95`) and what they rest on, by_temperature, worst frames, and
/// maxima. Values without labels are null. A committee has force_deviation besides.
[[nodiscard]] std::string to_json(const ModelErrors& errors);
/// A table for people.
[[nodiscard]] std::string to_text(const ModelErrors& errors);

/// Writes <prefix>parity_energy.csv, parity_force.csv, parity_stress.csv (those with labels) and errors_by_frame.csv
/// into `folder`, units in the headers. Returns the paths. @throws IoError
std::vector<std::string> write_error_tables(const ModelErrors& errors, const std::string& folder,
                                            const std::string& prefix = "");

}  // namespace haven
