#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace haven {

/// What is known of the diffusion at one temperature, measured or guessed.
struct PlanPilot {
  double temperature_K = 0;
  double d_cm2_per_s = 0;  ///< D*
  bool is_bound = false;   ///< an upper bound: the runs need at least what the plan says
  double tau0_ps = 0;      ///< onset of diffusion as found; 0: from D* and the hop length
};

struct PlanOptions {
  std::vector<double> temperatures{};     ///< K, to be planned
  std::vector<PlanPilot> pilots{};        ///< at least one
  std::optional<double> activation_eV{};  ///< needed with pilots of one temperature
  double activation_sd_eV = 0.05;         ///< how far the guess may be off; not used when two pilots determine it
  double hop_length = 3.0;                ///< A
  double relative_error = 0.1;            ///< wanted standard error of D_sigma (and so of sigma)
  int replicas = 1;
  long long ions = 0;                  ///< mobile ions, for the error of D*; 0: not known
  std::optional<double> ns_per_day{};  ///< measured speed of one run
};

/// One line of the cost table.
struct PlanRow {
  double temperature_K = 0;
  double d_cm2_per_s = 0;
  double tau0_ps = 0;
  double total_ns = 0, per_replica_ns = 0;
  double least_ns = 0, most_ns = 0;      ///< of total_ns, when the activation energy is off by its uncertainty
  std::optional<double> days{};          ///< wall time of all replicas one after the other
  std::optional<double> tracer_error{};  ///< relative standard error of D* that comes with it
};

struct Plan {
  std::vector<PlanRow> rows{};  ///< descending temperature
  double activation_eV = 0;
  bool activation_measured = false;
  double relative_error = 0;
  int replicas = 1;
  bool at_least = false;         ///< a pilot was only a bound
  std::optional<double> days{};  ///< of the whole ladder
  std::string advice{};          ///< the dear temperature, and what leaving it out saves; empty when there is none
};

/// Run lengths for the wanted error of D_sigma: T_run = 1.6 tau0 / eps^2 (needed_run_ps), shared by the replicas.
/// D and tau0 follow D ~ exp(-Ea / kB T) from the pilot closest in 1/T; the error of D* is that of N times as many
/// walkers. @throws ConfigError for missing or impossible values.
[[nodiscard]] Plan make_plan(const PlanOptions& options);

[[nodiscard]] std::string plan_text(const Plan& plan);
[[nodiscard]] std::string plan_json(const Plan& plan);

}  // namespace haven
