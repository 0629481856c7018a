#include "analysis/model_errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/error_interval.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "potentials/structure_evaluation.hpp"

namespace haven {
namespace {

constexpr std::size_t worst_count = 10;
/// xx yy zz yz xz xy
constexpr int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};

/// Squared errors of one frame.
struct FrameSquares {
  Index frame = 0;
  SquaredErrors energy{}, force{}, stress{};
};

/// Adds up absolute and squared errors; finish() turns the sums into means with intervals.
struct Sums {
  ErrorSummary summary;
  std::vector<FrameSquares> frames{};

  /// What is added from now on belongs to this frame.
  void start(Index frame) {
    if (frames.empty() || frames.back().frame != frame) frames.push_back({.frame = frame});
  }
  static void add(SquaredErrors& squares, double error) {
    squares.sum += error * error;
    ++squares.count;
  }
  void add_energy(double error) {
    add(frames.back().energy, error);
    ++summary.energies;
    summary.energy_mae += std::abs(error);
    summary.energy_rmse += error * error;
    summary.energy_bias += error;
    summary.energy_max = std::max(summary.energy_max, std::abs(error));
  }
  void add_force(double label, double error) {
    add(frames.back().force, error);
    ++summary.force_components;
    summary.force_mae += std::abs(error);
    summary.force_rmse += error * error;
    summary.force_label_rms += label * label;
    summary.force_max = std::max(summary.force_max, std::abs(error));
  }
  void add_stress(double error) {
    add(frames.back().stress, error);
    ++summary.stress_components;
    summary.stress_mae += std::abs(error);
    summary.stress_rmse += error * error;
  }
  /// @param origins of all frames of the set
  [[nodiscard]] ErrorSummary finish(std::span<const FrameOrigin> origins) const {
    ErrorSummary s = summary;
    const auto mean = [](double& value, Index count) { value = count > 0 ? value / static_cast<double>(count) : 0.0; };
    mean(s.energy_mae, s.energies);
    mean(s.energy_rmse, s.energies);
    mean(s.energy_bias, s.energies);
    mean(s.force_mae, s.force_components);
    mean(s.force_rmse, s.force_components);
    mean(s.force_label_rms, s.force_components);
    mean(s.stress_mae, s.stress_components);
    mean(s.stress_rmse, s.stress_components);
    for (double* value : {&s.energy_rmse, &s.force_rmse, &s.force_label_rms, &s.stress_rmse})
      *value = std::sqrt(*value);
    std::vector<FrameOrigin> own;
    for (const FrameSquares& f : frames) own.push_back(origins[static_cast<std::size_t>(f.frame)]);
    const ResamplingUnits units = resampling_units(own);
    s.resampled = units.kind;
    s.resampled_units = units.count;
    s.energy_rmse_ci95 = interval(units, &FrameSquares::energy);
    s.force_rmse_ci95 = interval(units, &FrameSquares::force);
    s.stress_rmse_ci95 = interval(units, &FrameSquares::stress);
    return s;
  }
  [[nodiscard]] std::optional<Interval> interval(const ResamplingUnits& units,
                                                 SquaredErrors FrameSquares::*quantity) const {
    std::vector<SquaredErrors> sums(static_cast<std::size_t>(units.count));
    for (std::size_t f = 0; f < frames.size(); ++f) {
      SquaredErrors& into = sums[static_cast<std::size_t>(units.unit_of[f])];
      into.sum += (frames[f].*quantity).sum;
      into.count += (frames[f].*quantity).count;
    }
    return rmse_interval(sums);
  }
};

std::string name_of(const Frame& frame, Index index) {
  return frame.source.path.empty() ? fmt::format("frame {}", index)
                                   : fmt::format("{}:{}", frame.source.path, frame.source.index);
}

StructureEvaluation evaluate_frame(const Potential& potential, const Frame& frame, const std::string& name) {
  const auto where = [&](const Error& error) { return fmt::format("{}, {}", name, error.where()); };
  try {
    return evaluate_structure(potential, frame.structure, Wanted::deviation);
  } catch (const ModelError& error) {
    throw ModelError(error.summary(), where(error), error.remedy());
  } catch (const NumericalError& error) {
    throw NumericalError(error.summary(), where(error), error.remedy());
  }
}

/// Collects everything about one set.
class Comparison {
 public:
  void add(const Frame& frame, Index index, const std::string& name, const StructureEvaluation& prediction) {
    std::vector<Sums*> groups{&all_, &by_group_[frame.group.empty() ? "ungrouped" : frame.group]};
    if (frame.temperature) groups.push_back(&by_temperature_[fmt::format("{:g} K", *frame.temperature)]);
    const double atoms = static_cast<double>(frame.structure.size());
    origins_.push_back({.trajectory = frame.trajectory, .step = frame.source.index});
    for (Sums* sums : groups) {
      sums->start(index);
      ++sums->summary.structures;
      sums->summary.atoms += frame.structure.size();
    }
    FrameErrors errors{.frame = index, .name = name, .extrapolating = prediction.extrapolating};
    if (frame.energy) {
      const double error = (prediction.energy - *frame.energy) / atoms;
      for (Sums* sums : groups) sums->add_energy(error);
      errors.energy = error;
      result_.energy_parity.push_back(
          {.label = *frame.energy / atoms, .prediction = prediction.energy / atoms, .frame = index});
    }
    if (!frame.forces.empty()) add_forces(frame, index, prediction, groups, errors);
    if (frame.stress) add_stress(frame, index, prediction, groups, errors);
    result_.frames.push_back(std::move(errors));
  }

