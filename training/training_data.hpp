#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/structure.hpp"
#include "training/shard.hpp"
#include "training/training_api.hpp"

namespace haven::training {

/// Variances of the labels of the training part, for the balance of the loss and the scale of energies; 0 without
/// labels.
struct LabelStatistics {
  double energy = 0;  ///< (eV/atom)^2, around the reference energies
  double force = 0;   ///< (eV/A)^2
  double virial = 0;  ///< (eV/atom)^2, over six components
};

/// Elements present, ascending atomic numbers.
[[nodiscard]] std::vector<int> elements_of(std::span<const Frame> frames);

/// @throws InputError naming the frame: no label at all, forces of another length than the atoms, an element outside
///         `elements`, numbers that are not finite, no frame of the training part with forces or energy
void check_frames(std::span<const Frame> frames, std::span<const Part> parts, std::span<const int> elements);

/// "path:index" or "frame 12".
[[nodiscard]] std::string frame_name(std::span<const Frame> frames, Index index);

/// Frames with what training needs of them: species, labels relative to the reference energies, and edges, which are
/// kept as long as they fit into the memory given and are otherwise found anew at each use.
template <class T>
class TrainingData {
 public:
  TrainingData(std::span<const Frame> frames, std::span<const Part> parts, std::vector<int> elements, double cutoff);

  [[nodiscard]] Index size() const { return static_cast<Index>(entries_.size()); }
  [[nodiscard]] std::vector<int> members(Part part) const;
  [[nodiscard]] Index atoms(int frame) const { return static_cast<Index>(entries_[at(frame)].species.size()); }
  [[nodiscard]] std::span<const Frame> frames() const { return frames_; }

  void set_reference_energies(std::vector<double> values);
  [[nodiscard]] std::vector<std::vector<Index>> counts(std::span<const int> frames) const;
  [[nodiscard]] LabelStatistics statistics(std::span<const int> frames) const;

  void set_memory(double bytes) { memory_ = bytes; }
  /// Bytes that the edges of all frames would need, from a sample of at most 32 frames.
  [[nodiscard]] double estimate_edge_bytes() const;

  /// The frames for an evaluator; `temporary` owns the edges that are not kept. Thread-safe as long as no frame is
  /// asked for by two threads at a time.
  struct Borrowed {
    std::vector<LabelledFrame<T>> frames;
    std::vector<std::unique_ptr<FrameEdges<T>>> temporary;
  };
  void borrow(std::span<const int> frames, Borrowed& out);

 private:
  struct Entry {
    std::vector<int> species;
    Part part = Part::train;
    std::unique_ptr<FrameEdges<T>> edges;
  };
  static std::size_t at(int frame) { return static_cast<std::size_t>(frame); }
  [[nodiscard]] double reference_energy(const Entry& entry) const;

  std::span<const Frame> frames_;
  std::vector<int> elements_;
  double cutoff_ = 0;
  std::vector<Entry> entries_;
  std::vector<double> reference_;
  double memory_ = 0;
  std::atomic<double> used_{0};
};

extern template class TrainingData<float>;
extern template class TrainingData<double>;

}  // namespace haven::training
