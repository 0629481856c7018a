#include "analysis/hop_spread.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "analysis/distributions.hpp"
#include "analysis/msd.hpp"
#include "analysis/regression.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

double poisson_probability(long long n, double mean) {
  if (!(mean > 0)) return n == 0 ? 1.0 : 0.0;
  const auto k = static_cast<double>(n);
  return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
}

/// Beyond this a Poisson distribution holds nothing.
long long poisson_end(double mean) { return static_cast<long long>(mean + 10.0 * std::sqrt(mean) + 20.0); }

/// Smallest share of a population that makes half of the total, from pairs (amount, weight) with the largest first.
double share_with_half(const std::vector<std::pair<double, double>>& largest_first) {
  double total = 0, weight = 0;
  for (const auto& [amount, w] : largest_first) total += amount * w, weight += w;
  if (!(total > 0)) return 0;
  double sum = 0, share = 0;
  for (const auto& [amount, w] : largest_first) {
    if (sum + amount * w >= 0.5 * total) return (share + (0.5 * total - sum) / amount) / weight;
    sum += amount * w, share += w;
  }
  return 1;
}

std::vector<HopBin> histogram(const std::vector<long long>& hops, double mean) {
  constexpr long long most_bins = 40;
  const auto [least, most] = std::minmax_element(hops.begin(), hops.end());
  const auto spread = static_cast<long long>(4.0 * std::sqrt(mean));
  const long long first = std::max(0LL, std::min(*least, static_cast<long long>(mean) - spread));
  const long long last = std::max(*most, static_cast<long long>(mean) + spread + 1);
  const long long width = std::max(1LL, (last - first + most_bins) / most_bins);
  std::vector<HopBin> bins;
  for (long long n = first; n <= last; n += width) {
    HopBin bin{.first = n, .last = n + width - 1};
    for (long long k = bin.first; k <= bin.last; ++k)
      bin.expected += static_cast<double>(hops.size()) * poisson_probability(k, mean);
    bins.push_back(bin);
  }
  for (const long long n : hops) ++bins[static_cast<std::size_t>((n - first) / width)].ions;
  return bins;
}

void add_hops(HopSpread& out) {
  const auto ions = static_cast<double>(out.hops.size());
  out.mean_hops = static_cast<double>(std::accumulate(out.hops.begin(), out.hops.end(), 0LL)) / ions;
  out.histogram = histogram(out.hops, out.mean_hops);
  if (out.mean_hops == 0) return;
  double squares = 0;
  std::vector<std::pair<double, double>> seen, expected;
  for (const long long n : out.hops) {
    squares += std::pow(static_cast<double>(n) - out.mean_hops, 2);
    seen.emplace_back(static_cast<double>(n), 1.0);
  }
  if (out.hops.size() > 1) {
    out.dispersion = squares / (ions - 1.0) / out.mean_hops;
    out.poisson_p = chi2_survival(squares / out.mean_hops, ions - 1.0);
  }
  std::sort(seen.begin(), seen.end(), std::greater<>());
  for (long long n = poisson_end(out.mean_hops); n > 0; --n)
    expected.emplace_back(static_cast<double>(n), poisson_probability(n, out.mean_hops));
  expected.emplace_back(0.0, poisson_probability(0, out.mean_hops));
  out.half_share = share_with_half(seen), out.half_share_poisson = share_with_half(expected);
}

/// Relative variance of the MSD of one Gaussian walker, averaged over all origins of n frames.
double walker_variance(Index n_frames, Index lag, const std::array<double, 3>& axes) {
  const OverlapCovariance covariance(n_frames, {lag});
  double variance = 0, total = 0;
  for (const double msd : axes) {
    variance += covariance(0, 0, msd / static_cast<double>(lag), 0.0);
    total += msd;
  }
  return total > 0 ? variance / (total * total) : 0.0;
}

void add_displacements(const IonTracks& tracks, HopSpread& out) {
  const auto lag = std::clamp<Index>(std::llround(out.lag_ps / tracks.interval_ps), 1, tracks.n_frames / 2);
  out.lag_ps = static_cast<double>(lag) * tracks.interval_ps;
  const auto ions = static_cast<double>(tracks.n_ions());
  std::array<double, 3> axes{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(tracks.n_ions()); ++i) {
    const IonPath path = tracks.ion(i);
    out.msd.push_back(0);
    for (std::size_t a = 0; a < 3; ++a) {
      const double msd = line_msd(path[a], lag);
      out.msd.back() += msd, axes[a] += msd / ions;
    }
    out.mean_msd += out.msd.back() / ions;
  }
  if (!(out.mean_msd > 0) || out.msd.size() < 2) return;
  double squares = 0;
  for (const double msd : out.msd) squares += std::pow(msd / out.mean_msd - 1.0, 2);
  out.msd_spread = std::sqrt(squares / (ions - 1.0));
  if (!(out.mean_hops > 0)) return;
  double products = 0;
  for (std::size_t i = 0; i < out.msd.size(); ++i)
    products += (out.msd[i] / out.mean_msd - 1.0) * (static_cast<double>(out.hops[i]) / out.mean_hops - 1.0);
  out.covariance = std::max(0.0, products / (ions * (ions - 1.0)));
  out.msd_spread_expected = std::sqrt(walker_variance(tracks.n_frames, lag, axes) + 1.0 / out.mean_hops);
}

}  // namespace

HopSpread hop_spread(const IonTracks& tracks, const JumpNetwork& network, double lag_ps) {
  HAVEN_ASSERT(network.jumps_of_ion.size() == tracks.numbers.size() && tracks.n_frames >= 2);
  HopSpread out{.numbers = tracks.numbers, .hops = network.jumps_of_ion, .histogram = {}, .lag_ps = lag_ps, .msd = {}};
  add_hops(out);
  add_displacements(tracks, out);
  return out;
}

CorrelationFactors correlation_factors(const JumpNetwork& network, const TransportResult& motion,
                                       const HopSpread& spread) {
  CorrelationFactors out{.hop = network.hop_diffusion,
                         .tracer = motion.tracer.iso,
                         .collective = motion.collective.iso,
                         .f = {},
                         .f_I = {},
                         .haven_ratio = motion.haven_ratio};
  if (motion.mobile.size() > 1)
    out.collective = out.haven_ratio =
        refused_estimate("several mobile species: `haven transport haven` gives their conductivities");
  const auto over_hop = [&](const Estimate& d, const char* name, double covariance) {
    if (!out.hop.determined()) return refused_estimate("D_hop is not determined: " + out.hop.refused);
    if (!d.determined()) return refused_estimate(std::string(name) + " is not determined: " + d.refused);
    if (!network.finely_sampled) return refused_estimate("frames are too rare to see every jump");
    return ratio_estimate(d, out.hop, covariance);
  };
  out.f = over_hop(out.tracer, "D*", spread.covariance), out.f_I = over_hop(out.collective, "D_sigma", 0.0);
  return out;
}

}  // namespace haven
