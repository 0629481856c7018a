#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"

namespace haven {

/// All that a restart needs; what the checkpoint holds is exactly this. Gathered on rank 0, atoms in order of id.
struct SimulationState {
  Cell cell;
  std::vector<int> numbers;      ///< atomic numbers, index = atom id
  std::vector<double> masses;    ///< amu
  std::vector<Vec3> positions;   ///< A, unwrapped since step 0
  std::vector<Vec3> velocities;  ///< A/fs
  std::int64_t step = 0;
  std::uint64_t seed = 0;
  int stage = 0;  ///< index of the current [[md.stage]]
  std::int64_t stage_first_step = 0;
  /// Integrator, accumulator and guard variables by name, e.g. "csvr.exchanged_energy" (eV), "cell.sum".
  std::map<std::string, std::vector<double>> variables;
  std::string model_hash;  ///< sha256 of the model file's payload; a restart refuses another
  std::string input_hash;  ///< hash of what defines the trajectory (structure, timestep, stages, seed)
};

}  // namespace haven
