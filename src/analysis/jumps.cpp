#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "analysis/distributions.hpp"
#include "analysis/planner.hpp"
#include "analysis/sites.hpp"
#include "core/cell.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr int nowhere = -1;
constexpr int blocks = 5;
constexpr std::size_t groups = 20;  ///< of ions, whose counts are compared

/// A number for each block of the run and group of ions.
using Cells = std::array<double, blocks * groups>;

Vec3 nearest(Vec3 d) {
  for (int k = 0; k < 3; ++k) d[k] -= std::nearbyint(d[k]);
  return d;
}

/// Sites near a point, by a grid of boxes at least as wide as the core radius.
class SiteFinder {
 public:
  SiteFinder(const SiteMap& sites, double radius) : sites_(sites), cell_(sites.cell), radius_(radius) {
    const Vec3 heights = cell_.heights();
    for (int k = 0; k < 3; ++k)
      boxes_[static_cast<std::size_t>(k)] = std::clamp(static_cast<int>(heights[k] / radius), 1, 64);
    members_.resize(static_cast<std::size_t>(boxes_[0] * boxes_[1] * boxes_[2]));
    for (std::size_t k = 0; k < sites.fractional.size(); ++k) members_[box_of(sites.fractional[k])].push_back(k);
  }
  /// The closest site within the radius, or nowhere.
  [[nodiscard]] int find(const Vec3& s) const {
    int best = nowhere;
    double shortest = radius_ * radius_;
    std::array<int, 3> at{};
    for (int k = 0; k < 3; ++k) at[static_cast<std::size_t>(k)] = box(s[k], k);
    for (int a = -1; a <= 1; ++a)
      for (int b = -1; b <= 1; ++b)
        for (int c = -1; c <= 1; ++c)
          for (const std::size_t site : members_[index({at[0] + a, at[1] + b, at[2] + c})]) {
            const double length = norm2(cell_.to_cartesian(nearest(sites_.fractional[site] - s)));
            if (length < shortest) shortest = length, best = static_cast<int>(site);
          }
    return best;
  }

 private:
  [[nodiscard]] int box(double s, int axis) const {
    const int count = boxes_[static_cast<std::size_t>(axis)];
    return std::min(static_cast<int>((s - std::floor(s)) * count), count - 1);
  }
  [[nodiscard]] std::size_t index(const std::array<int, 3>& at) const {
    std::size_t out = 0;
    for (std::size_t k = 0; k < 3; ++k)
      out = out * static_cast<std::size_t>(boxes_[k]) + static_cast<std::size_t>((at[k] + boxes_[k]) % boxes_[k]);
    return out;
  }
  [[nodiscard]] std::size_t box_of(const Vec3& s) const { return index({box(s.x, 0), box(s.y, 1), box(s.z, 2)}); }

  const SiteMap& sites_;
  Cell cell_;
  double radius_;
  std::array<int, 3> boxes_{};
  std::vector<std::vector<std::size_t>> members_;
};

