#include "training/training_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.hpp"
#include "core/species.hpp"

namespace haven::training {
namespace {

bool finite(const Mat3& m) { return is_finite(m[0]) && is_finite(m[1]) && is_finite(m[2]); }

void check_frame(const Frame& frame, const std::string& name, std::span<const int> elements) {
  const Structure& s = frame.structure;
  if (s.numbers.empty()) throw InputError("a frame has no atoms", name, "Remove it from the data.");
  if (!frame.energy && frame.forces.empty() && !frame.stress)
    throw InputError("a frame has neither energy nor forces nor stress", name, "Remove it from the training data.");
  if (!frame.forces.empty() && frame.forces.size() != s.numbers.size())
    throw InputError(fmt::format("{} forces for {} atoms", frame.forces.size(), s.numbers.size()), name,
                     "Import the file again; it may be damaged.");
  const bool good = (!frame.energy || std::isfinite(*frame.energy)) && (!frame.stress || finite(*frame.stress)) &&
                    std::all_of(frame.forces.begin(), frame.forces.end(), is_finite) &&
                    std::all_of(s.positions.begin(), s.positions.end(), is_finite) && std::isfinite(frame.weight) &&
                    frame.weight >= 0;
  if (!good) throw InputError("a frame has numbers that are not finite or a negative weight", name, "Remove it.");
  for (const int number : s.numbers)
    if (std::find(elements.begin(), elements.end(), number) == elements.end())
      throw InputError(fmt::format("element {} is not one of the model's", element_symbol(number)), name,
                       "Add it to the list of elements, or remove the frame.");
}

}  // namespace

std::vector<int> elements_of(std::span<const Frame> frames) {
  std::set<int> found;
  for (const Frame& frame : frames) found.insert(frame.structure.numbers.begin(), frame.structure.numbers.end());
  return {found.begin(), found.end()};
}

std::string frame_name(std::span<const Frame> frames, Index index) {
  const FrameSource& source = frames[static_cast<std::size_t>(index)].source;
  return source.path.empty() ? fmt::format("frame {}", index) : fmt::format("{}:{}", source.path, source.index);
}

void check_frames(std::span<const Frame> frames, std::span<const Part> parts, std::span<const int> elements) {
  bool useful = false;
  std::set<int> trained;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    check_frame(frames[f], frame_name(frames, static_cast<Index>(f)), elements);
    if (parts[f] == Part::train) trained.insert(frames[f].structure.numbers.begin(), frames[f].structure.numbers.end());
    useful = useful || (parts[f] == Part::train && (frames[f].energy || !frames[f].forces.empty()));
  }
  if (!useful)
    throw InputError("no training frame has an energy or forces", "training data",
                     "Import calculations with energies and forces, or reduce the validation and test fractions.");
  for (const int number : elements)
    if (!trained.contains(number))
      throw InputError(fmt::format("no training frame contains {}", element_symbol(number)), "training data",
                       "Take the element out of the list, or add frames with it (or a smaller held-out part).");
}

template <class T>
TrainingData<T>::TrainingData(std::span<const Frame> frames, std::span<const Part> parts, std::vector<int> elements,
                              double cutoff)
    : frames_(frames), elements_(std::move(elements)), cutoff_(cutoff), reference_(elements_.size(), 0.0) {
  for (std::size_t f = 0; f < frames.size(); ++f) {
    Entry entry{.species = {}, .part = parts[f], .edges = nullptr};
    for (const int number : frames[f].structure.numbers)
      entry.species.push_back(
          static_cast<int>(std::find(elements_.begin(), elements_.end(), number) - elements_.begin()));
    entries_.push_back(std::move(entry));
  }
}

template <class T>
std::vector<int> TrainingData<T>::members(Part part) const {
  std::vector<int> result;
  for (std::size_t f = 0; f < entries_.size(); ++f)
    if (entries_[f].part == part) result.push_back(static_cast<int>(f));
  return result;
}

