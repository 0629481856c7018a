#pragma once
#include <optional>
#include <string>

#include "core/log.hpp"
#include "io/file_system.hpp"
#include "md/state.hpp"

namespace haven {

inline constexpr const char* checkpoint_name = "checkpoint.h5";
inline constexpr const char* previous_checkpoint_name = "checkpoint_prev.h5";

/// Writes the state durably: whole to `path`.tmp, synced; the old `path` becomes `<stem>_prev<ext>`; renamed; folder
/// synced. At every moment at least one whole generation exists.
/// @throws IoError (the last good checkpoint is then intact), NumericalError for a state that is not finite.
void write_checkpoint(FileSystem& files, const std::string& path, const SimulationState& state);

/// @throws InputError when the file is damaged (its checksum does not fit) or of another version, IoError.
[[nodiscard]] SimulationState read_checkpoint(const std::string& path);

/// The newest intact checkpoint of a run folder; nothing when there is none at all. When `checkpoint.h5` is damaged or
/// missing, `checkpoint_prev.h5` is used with a warning (CK001).
/// @throws InputError when checkpoints exist and none is intact, or the newest is of another version: a run never
/// starts again silently, nor goes back to an older state that is there by chance.
[[nodiscard]] std::optional<SimulationState> read_newest_checkpoint(const std::string& folder, Log& log);

}  // namespace haven
