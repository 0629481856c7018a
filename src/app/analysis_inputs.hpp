#pragma once
#include <memory>
#include <string>
#include <vector>

#include "analysis/displacements.hpp"
#include "analysis/transport.hpp"
#include "app/commands.hpp"
#include "app/session.hpp"

/// What the commands of the analysis read.
namespace haven {

/// How the trajectories of these arguments are opened.
[[nodiscard]] TrajectoryReading reading_of(const TransportArguments& arguments);

/// Settings of the analysis; where only the MSD is asked for, elements without a charge count as +1.
[[nodiscard]] TransportOptions options_of(const TransportArguments& arguments);

/// Opens one trajectory for commands that measure diffusion.
/// @throws InputError (MD005) for a stage of our own that ran with Langevin friction, which changes diffusion; what
/// open_trajectory() throws
[[nodiscard]] std::unique_ptr<TrajectorySource> open_for_diffusion(const std::string& path,
                                                                   const TransportArguments& arguments);

/// Tracks of the first trajectory, which is read with a word of progress.
[[nodiscard]] IonTracks tracks_of(Session& session, const TransportArguments& arguments);

/// Motion of the mobile ions with one charge for all of them; the conductivity in it has no meaning.
[[nodiscard]] TransportResult motion_of(const IonTracks& tracks, const std::vector<std::string>& mobile);

/// Where motion has become diffusive, as the analysis of the whole cell finds it, ps; a fiftieth of the run when it
/// does not.
[[nodiscard]] double diffusive_lag_ps(const TransportResult& motion, const IonTracks& tracks);

/// Mean temperature of a stage in a run folder, from the rows of its thermo.csv, K.
/// @throws InputError when it has no row of the stage
[[nodiscard]] double stage_temperature(const std::string& folder, const std::string& stage);

/// All temperatures of transport_result_file(given), with the site occupations of structure results beside it.
[[nodiscard]] std::vector<TransportResult> transport_results(const std::string& given);

/// transport.json of a run folder, of its transport folder, or the file itself.
/// @throws InputError when there is none
[[nodiscard]] std::string transport_result_file(const std::string& given);

}  // namespace haven
