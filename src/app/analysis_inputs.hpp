#pragma once
#include <string>

#include "analysis/trajectory_source.hpp"
#include "app/commands.hpp"

/// What the commands of the analysis read.
namespace haven {

/// How the trajectories of these arguments are opened.
[[nodiscard]] TrajectoryReading reading_of(const TransportArguments& arguments);

/// transport.json of a run folder, of its transport folder, or the file itself.
/// @throws InputError when there is none
[[nodiscard]] std::string transport_result_file(const std::string& given);

}  // namespace haven
