#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "io/extxyz.hpp"
#include "io/structure_file.hpp"
#include "md/drift_fit.hpp"
#include "support/md_fixtures.hpp"
#include "support/training_fixtures.hpp"

/// A network that was really trained, on the example that comes with the program, and its crystal.
namespace haven::testing {

inline std::string example_file(const std::string& name) {
  return std::string(HAVEN_SOURCE_DIR) + "/examples/li3n/" + name;
}

/// A `fast` moment model after a short training: its forces are rough, but it is as smooth as a finished one, and the
/// smoothness of the energy is what the drift of a run depends on.
inline Model briefly_trained() {
  std::vector<Frame> frames;
  ExtxyzReader reader(example_file("li3n.xyz"));
  while (auto frame = reader.next()) frames.push_back(std::move(*frame));
  TrainOptions options;
  options.descriptor = {.kind = "moment", .preset = "fast", .cutoff = 5.0};
  options.max_epochs = 30;
  options.threads = 1;
  Log log;
  const auto group = make_serial_communicator();
  const TrainResult result =
      train({.options = options, .frames = frames, .parts = {}, .group = group.get(), .log = &log});
  EXPECT_LT(result.valid.force, 0.3) << "eV/A: the model is too rough to hold its crystal";
  return result.model;
}

inline MdInput crystal(const Model& model) {
  MdInput input = input_for(supercell(read_structure(example_file("POSCAR")), 3, 3, 3));
  for (std::size_t i = 0; i < input.masses.size(); ++i)
    for (const ModelElement& element : model.elements)
      if (element.number == input.structure.numbers[i]) input.masses[i] = element.mass;
  return input;
}

/// Slope of values at equal distances, and its standard error. Neighbouring residuals are alike, so the usual error is
/// widened by the square root of their statistical inefficiency 1 + 2 sum of autocorrelations, up to the first that is
/// not positive.
struct Slope {
  double value = 0, error = 0;
};

inline Slope slope_of(const std::vector<double>& times, const std::vector<double>& values) {
  DriftFit fit;
  double mean_time = 0, mean_value = 0;
  const auto n = static_cast<double>(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    fit.add(times[k], values[k]);
    mean_time += times[k] / n;
    mean_value += values[k] / n;
  }
  std::vector<double> residual;
  for (std::size_t k = 0; k < values.size(); ++k)
    residual.push_back(values[k] - mean_value - fit.slope() * (times[k] - mean_time));
  const auto lagged = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t k = lag; k < residual.size(); ++k) sum += residual[k] * residual[k - lag];
    return sum;
  };
  double inefficiency = 1;
  for (std::size_t lag = 1; lag < residual.size() / 4; ++lag) {
    const double correlation = lagged(lag) / lagged(0);
    if (correlation <= 0) break;
    inefficiency += 2 * correlation;
  }
  return {fit.slope(), fit.slope_error() * std::sqrt(inefficiency)};
}

}  // namespace haven::testing