double closest_pair(const SiteMap& sites) {
  const Cell cell(sites.cell);
  double shortest = std::numeric_limits<double>::max();
  for (std::size_t a = 0; a < sites.fractional.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      shortest = std::min(shortest, norm(cell.to_cartesian(nearest(sites.fractional[a] - sites.fractional[b]))));
  return sites.fractional.size() > 1 ? shortest : 2.0;
}

/// Does another site lie between these two, as the corner of two jumps that leave the way no longer than at a right
/// angle? An ion that was seen on one and then on the other has passed over it.
bool passes_over(const SiteMap& sites, const Cell& cell, std::size_t from, std::size_t to) {
  constexpr double tolerance = 1.05;  // of squared lengths: thermal positions of sites
  const auto squared = [&](std::size_t a, std::size_t b) {
    return norm2(cell.to_cartesian(nearest(sites.fractional[a] - sites.fractional[b])));
  };
  const double direct = tolerance * squared(from, to);
  for (std::size_t k = 0; k < sites.fractional.size(); ++k)
    if (k != from && k != to && squared(from, k) + squared(k, to) <= direct) return true;
  return false;
}

/// Sums while ions are followed.
struct Ledger {
  struct Edge {
    long long count = 0;
    double distance = 0;  ///< summed
  };
  std::vector<std::array<double, blocks>> occupied;  ///< [site] frames
  std::map<std::pair<int, int>, Edge> edges;
  std::vector<Cells> time;                          ///< [type] frames
  std::map<std::pair<int, int>, Cells> type_jumps;  ///< between types
  std::vector<long long> jumps_of_ion;
  Cells squares{}, all_time{};  ///< of all types: squared jump lengths, frames
  double fourth_powers = 0;     ///< of jump lengths
  long long returns = 0;
  double outside = 0;
};

void follow_ion(const IonTracks& tracks, const SiteMap& sites, const SiteFinder& finder, std::size_t ion,
                Ledger& ledger) {
  const Cell cell(sites.cell);
  const auto frames = static_cast<std::size_t>(tracks.n_frames);
  const auto cell_of = [&](std::size_t t, std::size_t i) { return t * blocks / frames * groups + i % groups; };
  int current = nowhere, before = nowhere;
  ledger.jumps_of_ion.push_back(0);
  const IonPath path = tracks.ion(ion);
  for (std::size_t t = 0; t < frames; ++t) {
    const int here = finder.find(cell.to_fractional(path.at(t)));
    if (here == nowhere) ledger.outside += 1;
    ledger.all_time[cell_of(t, ion)] += 1;
    if (here != nowhere && current != nowhere && here != current) {
      const Vec3 d = nearest(sites.fractional[static_cast<std::size_t>(here)] -
                             sites.fractional[static_cast<std::size_t>(current)]);
      const double length = norm(cell.to_cartesian(d));
      auto& edge = ledger.edges[{current, here}];
      ++edge.count, edge.distance += length, ++ledger.jumps_of_ion.back();
      ledger.squares[cell_of(t, ion)] += length * length, ledger.fourth_powers += std::pow(length, 4);
      ledger.type_jumps[{sites.type[static_cast<std::size_t>(current)], sites.type[static_cast<std::size_t>(here)]}]
                       [cell_of(t, ion)] += 1;
      ledger.returns += here == before;
      before = current;
    }
    if (here != nowhere) current = here;
    if (current == nowhere) continue;
    ledger.occupied[static_cast<std::size_t>(current)][t * blocks / frames] += 1;
    ledger.time[static_cast<std::size_t>(sites.type[static_cast<std::size_t>(current)])][cell_of(t, ion)] += 1;
  }
}

struct Departures {
  long long count = 0;
  double dispersion = 1;
};

/// Occupation, residence and departures from the occupied frames of each block.
SiteStatistics statistics(const std::array<double, blocks>& occupied, const Departures& departures,
                          const IonTracks& tracks, double sites) {
  SiteStatistics out;
  double frames = 0, squares = 0;
  const double block_frames = static_cast<double>(tracks.n_frames) / blocks;
  for (const double n : occupied) frames += n;
  out.occupation = frames / static_cast<double>(tracks.n_frames) / sites;
  for (const double n : occupied) squares += std::pow(n / block_frames / sites - out.occupation, 2);
  out.occupation_sd = std::sqrt(squares / (blocks * (blocks - 1.0)));
  out.occupied_ps = frames * tracks.interval_ps;
  out.departures = departures.count;
  const Rate rate = poisson_rate(departures.count, out.occupied_ps, departures.dispersion);
  out.residence_ps = departures.count > 0 ? 1.0 / rate.per_ps : 0.0;
  out.residence_ci95 = {rate.ci95[1] > 0 ? 1.0 / rate.ci95[1] : 0.0,
                        rate.ci95[0] > 0 ? 1.0 / rate.ci95[0] : std::numeric_limits<double>::infinity()};
  return out;
}

/// The chi^2 interval of a rate of `events` in events; exact when the events are those of a Poisson process.
std::array<double, 2> relative_interval(double events, double outside) {
  return {events > 0 ? 0.5 * chi2_quantile(0.5 * outside, 2.0 * events) / events : 0.0,
          0.5 * chi2_quantile(1.0 - 0.5 * outside, 2.0 * events + 2.0) / events};
}

/// D_hop as a sum of squared jump lengths: it scatters like a count of (sum l^2)^2 / sum l^4 equal jumps, and more
/// where jumps come in bursts.
Estimate hop_diffusion(const Ledger& ledger, double ions, double time_ps, double shortest_jump) {
  const double per_square = units::a2_per_ps_in_cm2_per_s / (6.0 * ions * time_ps);
  const double squares = std::accumulate(ledger.squares.begin(), ledger.squares.end(), 0.0);
  if (!(squares > 0))
    return refused_estimate("no ion jumped from one site to another",
                            poisson_upper_bound(0) * shortest_jump * shortest_jump * per_square);
  Cells events = ledger.squares;
  for (double& one : events) one *= squares / ledger.fourth_powers;
  const double n = squares * squares / ledger.fourth_powers / count_dispersion(events, ledger.all_time);
  Estimate d{.value = squares * per_square, .ci68 = relative_interval(n, 0.32), .ci95 = relative_interval(n, 0.05)};
  for (auto* interval : {&d.ci68, &d.ci95})
    for (double& bound : *interval) bound *= d.value;
  d.n_eff = 2.0 / (3.0 * std::pow(d.log_sd(), 2));
  return d;
}

nlohmann::json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json jump_json(const Jump& jump) {
  return {{"from", jump.from},
          {"to", jump.to},
          {"distance_A", jump.distance},
          {"count", jump.rate.count},
          {"rate_per_ps", jump.rate.per_ps},
          {"rate_ci95_per_ps", jump.rate.ci95},
          {"dispersion", jump.rate.dispersion}};
}

nlohmann::json statistics_json(const SiteStatistics& s) {
  return {{"occupation", s.occupation},
          {"occupation_sd", s.occupation_sd},
          {"residence_ps", s.departures > 0 ? nlohmann::json(s.residence_ps) : nlohmann::json(nullptr)},
          {"residence_ci95_ps", {s.residence_ci95[0], number_or_null(s.residence_ci95[1])}},
          {"departures", s.departures},
          {"occupied_ps", s.occupied_ps}};
}

}  // namespace

