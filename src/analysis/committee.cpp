#include "analysis/committee.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "analysis/distributions.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

constexpr double z68 = 0.994457883209753;

/// Weighted mean with weights 1 / (sd^2 + between), its variance, and Cochran's Q.
struct Pooled {
  double mean = 0, variance = 0, q = 0;
};

Pooled pooled(std::span<const double> values, std::span<const double> sds, double between) {
  Pooled out;
  double weight = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const double w = 1.0 / (sds[k] * sds[k] + between);
    weight += w, out.mean += w * values[k];
  }
  out.mean /= weight, out.variance = 1.0 / weight;
  for (std::size_t k = 0; k < values.size(); ++k)
    out.q += std::pow(values[k] - out.mean, 2) / (sds[k] * sds[k] + between);
  return out;
}

/// The variance between models at which Q is `limit`; 0 when it is below without any (Viechtbauer, Stat. Med. 26, 37
/// (2007)).
double variance_at(std::span<const double> values, std::span<const double> sds, double limit) {
  double high = 0;
  for (const double sd : sds) high = std::max(high, sd * sd);
  if (pooled(values, sds, 0).q <= limit) return 0;
  while (pooled(values, sds, high).q > limit) high *= 2;
  double low = 0;
  for (int k = 0; k < 40; ++k) {
    const double middle = 0.5 * (low + high);
    (pooled(values, sds, middle).q > limit ? low : high) = middle;
  }
  return high;
}

/// Central 95 % of the mixture of normal distributions over the confidence distribution of the variance.
std::array<double, 2> prediction(std::span<const double> values, std::span<const double> sds) {
  constexpr int steps = 100;
  const double dof = static_cast<double>(values.size()) - 1.0;
  std::vector<std::array<double, 2>> normals;  // mean, sd
  double widest = 0;
  for (int k = 0; k < steps; ++k) {
    const double between = variance_at(values, sds, chi2_quantile((k + 0.5) / steps, dof));
    const Pooled at = pooled(values, sds, between);
    normals.push_back({at.mean, std::sqrt(between + at.variance)});
    widest = std::max(widest, normals.back()[1]);
  }
  const auto quantile = [&](double p) {
    double low = normals[0][0] - 10 * widest, high = normals[0][0] + 10 * widest;
    for (int k = 0; k < 50; ++k) {
      const double middle = 0.5 * (low + high);
      double below = 0;
      for (const auto& [mean, sd] : normals) below += normal_cdf((middle - mean) / sd) / steps;
      (below < p ? low : high) = middle;
    }
    return 0.5 * (low + high);
  };
  return {quantile(0.025), quantile(0.975)};
}

double plain_sd(const Estimate& e) { return 0.5 * (e.ci68[1] - e.ci68[0]) / z68; }

/// Combines what the members say about one quantity.
CommitteeQuantity combined(CommitteeQuantity quantity, std::span<const Estimate> estimates) {
  std::vector<double> values, sds;
  for (const Estimate& e : estimates) {
    if (!e.determined()) continue;
    quantity.members.push_back(e.value);
    values.push_back(quantity.logarithmic ? std::log(e.value) : e.value);
    sds.push_back(quantity.logarithmic ? e.log_sd() : plain_sd(e));
  }
  if (values.size() < 2) {
    quantity.refused = fmt::format("{} of {} potentials determine it; two are needed", values.size(), estimates.size());
    return quantity;
  }
  const CombinedModels sum = combine_models(values, sds);
  const auto back = [&](double y) { return quantity.logarithmic ? std::exp(y) : y; };
  const double z = normal_quantile(0.975);
  quantity.value = back(sum.mean);
  quantity.statistical_ci95 = {back(sum.mean - z * sum.statistical_sd), back(sum.mean + z * sum.statistical_sd)};
  quantity.total_ci95 = {back(sum.total_ci95[0]), back(sum.total_ci95[1])};
  quantity.statistical_error = sum.statistical_sd, quantity.spread = sum.spread;
  quantity.spread_upper = sum.spread_upper, quantity.p_equal = sum.p_equal;
  return quantity;
}

