#pragma once
#include "core/neighbour_list.hpp"
#include "potentials/potential.hpp"
#include "potentials/program/program.hpp"

namespace haven {

/// Arithmetic that one force evaluation of a program needs, counted from its sizes and the neighbours of a structure:
/// an addition, multiplication, division or square root is one operation, an exponential, tanh or activation function
/// with its slope ten. What a driver does besides (padding, conversions, data movement, pairs it looks at and leaves
/// out) is not counted, so that the share of a machine's peak is that of useful work.
struct OperationCount {
  double total = 0;
  double neighbours = 0;  ///< of all atoms, inside the cut-off and with channels
  double triplets = 0;    ///< explicit ones, with the third side inside its window
};

[[nodiscard]] OperationCount count_operations(const Program& program, const LocalAtoms& atoms,
                                              const NeighbourView& list);

}  // namespace haven
