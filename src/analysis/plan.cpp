#include "analysis/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/planner.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

double inverse(double temperature_K) { return 1.0 / (units::boltzmann * temperature_K); }

void check(const PlanOptions& o) {
  const auto need = [](bool fine, const char* what, const char* where, const char* remedy) {
    if (!fine) throw ConfigError(what, where, remedy);
  };
  need(!o.temperatures.empty(), "no temperature is to be planned", "--temperatures",
       "Name the ladder, e.g. 600 800 1000.");
  need(!o.pilots.empty(), "nothing is known of the diffusion", "haven plan",
       "Give a pilot trajectory, or a guess with --diffusion 1e-5 --at 800.");
  for (const double t : o.temperatures) need(t > 0, "a temperature is not positive", "--temperatures", "Give it in K.");
  for (const PlanPilot& p : o.pilots)
    need(p.temperature_K > 0 && p.d_cm2_per_s > 0, "a pilot has no temperature or no diffusion", "haven plan",
         "Give both, e.g. --diffusion 1e-5 --at 800.");
  need(o.relative_error > 0 && o.relative_error < 1, "the wanted error is not between 0 and 1", "--eps",
       "Write 0.1 for 10 %.");
  need(o.replicas > 0, "fewer than one replica", "--replicas", "Write a positive number.");
  need(!o.ns_per_day || *o.ns_per_day > 0, "the speed is not positive", "--ns-per-day", "Measure it with haven bench.");
}

/// From the two measured pilots that are furthest apart.
std::optional<double> measured_activation(const std::vector<PlanPilot>& pilots) {
  const PlanPilot *cold = nullptr, *hot = nullptr;
  for (const PlanPilot& p : pilots) {
    if (p.is_bound) continue;
    if (cold == nullptr || p.temperature_K < cold->temperature_K) cold = &p;
    if (hot == nullptr || p.temperature_K > hot->temperature_K) hot = &p;
  }
  if (cold == nullptr || hot->temperature_K < 1.02 * cold->temperature_K) return std::nullopt;
  return std::log(hot->d_cm2_per_s / cold->d_cm2_per_s) / (inverse(cold->temperature_K) - inverse(hot->temperature_K));
}

PlanRow plan_row(const PlanOptions& o, double temperature_K, double activation, double uncertainty) {
  const PlanPilot* pilot = &o.pilots[0];
  const auto away = [&](const PlanPilot& p) { return std::abs(1.0 / p.temperature_K - 1.0 / temperature_K); };
  for (const PlanPilot& p : o.pilots)
    if (away(p) < away(*pilot)) pilot = &p;
  const double distance = inverse(temperature_K) - inverse(pilot->temperature_K);
  PlanRow row{.temperature_K = temperature_K};
  const double slower = std::exp(activation * distance);
  row.d_cm2_per_s = pilot->d_cm2_per_s / slower;
  row.tau0_ps = pilot->tau0_ps > 0 ? pilot->tau0_ps * slower : onset_from_diffusion_ps(row.d_cm2_per_s, o.hop_length);
  row.total_ns = needed_run_ps(row.tau0_ps, o.relative_error) / 1e3;
  row.per_replica_ns = row.total_ns / o.replicas;
  const double spread = std::exp(uncertainty * std::abs(distance));
  row.least_ns = row.total_ns / spread, row.most_ns = row.total_ns * spread;
  if (o.ns_per_day) row.days = row.total_ns / *o.ns_per_day;
  if (o.ions > 0)
    row.tracer_error =
        collective_relative_error(1e3 * row.total_ns, row.tau0_ps) / std::sqrt(static_cast<double>(o.ions));
  return row;
}

/// Runs that cost more than half of the ladder when it has four temperatures or more.
std::string dear_temperature(const Plan& plan) {
  double total = 0;
  for (const PlanRow& row : plan.rows) total += row.total_ns;
  const PlanRow& coldest = plan.rows.back();
  if (plan.rows.size() < 3 || coldest.total_ns < 0.5 * total) return {};
  const PlanRow& next = plan.rows[plan.rows.size() - 2];
  const double middle = 2.0 / (1.0 / coldest.temperature_K + 1.0 / next.temperature_K);
  return fmt::format(
      "{:.0f} K costs {:.0f} % of the ladder: starting at {:.0f} K instead leaves {:.3g} of {:.3g} ns, and an "
      "extrapolation that is longer",
      coldest.temperature_K, 100.0 * coldest.total_ns / total, middle,
      total - coldest.total_ns + std::sqrt(coldest.total_ns * next.total_ns), total);
}

}  // namespace