std::set<double> temperatures(std::span<const CommitteeMember> members) {
  std::set<double> all;
  for (const CommitteeMember& member : members)
    for (const TransportResult& result : member.results) all.insert(result.temperature_K);
  return all;
}

}  // namespace

CombinedModels combine_models(std::span<const double> values, std::span<const double> sds) {
  HAVEN_ASSERT(values.size() >= 2 && values.size() == sds.size());
  for (const double sd : sds) HAVEN_ASSERT(sd > 0);
  const double dof = static_cast<double>(values.size()) - 1.0;
  double weight = 0, weight2 = 0;
  for (const double sd : sds) weight += 1.0 / (sd * sd), weight2 += 1.0 / std::pow(sd, 4);
  CombinedModels out;
  const double q = pooled(values, sds, 0).q;
  out.p_equal = chi2_survival(q, dof);
  const double between = std::max(0.0, (q - dof) / (weight - weight2 / weight));
  out.spread = std::sqrt(between), out.spread_upper = std::sqrt(variance_at(values, sds, chi2_quantile(0.05, dof)));
  out.statistical_sd = 1.0 / std::sqrt(weight);
  out.mean = pooled(values, sds, between).mean;
  out.total_ci95 = prediction(values, sds);
  return out;
}

CommitteeResult analyse_committee(std::span<const CommitteeMember> members) {
  if (members.size() < 2)
    throw ConfigError("a committee needs at least two potentials", "haven transport committee",
                      "Name the run folders of potentials that were trained with different seeds.");
  CommitteeResult out;
  for (const CommitteeMember& member : members) out.names.push_back(member.name);
  out.target_K = members[0].fit.target_K;
  const auto add = [&](CommitteeQuantity quantity, const std::function<const Estimate*(const CommitteeMember&)>& of) {
    std::vector<Estimate> estimates;
    for (const CommitteeMember& member : members)
      if (const Estimate* e = of(member)) estimates.push_back(*e);
    out.quantities.push_back(combined(std::move(quantity), estimates));
  };
  const auto at = [](const CommitteeMember& member, double t) {
    return std::find_if(member.results.begin(), member.results.end(),
                        [t](const TransportResult& r) { return r.temperature_K == t; });
  };
  for (const double t : temperatures(members)) {
    const auto every = [&](const char* name, const char* unit, auto part) {
      add({.name = name, .unit = unit, .temperature_K = t}, [&](const CommitteeMember& member) -> const Estimate* {
        const auto found = at(member, t);
        return found == member.results.end() ? nullptr : &part(*found);
      });
    };
    every("D*", "cm^2/s", [](const TransportResult& r) -> const Estimate& { return r.tracer.iso; });
    every("D_sigma", "cm^2/s", [](const TransportResult& r) -> const Estimate& { return r.collective.iso; });
    every("H_R", "", [](const TransportResult& r) -> const Estimate& { return r.haven_ratio; });
    every("sigma", "S/cm", [](const TransportResult& r) -> const Estimate& { return r.sigma; });
  }
  add({.name = "Ea(sigma T)", .unit = "eV", .logarithmic = false},
      [](const CommitteeMember& member) { return &member.fit.Ea_eV; });
  add({.name = "Ea(D*)", .unit = "eV", .logarithmic = false},
      [](const CommitteeMember& member) { return &member.fit.Ea_tracer_eV; });
  add({.name = fmt::format("sigma({:g} K)", out.target_K), .unit = "S/cm"},
      [](const CommitteeMember& member) { return &member.fit.sigma_at_target; });
  if (members.size() < 4)
    out.warnings.push_back({"TR040", fmt::format("{} potentials: their spread is itself known poorly (see its bound); "
                                                 "four or more make it useful",
                                                 members.size())});
  std::string differ;
  for (const CommitteeQuantity& q : out.quantities)
    if (q.refused.empty() && q.p_equal < 0.01)
      differ += (differ.empty() ? "" : ", ") +
                (q.temperature_K > 0 ? fmt::format("{} at {:g} K", q.name, q.temperature_K) : q.name);
  if (!differ.empty())
    out.warnings.push_back({"TR041", "the potentials differ beyond the statistics of their runs in " + differ +
                                         ": longer runs will not help; the total interval holds the spread"});
  return out;
}

}  // namespace haven