Rate poisson_rate(long long count, double time_ps, double dispersion) {
  Rate rate{.count = count, .dispersion = dispersion};
  if (!(time_ps > 0)) return rate;
  rate.per_ps = static_cast<double>(count) / time_ps;
  const double bursts = static_cast<double>(count) / dispersion;
  rate.ci95 = {count > 0 ? 0.5 * dispersion * chi2_quantile(0.025, 2.0 * bursts) / time_ps : 0.0,
               0.5 * dispersion * chi2_quantile(0.975, 2.0 * bursts + 2.0) / time_ps};
  return rate;
}

double count_dispersion(std::span<const double> events, std::span<const double> time) {
  double count = 0, total = 0;
  for (const double one : events) count += one;
  for (const double one : time) total += one;
  constexpr double per_cell = 5, fewest = 50;
  if (count < fewest || !(total > 0)) return 1;
  const std::size_t cells = std::min(events.size(), static_cast<std::size_t>(count / per_cell));
  std::vector<double> seen(cells, 0.0), expected(cells, 0.0);
  for (std::size_t c = 0; c < events.size(); ++c)
    seen[c % cells] += events[c], expected[c % cells] += count / total * time[c];
  double chi2 = 0, used = 0;
  for (std::size_t c = 0; c < cells; ++c)
    if (expected[c] > 0) chi2 += std::pow(seen[c] - expected[c], 2) / expected[c], used += 1;
  return used > 1 && chi2_survival(chi2, used - 1) < 0.005 ? chi2 / (used - 1) : 1.0;
}

