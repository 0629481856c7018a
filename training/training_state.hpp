#pragma once
#include <optional>
#include <string>

#include "io/file_system.hpp"
#include "training/optimiser.hpp"
#include "training/shard.hpp"

namespace haven::training {

/// The best averaged weights so far.
struct BestModel {
  double score = 0;  ///< validation loss with the final weights of the terms
  Index epoch = 0;   ///< counted from 1; 0: none yet
  std::vector<double> parameters;
  PartErrors train, valid;
};

/// All that a stopped run needs to continue as if it had not stopped.
struct TrainingState {
  Optimiser optimiser;
  Index epoch = 0, batch = 0;  ///< the next batch
  LossSums sums;               ///< of the batches of this epoch so far
  BestModel best;
  double minutes = 0;
  double smallest_distance = 0;
};

/// Writes `path` atomically, keeping the previous one as `path`.prev. `identity` is a hash of options and data.
void write_training_state(FileSystem& files, const std::string& path, const TrainingState& state,
                          const std::string& identity);

/// Reads `path`, or `path`.prev when it is damaged or missing; nothing when neither is there.
/// @throws InputError when both are damaged, or for another identity
[[nodiscard]] std::optional<TrainingState> read_training_state(FileSystem& files, const std::string& path,
                                                               const std::string& identity);

}  // namespace haven::training
