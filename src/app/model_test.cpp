#include "app/model_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "analysis/svg_plot.hpp"
#include "app/session.hpp"
#include "app/threads.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

/// Points of a parity plot with at most one mark per cell of a fine grid, so that a million components make a small
/// figure; cells are sorted into classes by how many points they stand for.
struct Density {
  static constexpr std::size_t classes = 4;
  std::array<std::vector<double>, classes> x, y;
};

Density thin(const std::vector<ParityPoint>& points) {
  constexpr int grid = 180;
  double low = INFINITY, high = -INFINITY;
  for (const ParityPoint& p : points) {
    low = std::min({low, p.label, p.prediction});
    high = std::max({high, p.label, p.prediction});
  }
  const double width = std::max((high - low) / grid, 1e-300);
  std::map<std::pair<int, int>, std::pair<const ParityPoint*, Index>> cells;
  for (const ParityPoint& p : points) {
    auto& cell = cells[{static_cast<int>((p.label - low) / width), static_cast<int>((p.prediction - low) / width)}];
    if (cell.second++ == 0) cell.first = &p;
  }
  Density density;
  for (const auto& [key, cell] : cells) {
    const auto level = std::min<std::size_t>(
        Density::classes - 1, static_cast<std::size_t>(std::log10(static_cast<double>(cell.second)) * 1.5));
    density.x[level].push_back(cell.first->label);
    density.y[level].push_back(cell.first->prediction);
  }
  return density;
}

using Parts = std::vector<std::pair<std::string, const ModelErrors*>>;

svg::Plot parity(const Parts& parts, const std::string& what, const std::string& unit,
                 std::vector<ParityPoint> ModelErrors::*member) {
  static constexpr std::array<const char*, 3> colours{"#9aa7b5", "#e69f00", "#0072b2"};
  svg::Plot plot({.title = what,
                  .x = {.label = fmt::format("reference ({})", unit)},
                  .y = {.label = fmt::format("model ({})", unit)},
                  .width = 460,
                  .height = 440,
                  .equal_ranges = true});
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const Density density = thin(parts[k].second->*member);
    const std::size_t colour =
        parts.size() == 1 ? 2 : std::min(k + 3 - std::min<std::size_t>(parts.size(), 3), colours.size() - 1);
    bool named = false;
    for (std::size_t level = 0; level < Density::classes; ++level) {
      if (density.x[level].empty()) continue;
      plot.points(density.x[level], density.y[level],
                  {.label = named ? "" : parts[k].first,
                   .colour = colours[colour],
                   .size = 1.8,
                   .opacity = 0.4 + 0.2 * static_cast<double>(level)});
      named = true;
    }
  }
  return plot;
}

}  // namespace

const char* part_name(Part part) { return part == Part::train ? "train" : (part == Part::valid ? "valid" : "test"); }

std::vector<Part> read_split(const std::string& path) {
  std::istringstream stream(read_text_file(path));
  std::vector<Part> parts;
  std::string line;
  for (Index number = 1; std::getline(stream, line); ++number) {
    if (number == 1 || line.empty() || line[0] == '#') continue;
    const std::string part = line.substr(line.rfind(',') + 1);
    if (part == "train") {
      parts.push_back(Part::train);
    } else if (part == "valid") {
      parts.push_back(Part::valid);
    } else if (part == "test") {
      parts.push_back(Part::test);
    } else {
      throw InputError("names no part (train, valid or test)", fmt::format("{}:{}", path, number),
                       "Train again to write the file anew.");
    }
  }
  return parts;
}

std::vector<Frame> select_part(std::vector<Frame> frames, const std::vector<Part>& parts, const std::string& part,
                               const std::string& split) {
  if (frames.size() != parts.size())
    throw InputError(fmt::format("splits {} frames, but the dataset has {}", parts.size(), frames.size()), split,
                     "Use the dataset that the model was trained on.");
  std::vector<Frame> selected;
  for (std::size_t k = 0; k < frames.size(); ++k)
    if (part == part_name(parts[k])) selected.push_back(std::move(frames[k]));
  if (selected.empty())
    throw InputError(fmt::format("has no {} frames", part), split, "Choose another part, or split again.");
  return selected;
}

ModelErrors test_frames(const Potential& potential, std::span<const Frame> frames, const std::string& name, Log& log) {
  Index largest = 0;
  for (const Frame& frame : frames) largest = std::max(largest, frame.structure.size());
  use_threads_for(largest);
  return evaluate_errors(potential, frames, [&](Index done, Index total) {
    log.progress(fmt::format("{}: tested {} of {} structures", name, done, total));
  });
}

std::vector<std::string> write_parity_figures(const Parts& parts, const std::string& folder) {
  const auto any = [&](auto member) {
    return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return !(part.second->*member).empty(); });
  };
  std::vector<std::string> written;
  const auto save = [&](const char* name, const svg::Plot& plot) {
    written.push_back((std::filesystem::path(folder) / name).string());
    write_text_file(written.back(), plot.to_svg());
  };
  if (any(&ModelErrors::energy_parity))
    save("parity_energy.svg", parity(parts, "Energies", "eV/atom", &ModelErrors::energy_parity));
  if (any(&ModelErrors::force_parity))
    save("parity_force.svg", parity(parts, "Force components", "eV/Å", &ModelErrors::force_parity));
  if (any(&ModelErrors::stress_parity))
    save("parity_stress.svg", parity(parts, "Stress components", "eV/Å^{3}", &ModelErrors::stress_parity));
  return written;
}

}  // namespace haven
