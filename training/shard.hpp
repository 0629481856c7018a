#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/structure.hpp"
#include "potentials/descriptor.hpp"
#include "training/edge_kernels.hpp"
#include "training/parameters.hpp"

/// Energies, forces and the gradient of the loss for a part of a batch: the only place where torch is used. No torch
/// here.
namespace haven::training {

/// A frame as training sees it.
template <class T>
struct LabelledFrame {
  const FrameEdges<T>* edges = nullptr;
  std::span<const int> species;
  std::optional<double> energy{};  ///< eV, reference energies subtracted
  std::span<const Vec3> forces;    ///< eV/A; empty without labels
  std::optional<Mat3> virial{};    ///< eV: -volume * stress
  double weight = 1;
  Index index = 0;  ///< in the caller's list, for messages
};

/// Coefficients of a batch's loss; see LossWeights. `frames` is the number of frames of the whole batch.
struct LossScale {
  double energy = 0, force = 0, stress = 0;
  double frames = 1;
  double robust = 0;  ///< see TrainOptions::robust
};

/// Of one error e with weight w: w e^2, or where sqrt(w) |e| exceeds the limit d > 0 the tangent there (Huber 1964),
/// d (2 sqrt(w) |e| - d).
struct Penalty {
  double value = 0, slope = 0;  ///< and its derivative with respect to e
};
[[nodiscard]] Penalty penalty(double weight, double error, double limit);

/// Sums over frames, for errors and the loss.
struct LossSums {
  double loss = 0;
  double energy_squares = 0, force_squares = 0, stress_squares = 0;  ///< (eV/atom)^2, (eV/A)^2, (eV/atom)^2
  double energies = 0, force_components = 0, stress_components = 0;  ///< counts
  double bad_frame = -1;  ///< LabelledFrame::index of the first frame whose prediction is not finite, or -1

  /// Adds in this order: sums are reproducible when the caller's order is.
  void add(const LossSums& other);
};

/// Prediction for one frame, reference energies not included.
struct Prediction {
  double energy = 0;         ///< eV
  std::vector<Vec3> forces;  ///< eV/A
  Mat3 virial{};             ///< eV
};

/// Feature values of the atoms of one element, [features][atoms].
struct FeatureSample {
  Index features = 0, atoms = 0;
  std::vector<double> values;
};

/// Everything that is constant during training and shared by threads.
template <class T>
struct TrainingProgram {
  TrainingProgram(const Descriptor& descriptor, ParameterLayout layout, Normalisation normalisation, RadialMode mode);

  struct Element {
    EdgeProgram<T> edges;
    TermList terms;                  ///< weights include the scale when there is no feature map
    std::vector<T> offset;           ///< per term
    std::vector<T> map, map_offset;  ///< features = map * terms - map_offset, scaled; empty: the terms are the features
    Index summed = 1;                ///< without a map: features are sums of this many terms, `features` apart
    std::vector<T> constant_mixing;  ///< when it is not trained
    Index features = 0;
  };
  ParameterLayout layout;
  Normalisation normalisation;
  std::vector<Element> elements;
};

/// Parameters of an element that the energy is linear in: its linear path, the weights of its last layer and their
/// bias, in this order.
[[nodiscard]] Index linear_columns(const ElementSlice& slice);

/// Combinations of a frame's forces and virial, see ShardEvaluator::linear_rows().
struct LinearDraws {
  Index count = 1;
  std::uint64_t seed = 1;
};

/// Works in the calling thread alone. One object per thread.
template <class T>
class ShardEvaluator {
 public:
  explicit ShardEvaluator(const TrainingProgram<T>& program);
  ~ShardEvaluator();
  ShardEvaluator(ShardEvaluator&&) noexcept;

  /// Adds the gradient of the shard's loss with respect to the parameters to nothing: `gradient` is overwritten.
  LossSums gradient(std::span<const LabelledFrame<T>> frames, std::span<const T> parameters, const LossScale& scale,
                    std::span<T> gradient);
  /// Errors without the gradient.
  LossSums errors(std::span<const LabelledFrame<T>> frames, std::span<const T> parameters, const LossScale& scale);
  [[nodiscard]] std::vector<Prediction> predict(std::span<const LabelledFrame<T>> frames,
                                                std::span<const T> parameters);
  /// Features as the program normalises them, per element.
  [[nodiscard]] std::vector<FeatureSample> features(std::span<const LabelledFrame<T>> frames,
                                                    std::span<const T> parameters);
  /// Rows of the least-squares problem of changes x of the parameters that the energy is linear in: |A x - b|^2 summed
  /// over the rows (A, b) has the expectation of the loss. The energy of the frame gives one row, its forces and virial
  /// `draws.count` combinations with random signs: as good as one row for every component when frames are many, at the
  /// cost of one sweep over neighbours each. Where there are not more components than draws, each gives a row.
  /// [rows][columns + 1]: linear_columns() of every element, then b.
  [[nodiscard]] std::vector<double> linear_rows(const LabelledFrame<T>& frame, std::span<const T> parameters,
                                                const LossScale& scale, const LinearDraws& draws);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

/// Makes torch and BLAS in the calling thread single-threaded; without it results would depend on the thread count.
void use_one_thread();

}  // namespace haven::training
