#pragma once
#include <string>
#include <vector>

#include "potentials/model.hpp"

namespace haven {

/// Reads a potential of aenet, one network file per element, as a model of kind "chebyshev". Files are Fortran's
/// unformatted ones (`*.nn`, little-endian records of gfortran) or their ASCII form: the network, the fingerprint setup
/// and the information on the training set (scale, shift, atomic energies), one after the other.
/// @throws InputError naming the file (and line) for damaged files, files that do not belong together, elements without
/// a file, and what Haven does not evaluate (other fingerprints than Chebyshev's, the "twist" activation).
[[nodiscard]] Model read_aenet(const std::vector<std::string>& paths);

}  // namespace haven
