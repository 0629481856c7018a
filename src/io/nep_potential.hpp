#pragma once
#include <string>

#include "potentials/model.hpp"

namespace haven {

/// Reads a neuroevolution potential, the `nep.txt` of GPUMD (NEP3, NEP4 and NEP5 for energies, with or without ZBL,
/// universal, typewise or flexible), as a model of kind "nep".
/// @throws InputError naming file and line for a damaged file, and for models with charges, dipoles, polarisabilities
/// or temperature, which are no potential energies of this kind.
[[nodiscard]] Model read_nep(const std::string& path);

}  // namespace haven
