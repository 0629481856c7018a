#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "physics/analysis_walks.hpp"

/// Kinetic Monte Carlo of ions that hop into vacancies of a lattice.
namespace haven::testing {

enum class Lattice { simple_cubic, bcc, fcc, diamond };

inline const char* lattice_name(Lattice lattice) {
  constexpr std::array names{"simple cubic", "bcc", "fcc", "diamond"};
  return names[static_cast<std::size_t>(lattice)];
}

/// Tracer correlation factor of one vacancy in an infinite lattice (Compaan & Haven, Trans. Faraday Soc. 52, 786
/// (1956); Montet, Phys. Rev. B 7, 650 (1973)). Every hop of the vacancy moves one ion and the vacancy walks at random,
/// so this is the Haven ratio too.
inline double correlation_factor(Lattice lattice) {
  constexpr std::array factors{0.65311, 0.72722, 0.78146, 0.5};
  return factors[static_cast<std::size_t>(lattice)];
}

struct VacancyGas {
  Lattice lattice = Lattice::fcc;
  int cells = 5;  ///< conventional cubes along each axis
  int vacancies = 1;
  int frames = 1000;
  int attempts = 100;  ///< mean number of hops tried between two frames, of vacancies chosen at random
};

inline constexpr double hop_distance = 3.0;  ///< A, between neighbouring sites; frames are 1 ps apart

/// Sites on an integer grid, their neighbours, and who sits where.
class VacancyModel {
 public:
  using Site = std::array<int, 3>;
  explicit VacancyModel(const VacancyGas& gas, std::uint64_t seed) : gas_(gas), random_(seed) {
    const std::vector<Site> basis = cell_sites();
    edge_ = gas.cells * grid();
    at_.assign(static_cast<std::size_t>(edge_ * edge_ * edge_), none);
    for (int z = 0; z < gas.cells; ++z)
      for (int y = 0; y < gas.cells; ++y)
        for (int x = 0; x < gas.cells; ++x)
          for (const Site& b : basis) sites_.push_back({grid() * x + b[0], grid() * y + b[1], grid() * z + b[2]});
    // Vacancies at random sites: every arrangement is equally likely, which is equilibrium.
    for (std::size_t k = 0; k < static_cast<std::size_t>(gas.vacancies); ++k)
      std::swap(sites_[k], sites_[k + random_.below(sites_.size() - k)]);
    for (std::size_t k = 0; k < sites_.size(); ++k) at_[index(sites_[k])] = static_cast<int>(k) - gas.vacancies;
    moved_.assign(sites_.size() - static_cast<std::size_t>(gas.vacancies), {0, 0, 0});
    vacant_.assign(sites_.begin(), sites_.begin() + gas.vacancies);
    for (std::size_t k = 0; k < vacant_.size(); ++k) at_[index(vacant_[k])] = empty;
  }

  [[nodiscard]] int ions() const { return static_cast<int>(moved_.size()); }
  [[nodiscard]] int sites() const { return static_cast<int>(sites_.size()); }
  /// A per step of the integer grid.
  [[nodiscard]] double step_length() const {
    const Site n = neighbours(vacant_[0])[0];
    return hop_distance / std::sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);
  }
  [[nodiscard]] const std::vector<Site>& moved() const { return moved_; }

  /// One attempt: a vacancy and a direction; nothing happens when the neighbour is a vacancy too.
  void attempt() {
    Site& hole = vacant_[vacant_.size() == 1 ? 0 : random_.below(vacant_.size())];
    const auto& steps = neighbours(hole);
    const Site& step = steps[random_.below(steps.size())];
    Site from = hole;
    for (std::size_t a = 0; a < 3; ++a) {
      from[a] += step[a];
      if (from[a] < 0) from[a] += edge_;
      if (from[a] >= edge_) from[a] -= edge_;
    }
    int& ion = at_[index(from)];
    if (ion < 0) return;
    Site& path = moved_[static_cast<std::size_t>(ion)];
    for (std::size_t a = 0; a < 3; ++a) path[a] -= step[a];
    std::swap(ion, at_[index(hole)]);
    hole = from;
  }

