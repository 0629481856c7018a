#pragma once
#include <span>
#include <string>
#include <vector>

#include "training/shard.hpp"
#include "training/stress_check.hpp"
#include "training/team.hpp"
#include "training/training_api.hpp"
#include "training/training_data.hpp"

namespace haven::training {

/// @throws ConfigError naming the first option that is out of range, in the words of the input file
void check_options(const TrainOptions& options);

/// Widths of the hidden layers: the given ones, or those of the preset.
[[nodiscard]] std::vector<Index> hidden_layers(const TrainOptions& options);

/// Layout of what is trained: networks of hidden_layers(), two units of each of which are kept for a linear path where
/// the activation function can carry one and the layers have at least four.
[[nodiscard]] ParameterLayout trainable_layout(const Descriptor& descriptor, const TrainOptions& options);

/// Shift 0 and scale 1.
[[nodiscard]] Normalisation plain_normalisation(const Descriptor& descriptor);

/// The degree (1 to 4) of each feature of the centres of an element; 0 for all where a feature map mixes the terms.
[[nodiscard]] std::vector<int> feature_degrees(const CentreDescriptor& centre);

/// Shift: the mean of each feature. Scale: 1 / sqrt(s S), s its standard deviation and S the largest one among the
/// features of its degree. Full whitening (1 / s) would blow up the features that vary least, which are those of high
/// angular order and of strongly oscillating channels, and the forces would overfit; the square root keeps part of the
/// natural decay, which is what tells a smooth potential from a rough one. Features that hardly vary (s below 1e-3 S)
/// are scaled as if they varied that much.
/// @param degrees per element, see feature_degrees()
void set_feature_statistics(const std::vector<FeatureSample>& samples, const std::vector<std::vector<int>>& degrees,
                            Normalisation& normalisation);

/// Training frames for feature statistics: a random selection of about `atoms` atoms, with some frames of every
/// element.
template <class T>
[[nodiscard]] std::vector<int> statistics_frames(const TrainingData<T>& data, std::span<const int> train, Index atoms,
                                                 std::uint64_t seed);

/// Loss coefficients at the beginning and the end of training.
struct LossSchedule {
  LossScale start, end;
};
/// @param stresses  decides the weight of the stress in the automatic balance
[[nodiscard]] LossSchedule loss_schedule(const LossWeights& weights, const LabelStatistics& labels,
                                         const StressCheck& stresses);

/// Hash of everything that the weights depend on, without threads, ranks, limits and paths.
[[nodiscard]] std::string training_identity(const TrainOptions& options, std::span<const Frame> frames,
                                            std::span<const Part> parts);

/// Bytes that training needs on this rank besides the frames.
struct MemoryEstimate {
  double edges = 0;       ///< neighbour data of all frames
  double parameters = 0;  ///< weights, moments of the optimiser, averages, gradients
  double work = 0;        ///< per thread: moments, terms and the network's graph for a shard, times the threads
  double available = 0;   ///< of the machine now; 0 when unknown
};
template <class T>
[[nodiscard]] MemoryEstimate estimate_memory(const TrainingData<T>& data, const TrainingProgram<T>& program,
                                             const TrainOptions& options, int threads);

}  // namespace haven::training