JumpNetwork jump_network(const IonTracks& tracks, const SiteMap& sites) {
  JumpNetwork network;
  network.core_radius = 0.45 * closest_pair(sites);
  network.time_ps = tracks.interval_ps * static_cast<double>(tracks.n_frames);
  const SiteFinder finder(sites, network.core_radius);
  Ledger ledger;
  ledger.occupied.resize(sites.fractional.size());
  const auto types = static_cast<std::size_t>(*std::max_element(sites.type.begin(), sites.type.end()) + 1);
  ledger.time.resize(types);
  const auto ions = static_cast<std::size_t>(tracks.n_ions());
  for (std::size_t ion = 0; ion < ions; ++ion) follow_ion(tracks, sites, finder, ion, ledger);

  std::vector<std::array<double, blocks>> type_occupied(types);
  std::vector<Departures> departures(sites.fractional.size()), type_departures(types);
  std::vector<Cells> leaving(types);
  network.sites_of_type.assign(types, 0);
  for (std::size_t k = 0; k < sites.type.size(); ++k) {
    const auto type = static_cast<std::size_t>(sites.type[k]);
    ++network.sites_of_type[type];
    for (std::size_t b = 0; b < blocks; ++b) type_occupied[type][b] += ledger.occupied[k][b];
  }
  std::map<std::pair<int, int>, Ledger::Edge> type_edges;
  const Cell cell(sites.cell);
  long long skipping = 0;
  for (const auto& [ends, edge] : ledger.edges) {
    const int from = sites.type[static_cast<std::size_t>(ends.first)],
              to = sites.type[static_cast<std::size_t>(ends.second)];
    departures[static_cast<std::size_t>(ends.first)].count += edge.count;
    type_departures[static_cast<std::size_t>(from)].count += edge.count;
    type_edges[{from, to}].count += edge.count, type_edges[{from, to}].distance += edge.distance;
    network.jumps_total += edge.count;
    if (passes_over(sites, cell, static_cast<std::size_t>(ends.first), static_cast<std::size_t>(ends.second)))
      skipping += edge.count;
  }
  // The types have the counts that tell how much jumps come in bursts; their sites share it.
  std::map<std::pair<int, int>, double> dispersion;
  for (const auto& [ends, cells] : ledger.type_jumps) {
    const auto from = static_cast<std::size_t>(ends.first);
    dispersion[ends] = count_dispersion(cells, ledger.time[from]);
    for (std::size_t c = 0; c < cells.size(); ++c) leaving[from][c] += cells[c];
  }
  for (std::size_t k = 0; k < types; ++k) type_departures[k].dispersion = count_dispersion(leaving[k], ledger.time[k]);
  for (std::size_t k = 0; k < sites.type.size(); ++k) {
    departures[k].dispersion = type_departures[static_cast<std::size_t>(sites.type[k])].dispersion;
    network.sites.push_back(statistics(ledger.occupied[k], departures[k], tracks, 1.0));
  }
  for (std::size_t k = 0; k < types; ++k)
    network.types.push_back(
        statistics(type_occupied[k], type_departures[k], tracks, static_cast<double>(network.sites_of_type[k])));
  const auto list = [&](const auto& edges, const std::vector<SiteStatistics>& from, const auto& type_of) {
    std::vector<Jump> jumps;
    for (const auto& [ends, edge] : edges)
      jumps.push_back({ends.first, ends.second, edge.distance / static_cast<double>(edge.count),
                       poisson_rate(edge.count, from[static_cast<std::size_t>(ends.first)].occupied_ps,
                                    dispersion.at({type_of(ends.first), type_of(ends.second)}))});
    return jumps;
  };
  network.jumps = list(ledger.edges, network.sites, [&](int k) { return sites.type[static_cast<std::size_t>(k)]; });
  network.type_jumps = list(type_edges, network.types, [](int k) { return k; });
  network.returns = ledger.returns;
  const double ion_frames = static_cast<double>(ions) * static_cast<double>(tracks.n_frames);
  network.between_sites = ledger.outside / ion_frames;
  network.finely_sampled = skipping * 20 <= network.jumps_total;
  network.jumps_of_ion = std::move(ledger.jumps_of_ion);
  network.hop_diffusion = hop_diffusion(ledger, static_cast<double>(ions), network.time_ps, closest_pair(sites));
  return network;
}