 private:
  static constexpr int none = -1000000, empty = -1;
  [[nodiscard]] int grid() const {
    constexpr std::array sizes{1, 2, 2, 4};
    return sizes[static_cast<std::size_t>(gas_.lattice)];
  }
  [[nodiscard]] std::vector<Site> cell_sites() const {
    const std::vector<Site> face{{0, 0, 0}, {1, 1, 0}, {1, 0, 1}, {0, 1, 1}};
    if (gas_.lattice == Lattice::simple_cubic) return {{0, 0, 0}};
    if (gas_.lattice == Lattice::bcc) return {{0, 0, 0}, {1, 1, 1}};
    if (gas_.lattice == Lattice::fcc) return face;
    std::vector<Site> sites;
    for (const Site& s : face)
      for (const int shift : {0, 1}) sites.push_back({2 * s[0] + shift, 2 * s[1] + shift, 2 * s[2] + shift});
    return sites;
  }
  [[nodiscard]] const std::vector<Site>& neighbours(const Site& of) const {
    static const auto all = [] {
      std::array<std::vector<Site>, 5> lists;  // those of the second diamond sublattice come last
      for (int x = -1; x <= 1; ++x)
        for (int y = -1; y <= 1; ++y)
          for (int z = -1; z <= 1; ++z) {
            const int away = x * x + y * y + z * z;
            if (away == 0) continue;
            lists[static_cast<std::size_t>(away - 1 == 0 ? 0 : away == 3 ? 1 : 2)].push_back({x, y, z});
            if (away == 3) lists[x * y * z > 0 ? 3 : 4].push_back({x, y, z});
          }
      return lists;
    }();
    const auto which = static_cast<std::size_t>(gas_.lattice);
    if (gas_.lattice != Lattice::diamond) return all[which];
    return all[of[0] % 2 == 0 && of[1] % 2 == 0 ? 3U : 4U];
  }
  [[nodiscard]] std::size_t index(const Site& s) const {
    return static_cast<std::size_t>((s[2] * edge_ + s[1]) * edge_ + s[0]);
  }

  VacancyGas gas_;
  FastRandom random_;
  int edge_ = 0;
  std::vector<Site> sites_, vacant_, moved_;
  std::vector<int> at_;
};

/// D_sigma, cm^2/s: hops into vacancies that know nothing of the past carry a current without memory (the symmetric
/// exclusion process is a gradient model), so it is hops per ion and time times a^2 / 6.
inline double vacancy_d_sigma(const VacancyGas& gas) {
  const VacancyModel model(gas, 1);
  const double hops = gas.attempts * static_cast<double>(model.ions()) / (model.sites() - 1);
  return hops * hop_distance * hop_distance / (6.0 * model.ions()) * 1e-4;
}

inline IonTracks vacancy_tracks(const VacancyGas& gas, std::uint64_t seed) {
  VacancyModel model(gas, seed);
  const auto ions = static_cast<std::size_t>(model.ions());
  IonTracks tracks;
  tracks.path = "vacancies";
  tracks.numbers.assign(ions, 3);
  tracks.series.assign(3 * ions, std::vector<double>(static_cast<std::size_t>(gas.frames)));
  tracks.n_frames = gas.frames;
  tracks.interval_ps = 1.0;
  tracks.mean_cell = Mat3{{{{30, 0, 0}, {0, 30, 0}, {0, 0, 30}}}};
  tracks.volume = 27000;
  tracks.temperature_K = 600;
  const double length = model.step_length();
  // Continuous time: the number of attempts between frames varies as it does in nature. A fixed number would make the
  // sum of all hops, and so D*, less noisy than any real run.
  FastRandom waiting(seed ^ 0x5eedULL);
  double clock = 0;
  for (std::size_t t = 0; t < static_cast<std::size_t>(gas.frames); ++t) {
    for (clock -= std::log(1.0 - waiting.uniform()); clock < gas.attempts; clock -= std::log(1.0 - waiting.uniform()))
      model.attempt();
    clock = 0;  // waiting times have no memory
    for (std::size_t s = 0; s < 3 * ions; ++s) tracks.series[s][t] = length * model.moved()[s / 3][s % 3];
  }
  return tracks;
}

inline TransportOptions vacancy_options() {
  TransportOptions options;
  options.mobile = {"Li"};
  options.charges = {{"Li", 1.0}};
  options.hop_length = hop_distance;
  return options;
}

}  // namespace haven::testing
