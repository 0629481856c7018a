#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/communicator.hpp"
#include "training/embedding.hpp"
#include "training/shard.hpp"
#include "training/split.hpp"
#include "training/thread_pool.hpp"
#include "training/training_data.hpp"

namespace haven::training {

/// Ranks and threads that share work which is cut independently of them: results are put together in the order of the
/// pieces, so that neither rank nor thread count changes a bit.
template <class T>
class Team {
 public:
  /// @param embedding  null: parameters are those of the program; otherwise they are what it expands to them
  Team(const TrainingProgram<T>& program, TrainingData<T>& data, Communicator& group, int threads,
       const EmbeddingMap* embedding = nullptr);

  [[nodiscard]] int threads() const { return pool_.threads(); }
  /// Loss sums and gradient of a batch; the gradients of its shards are added in double in shard order.
  LossSums gradient(const Batch& batch, std::span<const double> parameters, const LossScale& scale,
                    std::span<double> gradient);
  /// Loss sums of frames; the same on every rank.
  LossSums errors(std::span<const int> frames, std::span<const double> parameters, const LossScale& scale);
  /// Features of up to `most_atoms` atoms of the frames, per element, [features][atoms]. Every rank does all of it.
  std::vector<FeatureSample> features(std::span<const int> frames, std::span<const double> parameters,
                                      Index most_atoms);
  /// Smallest and largest feature values over all frames; per element, features; the same on every rank.
  struct Ranges {
    std::vector<std::vector<double>> smallest, largest;
  };
  Ranges feature_ranges(std::span<const int> frames, std::span<const double> parameters);
  /// A; infinity when no frame has neighbours within the cut-off. The same on every rank. Finds edges that are kept.
  double smallest_distance(std::span<const int> frames);
  /// ShardEvaluator::linear_rows() of each frame; the same on every rank.
  std::vector<std::vector<double>> linear_rows(std::span<const int> frames, std::span<const double> parameters,
                                               const LossScale& scale, const LinearDraws& draws);
  /// Prediction of one frame.
  Prediction predict(int frame, std::span<const double> parameters);

 private:
  /// Runs the pieces of this rank (piece % ranks == rank) in the threads. A failure on any rank ends all alike.
  void for_each_piece(int pieces, const std::function<void(int piece, int worker)>& body);
  void set_parameters(std::span<const double> parameters);

  const TrainingProgram<T>& program_;
  TrainingData<T>& data_;
  Communicator& group_;
  const EmbeddingMap* embedding_;
  ThreadPool pool_;
  std::vector<ShardEvaluator<T>> evaluators_;
  std::vector<typename TrainingData<T>::Borrowed> borrowed_;
  std::vector<T> parameters_;
  std::vector<std::vector<T>> gradients_;  // per shard
  std::vector<LossSums> sums_;             // per piece
  std::vector<double> expanded_, expanded_gradient_;
};

/// Threads per rank when the user gives none: the cores this process may use, shared with the ranks that may use them
/// too.
[[nodiscard]] int default_threads(Communicator& group);

}  // namespace haven::training
