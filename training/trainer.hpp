#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "potentials/descriptor.hpp"
#include "training/team.hpp"
#include "training/training_api.hpp"
#include "training/training_state.hpp"

namespace haven::training {

/// What the loop needs besides the request: made by train() from data and options.
struct TrainingPlan {
  std::vector<int> train, valid;                       ///< frames
  LossScale start, end;                                ///< weights of the terms (frames is set per batch)
  std::vector<std::uint8_t> decay;                     ///< see decay_mask()
  std::vector<Index> linear_parameters;                ///< offsets of what the energy is linear in
  std::function<bool(std::span<const double>)> exact;  ///< whether the engine would reproduce these parameters
  std::string identity;                                ///< of options and data, for the checkpoint
  std::string checkpoint, curve;                       ///< paths; empty: none is written
};

enum class TrainingEnd { epochs_used, time_used, no_improvement, stopped };

/// The optimisation loop: batches, schedule, validation of the averaged weights, checkpoints, learning curve.
template <class T>
class Trainer {
 public:
  Trainer(const TrainRequest& request, TrainingPlan plan, Team<T>& team, const TrainingData<T>& data,
          TrainingState& state);
  /// Continues from the state until an end; the state then holds everything. @throws NumericalError
  TrainingEnd run();
  /// Follows run(): full-batch steps from the best model, see polish(). They are repeated from their beginning when a
  /// stopped run is resumed, with the same result.
  TrainingEnd polish_best(TrainingEnd end);
  /// Follows polish_best(): the linear part of the best model, see fit_linear_part(). Repeated likewise.
  TrainingEnd fit_best(TrainingEnd end);
  [[nodiscard]] const std::string& stop_reason() const { return stop_reason_; }

 private:
  [[nodiscard]] double progress() const;  ///< 0..1, of the epochs or of the time, whichever is further
  void train_batch(const Batch& batch);
  void finish_epoch();
  bool should_stop();
  void checkpoint();
  [[nodiscard]] double minutes() const;
  void refuse_bad_loss(const LossSums& sums, double rate) const;

  const TrainRequest& request_;
  const TrainingPlan plan_;
  Team<T>& team_;
  const TrainingData<T>& data_;
  TrainingState& state_;
  std::vector<Index> atoms_;  // of the training frames
  std::vector<double> gradient_;
  double batches_of_epoch_ = 1;
  TrainOptions schedule_;  // with the warm-up that fits the length of the run
  double started_ = 0, minutes_before_ = 0, last_checkpoint_ = 0;
  double shared_minutes_ = 0;  // root's clock, agreed on
  std::string stop_reason_;
};

/// Root mean squares of sums.
[[nodiscard]] PartErrors part_errors(const LossSums& sums);
/// The errors in a line for people.
[[nodiscard]] std::string describe_errors(const PartErrors& errors);
/// Mean loss with the weights of `scale`; terms without labels drop out.
[[nodiscard]] double score(const LossSums& sums, const LossScale& scale);
/// What models are chosen by: the score, or with a robust loss that loss itself (`sums` with `scale.frames` frames), so
/// that wrong labels among the validation frames do not decide.
[[nodiscard]] double validation_score(const LossSums& sums, const LossScale& scale);

}  // namespace haven::training
