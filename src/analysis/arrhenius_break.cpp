#include "analysis/arrhenius_break.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace haven {
namespace {

/// Weights of the values at `x` in the value at `at` of the least-squares line through them.
std::vector<double> line_weights(const std::vector<double>& x, double at) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, squares = 0;
  for (const double one : x) mean += one / n;
  for (const double one : x) squares += (one - mean) * (one - mean);
  std::vector<double> weights;
  for (const double one : x) weights.push_back(1.0 / n + (at - mean) * (one - mean) / squares);
  return weights;
}

using Results = std::vector<const TransportResult*>;

std::vector<double> temperatures(const Results& results) {
  std::vector<double> out;
  for (const TransportResult* r : results) out.push_back(r->temperature_K);
  return out;
}

bool same_sites(const TransportResult& a, const TransportResult& b) {
  return std::equal(a.sites.begin(), a.sites.end(), b.sites.begin(), b.sites.end(),
                    [](const SiteOccupancy& s, const SiteOccupancy& t) { return s.sites == t.sites; });
}

void add_occupations(const Results& below, const TransportResult& above, BreakChanges& out) {
  Results measured;
  for (const TransportResult* r : below)
    if (!r->sites.empty()) measured.push_back(r);
  if (above.sites.empty() || measured.size() < 2) {
    out.not_measured = "they need `haven transport structure` at two temperatures below and at the first one above";
    return;
  }
  if (!std::all_of(measured.begin(), measured.end(), [&](const auto* r) { return same_sites(*r, above); })) {
    out.not_measured = "the sites of the temperatures differ: give all of them one reference crystal (--sites)";
    return;
  }
  const std::vector<double> weights = line_weights(temperatures(measured), above.temperature_K);
  for (std::size_t k = 0; k < above.sites.size(); ++k) {
    const SiteOccupancy& here = above.sites[k];
    double change = here.occupation, variance = here.sd * here.sd;
    for (std::size_t j = 0; j < measured.size(); ++j) {
      change -= weights[j] * measured[j]->sites[k].occupation;
      variance += std::pow(weights[j] * measured[j]->sites[k].sd, 2);
    }
    out.occupations.push_back({static_cast<int>(k), here.sites, change, std::sqrt(variance)});
  }
}

}  // namespace

BreakChanges changes_at_break(std::span<const TransportResult> results, double low_K, double high_K) {
  BreakChanges out;
  Results below;
  const TransportResult *above = nullptr, *last = nullptr;
  for (const TransportResult& r : results) {
    if (r.temperature_K <= low_K + 1e-6) below.push_back(&r);
    if (std::abs(r.temperature_K - low_K) < 1e-6) last = &r;
    if (std::abs(r.temperature_K - high_K) < 1e-6) above = &r;
  }
  if (above == nullptr || last == nullptr || below.size() < 2) {
    out.not_measured = "too few temperatures below the break";
    return out;
  }
  out.alpha2_below = last->checks.alpha2_peak, out.alpha2_above = above->checks.alpha2_peak;
  const auto per_ion = [](const TransportResult& r) { return r.volume_A3 / static_cast<double>(r.n_ions); };
  const auto has_volume = [](const TransportResult* r) { return r->volume_A3 > 0 && r->n_ions > 0; };
  if (has_volume(above) && std::all_of(below.begin(), below.end(), has_volume)) {
    const std::vector<double> weights = line_weights(temperatures(below), above->temperature_K);
    double expected = 0;
    for (std::size_t j = 0; j < below.size(); ++j) expected += weights[j] * per_ion(*below[j]);
    out.volume = per_ion(*above) / expected - 1.0;
  }
  add_occupations(below, *above, out);
  return out;
}

std::string break_text(const BreakChanges& changes) {
  std::string out = " (there ";
  if (changes.volume)
    out += fmt::format("the volume departs by {:+.2f} % from the expansion below, ", 100.0 * *changes.volume);
  out += fmt::format("the peak of alpha2 goes from {:.2g} to {:.2g}, ", changes.alpha2_below, changes.alpha2_above);
  if (!changes.not_measured.empty()) return out + "site occupations are not measured: " + changes.not_measured + ")";
  out += "ions per site depart from their trend below by ";
  for (std::size_t k = 0; k < changes.occupations.size(); ++k) {
    const OccupationChange& one = changes.occupations[k];
    out += fmt::format("{}{:+.3f} +- {:.3f} (type {}, {} sites)", k == 0 ? "" : ", ", one.change, one.sd, one.type,
                       one.sites);
  }
  return out + ")";
}

}  // namespace haven
