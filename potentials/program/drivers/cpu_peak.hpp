#pragma once
#include "potentials/potential.hpp"

namespace haven {

/// Largest rate of fused multiply-adds that this core shows now, in operations (two per multiply-add) per second, with
/// the vectors of the best compiled instruction set: float for mixed precision. The best of several runs of a
/// millisecond each.
[[nodiscard]] double measured_peak(Precision precision);

}  // namespace haven