  ModelErrors finish() {
    result_.all = all_.finish(origins_);
    for (const auto& [name, sums] : by_group_) result_.by_group[name] = sums.finish(origins_);
    for (const auto& [name, sums] : by_temperature_) result_.by_temperature[name] = sums.finish(origins_);
    for (const auto& [number, sums] : by_element_)
      result_.by_element[std::string(element_symbol(number))] = sums.finish(origins_);
    std::vector<Index> order(result_.frames.size());
    std::iota(order.begin(), order.end(), Index{0});
    const auto badness = [&](Index k) {
      const FrameErrors& f = result_.frames[static_cast<std::size_t>(k)];
      // Forces are known better than energies; frames with energies alone follow those with forces.
      return std::pair(f.force_rmse.value_or(-1.0), std::abs(f.energy.value_or(0.0)));
    };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return badness(a) > badness(b); });
    result_.deviation = calibrate_deviation(deviations_);
    if (order.size() > worst_count) order.resize(worst_count);
    result_.worst = std::move(order);
    return std::move(result_);
  }

 private:
  void add_forces(const Frame& frame, Index index, const StructureEvaluation& prediction, std::span<Sums* const> groups,
                  FrameErrors& errors) {
    double squares = 0, largest = -1;
    std::map<int, Index> atoms_of;
    for (std::size_t i = 0; i < frame.forces.size(); ++i) {
      const int number = frame.structure.numbers[i];
      Sums& element = by_element_[number];
      element.start(index);
      ++atoms_of[number];
      if (!prediction.force_deviations.empty())
        deviations_.push_back(
            {.deviation = prediction.force_deviations[i], .error = norm(prediction.forces[i] - frame.forces[i])});
      for (int k = 0; k < 3; ++k) {
        const double label = frame.forces[i][k], error = prediction.forces[i][k] - label;
        for (Sums* sums : groups) sums->add_force(label, error);
        element.add_force(label, error);
        squares += error * error;
        if (std::abs(error) > largest) {
          largest = std::abs(error);
          errors.force_max_atom = static_cast<Index>(i);
        }
        result_.force_parity.push_back(
            {.label = label, .prediction = prediction.forces[i][k], .frame = index, .number = number});
      }
    }
    for (const auto& [number, count] : atoms_of) {
      ++by_element_[number].summary.structures;
      by_element_[number].summary.atoms += count;
    }
    errors.force_rmse = std::sqrt(squares / (3 * static_cast<double>(frame.forces.size())));
    errors.force_max = largest;
  }

  void add_stress(const Frame& frame, Index index, const StructureEvaluation& prediction, std::span<Sums* const> groups,
                  FrameErrors& errors) {
    double squares = 0;
    for (const auto& [i, k] : voigt) {
      // Labels are symmetric up to rounding; the mean of the two halves is the label.
      const double label = 0.5 * ((*frame.stress)[i][k] + (*frame.stress)[k][i]);
      const double value = 0.5 * (prediction.stress[i][k] + prediction.stress[k][i]);
      for (Sums* sums : groups) sums->add_stress(value - label);
      squares += (value - label) * (value - label);
      result_.stress_parity.push_back({.label = label, .prediction = value, .frame = index});
    }
    errors.stress_rmse = std::sqrt(squares / 6);
  }

  Sums all_;
  std::map<std::string, Sums> by_group_, by_temperature_;
  std::map<int, Sums> by_element_;
  std::vector<DeviationPoint> deviations_;
  std::vector<FrameOrigin> origins_;
  ModelErrors result_;
};

}  // namespace

ModelErrors evaluate_errors(const Potential& potential, std::span<const Frame> frames, const ErrorProgress& progress) {
  const bool labelled = std::any_of(frames.begin(), frames.end(), [](const Frame& frame) {
    return frame.energy || !frame.forces.empty() || frame.stress;
  });
  if (!labelled)
    throw InputError(fmt::format("none of {} frames has an energy, forces or stress", frames.size()), "test set",
                     "Give a set with labels, for example one that `haven data import` wrote.");
  Comparison comparison;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const Frame& frame = frames[f];
    const auto index = static_cast<Index>(f);
    const std::string name = name_of(frame, index);
    if (!frame.forces.empty() && frame.forces.size() != frame.structure.numbers.size())
      throw InputError(fmt::format("{} forces for {} atoms", frame.forces.size(), frame.structure.numbers.size()), name,
                       "Import the file again; it may be damaged.");
    comparison.add(frame, index, name, evaluate_frame(potential, frame, name));
    if (progress) progress(index + 1, static_cast<Index>(frames.size()));
  }
  return comparison.finish();
}

}  // namespace haven