template <class T>
void TrainingData<T>::set_reference_energies(std::vector<double> values) {
  HAVEN_ASSERT(values.size() == elements_.size());
  reference_ = std::move(values);
}

template <class T>
double TrainingData<T>::reference_energy(const Entry& entry) const {
  double sum = 0;
  for (const int a : entry.species) sum += reference_[static_cast<std::size_t>(a)];
  return sum;
}

template <class T>
std::vector<std::vector<Index>> TrainingData<T>::counts(std::span<const int> frames) const {
  std::vector<std::vector<Index>> result;
  for (const int f : frames) {
    std::vector<Index> row(elements_.size(), 0);
    for (const int a : entries_[at(f)].species) ++row[static_cast<std::size_t>(a)];
    result.push_back(std::move(row));
  }
  return result;
}

template <class T>
LabelStatistics TrainingData<T>::statistics(std::span<const int> frames) const {
  LabelStatistics sum;
  double energies = 0, components = 0, virials = 0;
  for (const int f : frames) {
    const Frame& frame = frames_[at(f)];
    const double n = static_cast<double>(atoms(f));
    if (frame.energy) {
      const double deviation = (*frame.energy - reference_energy(entries_[at(f)])) / n;
      sum.energy += deviation * deviation;
      energies += 1;
    }
    for (const Vec3& force : frame.forces) sum.force += norm2(force);
    components += 3 * static_cast<double>(frame.forces.size());
    if (!frame.stress) continue;
    const double factor = frame.structure.cell.volume() / n;
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) {
        const double value = factor * (*frame.stress)[i][k];
        sum.virial += (i == k ? 1.0 : 0.5) * value * value;
      }
    virials += 6;
  }
  if (energies > 0) sum.energy /= energies;
  if (components > 0) sum.force /= components;
  if (virials > 0) sum.virial /= virials;
  return sum;
}

template <class T>
double TrainingData<T>::estimate_edge_bytes() const {
  constexpr std::size_t sample = 32;
  const std::size_t stride = std::max<std::size_t>(1, entries_.size() / sample);
  double bytes = 0, sampled_atoms = 0, all_atoms = 0;
  for (std::size_t f = 0; f < entries_.size(); ++f) all_atoms += static_cast<double>(entries_[f].species.size());
  for (std::size_t f = 0; f < entries_.size(); f += stride) {
    const auto edges =
        find_edges<T>(frames_[f].structure, entries_[f].species, static_cast<Index>(elements_.size()), cutoff_);
    bytes += static_cast<double>(edges.bytes());
    sampled_atoms += static_cast<double>(entries_[f].species.size());
  }
  return bytes / sampled_atoms * all_atoms;
}

template <class T>
void TrainingData<T>::borrow(std::span<const int> frames, Borrowed& out) {
  out.frames.clear();
  out.temporary.clear();
  for (const int f : frames) {
    Entry& entry = entries_[at(f)];
    const Frame& frame = frames_[at(f)];
    const FrameEdges<T>* edges = entry.edges.get();
    if (edges == nullptr) {
      auto found = std::make_unique<FrameEdges<T>>(
          find_edges<T>(frame.structure, entry.species, static_cast<Index>(elements_.size()), cutoff_));
      edges = found.get();
      const auto bytes = static_cast<double>(found->bytes());
      if (used_.fetch_add(bytes) + bytes <= memory_) {
        entry.edges = std::move(found);
      } else {
        used_.fetch_add(-bytes);
        out.temporary.push_back(std::move(found));
      }
    }
    LabelledFrame<T> labelled{.edges = edges, .species = entry.species, .forces = frame.forces};
    if (frame.energy) labelled.energy = *frame.energy - reference_energy(entry);
    if (frame.stress) labelled.virial = (-frame.structure.cell.volume()) * *frame.stress;
    labelled.weight = frame.weight;
    labelled.index = f;
    out.frames.push_back(labelled);
  }
}

template class TrainingData<float>;
template class TrainingData<double>;

}  // namespace haven::training
