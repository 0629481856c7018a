#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "analysis/arrhenius.hpp"
#include "analysis/transport.hpp"

namespace haven {

/// Several results of one true quantity, each with its own statistical error, from potentials that were trained apart.
struct CombinedModels {
  double mean = 0;
  double statistical_sd = 0;  ///< of the mean if all potentials were alike
  double spread = 0;          ///< standard deviation between potentials beyond their errors (DerSimonian & Laird 1986)
  double spread_upper = 0;    ///< one-sided 95 % bound on it, from the distribution of Cochran's Q
  double p_equal = 1;         ///< p that potentials which agree scatter as these do
  std::array<double, 2> total_ci95{};  ///< where one more potential is expected
};
/// The total interval is a prediction over the confidence distribution of the variance between potentials (the variance
/// tau^2 at which Cochran's Q has its chi-squared quantile p, for all p; Nagashima, Noma & Furukawa, Stat. Methods Med.
/// Res. 28, 1689 (2019)), so a few potentials that happen to agree do not make it short.
/// @throws InternalError for fewer than two values
[[nodiscard]] CombinedModels combine_models(std::span<const double> values, std::span<const double> sds);

/// One potential's answers.
struct CommitteeMember {
  std::string name;
  std::vector<TransportResult> results;
  ArrheniusResult fit;
};

/// A quantity with its error layers apart.
struct CommitteeQuantity {
  std::string name, unit;
  double temperature_K = 0;       ///< 0 for those of the whole ladder
  bool logarithmic = true;        ///< combined as logarithms; an activation energy is not
  std::vector<double> members{};  ///< of the potentials that determine it
  double value = 0;
  std::array<double, 2> statistical_ci95{};  ///< statistics of the runs alone
  std::array<double, 2> total_ci95{};        ///< with the spread of the potentials
  double statistical_error = 0;              ///< standard error; relative when logarithmic
  double spread = 0, spread_upper = 0;       ///< between potentials, same unit
  double p_equal = 1;
  std::string refused{};  ///< why there is nothing
};

struct CommitteeResult {
  std::vector<std::string> names;
  double target_K = 300;
  std::vector<CommitteeQuantity> quantities;  ///< D*, D_sigma, H_R, sigma by temperature; then Ea and sigma(target)
  std::vector<AnalysisWarning> warnings;
};

/// What the potentials of a committee, run through the same protocol, say together: every temperature that at least
/// two of them determine, the activation energies and the conductivity at the target.
/// @throws ConfigError for fewer than two members
[[nodiscard]] CommitteeResult analyse_committee(std::span<const CommitteeMember> members);

[[nodiscard]] std::string committee_json(const CommitteeResult& result);
[[nodiscard]] std::string committee_text(const CommitteeResult& result);
/// sigma T of every potential against 1/T with its line.
[[nodiscard]] std::string committee_svg(std::span<const CommitteeMember> members);

}  // namespace haven