Plan make_plan(const PlanOptions& options) {
  check(options);
  Plan plan{.relative_error = options.relative_error, .replicas = options.replicas};
  const std::optional<double> measured = measured_activation(options.pilots);
  plan.activation_measured = measured.has_value() && !options.activation_eV;
  const bool one_temperature = std::all_of(options.temperatures.begin(), options.temperatures.end(), [&](double t) {
    return std::abs(t - options.pilots[0].temperature_K) < 1e-9 * t;
  });
  if (!measured && !options.activation_eV && !one_temperature)
    throw ConfigError("the activation energy is not known", "--activation",
                      "Guess it (0.2 to 0.4 eV for fast conductors), or give pilots at two temperatures.");
  plan.activation_eV = options.activation_eV.value_or(measured.value_or(0.0));
  const double uncertainty = plan.activation_measured ? 0.0 : options.activation_sd_eV;
  std::vector<double> ladder = options.temperatures;
  std::sort(ladder.rbegin(), ladder.rend());
  for (const double t : ladder) plan.rows.push_back(plan_row(options, t, plan.activation_eV, uncertainty));
  for (const PlanPilot& pilot : options.pilots) plan.at_least = plan.at_least || pilot.is_bound;
  if (options.ns_per_day) {
    plan.days = 0.0;
    for (const PlanRow& row : plan.rows) *plan.days += *row.days;
  }
  plan.advice = dear_temperature(plan);
  return plan;
}

std::string plan_text(const Plan& plan) {
  std::string out =
      fmt::format("for {:.0f} % (one standard error) on D_sigma and sigma, {} replica{}; Ea {:.3g} eV ({})\n",
                  100.0 * plan.relative_error, plan.replicas, plan.replicas > 1 ? "s" : "", plan.activation_eV,
                  plan.activation_measured ? "from the pilots" : "guess");
  if (plan.at_least) out += "a pilot gives only a bound on D: the lengths are the least that may suffice\n";
  out += "T (K)   D* (cm2/s)   tau0         needed in all    each replica   D* error   wall\n";
  for (const PlanRow& row : plan.rows) {
    std::string needed = format_time_ps(1e3 * row.total_ns);
    if (row.most_ns > 1.05 * row.total_ns) needed += fmt::format(" ({:.2g}-{:.2g})", row.least_ns, row.most_ns);
    out += fmt::format("{:<7.4g} {:<12.2e} {:<12} {:<16} {:<14} {:<10} {}\n", row.temperature_K, row.d_cm2_per_s,
                       format_time_ps(row.tau0_ps), needed, format_time_ps(1e3 * row.per_replica_ns),
                       row.tracer_error ? fmt::format("{:.1f} %", 100.0 * *row.tracer_error) : "-",
                       row.days ? fmt::format("{:.2g} d", *row.days) : "-");
  }
  if (plan.days) out += fmt::format("the ladder takes {:.2g} days\n", *plan.days);
  if (!plan.advice.empty()) out += plan.advice + "\n";
  return out;
}

std::string plan_json(const Plan& plan) {
  using Json = nlohmann::ordered_json;
  const auto optional = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json out{{"relative_error", plan.relative_error},
           {"replicas", plan.replicas},
           {"activation_eV", plan.activation_eV},
           {"activation_measured", plan.activation_measured},
           {"lower_bound_only", plan.at_least},
           {"wall_days", optional(plan.days)},
           {"advice", plan.advice},
           {"temperatures", Json::array()}};
  for (const PlanRow& row : plan.rows)
    out["temperatures"].push_back({{"temperature_K", row.temperature_K},
                                   {"D_tracer_cm2_per_s", row.d_cm2_per_s},
                                   {"tau0_ps", row.tau0_ps},
                                   {"needed_ns", row.total_ns},
                                   {"needed_ns_range", {row.least_ns, row.most_ns}},
                                   {"per_replica_ns", row.per_replica_ns},
                                   {"D_tracer_relative_error", optional(row.tracer_error)},
                                   {"wall_days", optional(row.days)}});
  return out.dump(1) + "\n";
}

}  // namespace haven
