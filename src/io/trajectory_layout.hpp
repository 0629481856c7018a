#pragma once
#include <cstdint>

#include "md/sinks.hpp"

/// What the writer and the reader of trajectories share.
namespace haven {

inline constexpr const char* trajectory_format = "haven-trajectory";
/// CRC-32 (zlib) of step, time, cell, positions and, when stored, velocities, as little-endian bytes in this order.
[[nodiscard]] std::uint32_t frame_checksum(const TrajectoryFrame& frame);

}  // namespace haven