std::string network_json(const SiteMap& sites, const JumpNetwork& network) {
  nlohmann::json out;
  const Cell cell(sites.cell);
  for (int k = 0; k < 3; ++k) out["cell_A"].push_back({sites.cell[k].x, sites.cell[k].y, sites.cell[k].z});
  out["sites_from"] = sites.origin;
  out["time_ps"] = network.time_ps;
  out["core_radius_A"] = network.core_radius;
  out["share_between_sites"] = network.between_sites;
  out["jumps_total"] = network.jumps_total;
  out["share_returning"] =
      network.jumps_total > 0 ? static_cast<double>(network.returns) / static_cast<double>(network.jumps_total) : 0.0;
  const Estimate& d_hop = network.hop_diffusion;
  out["D_hop_cm2_per_s"] = d_hop.determined() ? d_hop.value : 0.0;
  out["finely_sampled"] = network.finely_sampled;
  out["sites"] = out["types"] = out["jumps"] = out["type_jumps"] = nlohmann::json::array();
  for (std::size_t k = 0; k < sites.fractional.size(); ++k) {
    const Vec3 s = sites.fractional[k], r = cell.to_cartesian(s);
    nlohmann::json site = statistics_json(network.sites[k]);
    site["site"] = k, site["type"] = sites.type[k];
    site["fractional"] = {s.x, s.y, s.z}, site["position_A"] = {r.x, r.y, r.z};
    out["sites"].push_back(std::move(site));
  }
  for (std::size_t k = 0; k < network.types.size(); ++k) {
    nlohmann::json type = statistics_json(network.types[k]);
    type["type"] = k, type["sites"] = network.sites_of_type[k];
    out["types"].push_back(std::move(type));
  }
  for (const Jump& jump : network.jumps) out["jumps"].push_back(jump_json(jump));
  for (const Jump& jump : network.type_jumps) out["type_jumps"].push_back(jump_json(jump));
  return out.dump(1) + "\n";
}

std::string jumps_csv(const SiteMap& sites, const JumpNetwork& network) {
  std::string text = "from,to,from_type,to_type,distance_A,count,rate_per_ps,rate_low_per_ps,rate_high_per_ps\n";
  for (const Jump& jump : network.jumps)
    text += fmt::format("{},{},{},{},{:.4f},{},{:.6g},{:.6g},{:.6g}\n", jump.from, jump.to,
                        sites.type[static_cast<std::size_t>(jump.from)], sites.type[static_cast<std::size_t>(jump.to)],
                        jump.distance, jump.rate.count, jump.rate.per_ps, jump.rate.ci95[0], jump.rate.ci95[1]);
  return text;
}

std::string sites_csv(const SiteMap& sites, const JumpNetwork& network) {
  std::string text =
      "site,type,a,b,c,occupation,occupation_sd,departures,residence_ps,residence_low_ps,residence_high_ps\n";
  for (std::size_t k = 0; k < network.sites.size(); ++k) {
    const SiteStatistics& s = network.sites[k];
    text += fmt::format("{},{},{:.6f},{:.6f},{:.6f},{:.6g},{:.3g},{},{:.6g},{:.6g},{:.6g}\n", k, sites.type[k],
                        sites.fractional[k].x, sites.fractional[k].y, sites.fractional[k].z, s.occupation,
                        s.occupation_sd, s.departures, s.residence_ps, s.residence_ci95[0], s.residence_ci95[1]);
  }
  return text;
}

}  // namespace haven
