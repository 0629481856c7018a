#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/types.hpp"
#include "md/atom_store.hpp"

namespace haven {

/// Maxwell-Boltzmann velocities (A/fs), by id: each component normal with variance k_B T / m, a function of (seed, id)
/// alone; then the centre-of-mass drift is removed (unless atoms are frozen, which get zero) and the temperature made
/// exact. Without degrees of freedom, or at 0 K, all are zero.
[[nodiscard]] std::vector<Vec3> thermal_velocities(const AtomTable& table, double temperature, std::uint64_t seed);

/// Subtracts the velocity of the centre of mass from all; does nothing when atoms are frozen. Returns what was removed,
/// A/fs.
Vec3 remove_drift(const AtomTable& table, std::span<Vec3> velocities);

}  // namespace haven
