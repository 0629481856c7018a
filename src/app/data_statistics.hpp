#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/structure.hpp"

namespace haven {

/// Summary of numbers; all zero when there are none.
struct Distribution {
  Index count = 0;
  double mean = 0, deviation = 0;  ///< root mean square about the mean
  double smallest = 0, largest = 0;
  double p01 = 0, median = 0, p99 = 0;  ///< percentiles (nearest rank)
  std::vector<double> values{};         ///< sorted; for histograms
};
[[nodiscard]] Distribution distribution_of(std::vector<double> values);

/// Equal bins from the 0.1th to the 99.9th percentile; what lies outside is counted in the first and last bin.
struct Histogram {
  double low = 0, width = 0;
  std::vector<Index> counts;
};
[[nodiscard]] Histogram histogram_of(const Distribution& distribution, std::size_t bins = 60);

struct GroupStatistics {
  Index frames = 0, atoms = 0, with_forces = 0, with_stress = 0;
  std::map<std::string, Index> compositions;  ///< "Li20 Ge2 P4 S24" -> frames
  Distribution energy;                        ///< eV per atom
  Distribution residual;                      ///< meV per atom, energy minus the reference energies of its atoms
  Distribution force;                         ///< eV/A, norm per atom
  Distribution pressure;                      ///< GPa, positive when the system pushes outwards
  Distribution volume;                        ///< A^3 per atom
  Distribution temperature;                   ///< K
};

struct ElementStatistics {
  Index atoms = 0;
  double reference_energy = 0;  ///< eV, least squares over the frames with energy
  Distribution force;           ///< eV/A, norm per atom
};

/// Distances, A, of the atoms of one element to their nearest neighbour of another (or the same) element, up to 6 A.
using PairDistances = std::map<std::pair<std::string, std::string>, Distribution>;

struct DatasetStatistics {
  GroupStatistics all;
  std::map<std::string, GroupStatistics> groups;
  std::map<std::string, ElementStatistics> elements;
  PairDistances pairs;
  Index trajectories = 0, sources = 0;
  std::map<std::string, Index> codes;     ///< "VASP 5.4.4" -> frames
  std::map<std::string, Index> settings;  ///< text of CalculationSettings -> frames
};

[[nodiscard]] DatasetStatistics dataset_statistics(std::span<const Frame> frames);

[[nodiscard]] std::string statistics_text(const DatasetStatistics& statistics);
[[nodiscard]] std::string statistics_json(const DatasetStatistics& statistics);
/// One self-contained page with histograms (SVG inside); `title` is plain text.
[[nodiscard]] std::string statistics_html(const DatasetStatistics& statistics, const std::string& title);
/// The figures of the page by name ("energy", "force", "pressure", "distance", "temperature"); those without data are
/// absent.
[[nodiscard]] std::map<std::string, std::string> statistics_figures(const DatasetStatistics& statistics);

}  // namespace haven
