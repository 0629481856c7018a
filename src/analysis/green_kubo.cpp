#include "analysis/green_kubo.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

/// Logarithmic derivative of the gamma function and its derivative, by recurrence to where the series holds.
double digamma(double x) {
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1.0 / x;
  const double y = 1.0 / (x * x);
  return sum + std::log(x) - 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y / 252));
}
double trigamma(double x) {
  double sum = 0;
  for (; x < 10; x += 1) sum += 1.0 / (x * x);
  const double y = 1.0 / (x * x);
  return sum + (1.0 + 0.5 / x + y * (1.0 / 6 - y * (1.0 / 30 - y / 42))) / x;
}

/// Periodograms of segments of `length`, summed over segments and components; [0, length / 2].
std::vector<double> summed_periodogram(std::span<const std::array<std::vector<double>, 3>> current, std::size_t length,
                                       double interval_ps, int& terms) {
  std::vector<double> spectrum(length / 2 + 1, 0.0), work(2 * length);
  terms = 0;
  for (const auto& run : current)
    for (const std::vector<double>& series : run)
      for (std::size_t begin = 0; begin + length <= series.size(); begin += length, ++terms) {
        for (std::size_t t = 0; t < length; ++t) work[2 * t] = series[begin + t], work[2 * t + 1] = 0;
        fourier_transform(work);
        for (std::size_t k = 0; k <= length / 2; ++k)
          spectrum[k] += (work[2 * k] * work[2 * k] + work[2 * k + 1] * work[2 * k + 1]) * interval_ps /
                         static_cast<double>(length);
      }
  return spectrum;
}

/// Index up to which the spectrum is used: where its running mean has fallen to 0.3 of its value at low frequency. A
/// narrow peak at zero is a small part of a wide band, and would be smoothed away.
std::size_t useful_band(const std::vector<double>& spectrum) {
  constexpr std::size_t fewest = 32, first_points = 8;
  const std::size_t half = spectrum.size() - 1, reach = std::max<std::size_t>(2, half / 64);
  double low = 0;
  for (std::size_t k = 0; k < first_points; ++k) low += spectrum[k] / first_points;
  double window = 0;
  for (std::size_t k = 0; k < 2 * reach; ++k) window += spectrum[k];
  for (std::size_t k = reach; k + reach <= half; ++k) {
    window += spectrum[k + reach];
    if (window < 0.3 * low * static_cast<double>(2 * reach + 1)) return std::max(k, fewest);
    window -= spectrum[k - reach];
  }
  return half;
}

}  // namespace

void fourier_transform(std::span<double> x) {
  const std::size_t n = x.size() / 2;
  HAVEN_ASSERT(std::has_single_bit(n));
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1U;
    for (; (j & bit) != 0; bit >>= 1U) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[2 * i], x[2 * j]), std::swap(x[2 * i + 1], x[2 * j + 1]);
  }
  for (std::size_t half = 1; half < n; half *= 2)
    for (std::size_t k = 0; k < half; ++k) {
      const double angle = -std::numbers::pi * static_cast<double>(k) / static_cast<double>(half);
      const double c = std::cos(angle), s = std::sin(angle);
      for (std::size_t i = k; i < n; i += 2 * half) {
        double* a = &x[2 * i];
        double* b = &x[2 * (i + half)];
        const double re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;
        b[0] = a[0] - re, b[1] = a[1] - im;
        a[0] += re, a[1] += im;
      }
    }
}

ZeroFrequency zero_frequency(std::span<const std::array<std::vector<double>, 3>> current, double interval_ps) {
  HAVEN_ASSERT(!current.empty());
  ZeroFrequency out;
  std::size_t shortest = std::numeric_limits<std::size_t>::max();
  for (const auto& run : current) shortest = std::min(shortest, run[0].size());
  constexpr std::size_t fewest = 256;
  if (shortest < 4 * fewest) {
    out.refused = "fewer than 1024 frames with velocities";
    return out;
  }
  const std::size_t points = std::bit_floor(shortest / 4);
  int terms = 0;
  std::vector<double> logs = summed_periodogram(current, points, interval_ps, terms);
  const std::size_t half = useful_band(logs), length = 2 * half;
  // Interior frequencies have two degrees of freedom for each term, the two ends one.
  double log_end = 0;
  const std::size_t end = points / 2 - points / 32;
  for (std::size_t k = 0; k <= points / 2; ++k) {
    const double shape = k == 0 || k == points / 2 ? 0.5 * terms : terms;
    if (!(logs[k] > 0)) {
      out.refused = "the current vanishes at some frequency";
      return out;
    }
    logs[k] = std::log(logs[k] / terms) - (digamma(shape) - std::log(shape));
    if (k >= end) log_end += logs[k] / static_cast<double>(points / 2 - end + 1);
  }
  // The band is cut anywhere, so its length is no power of two: a plain cosine sum, from a table.
  std::vector<double> cosine(length), cepstrum(half + 1);
  for (std::size_t k = 0; k < length; ++k)
    cosine[k] = std::cos(std::numbers::pi * static_cast<double>(k) / static_cast<double>(half));
  for (std::size_t n = 0; n <= half; ++n) {
    double sum = logs[0] + (n % 2 == 0 ? logs[half] : -logs[half]);
    for (std::size_t k = 1, at = n % length; k < half; ++k, at = at + n < length ? at + n : at + n - length)
      sum += 2.0 * logs[k] * cosine[at];
    cepstrum[n] = sum / static_cast<double>(length);
  }
  const double variance = trigamma(terms) / static_cast<double>(length);
  // Akaike: leaving out the coefficients from P on costs sum C^2 / variance and saves two for each.
  double tail = 0, best = std::numeric_limits<double>::max();
  std::size_t kept = 1;
  for (std::size_t p = half; p >= 1; --p) {
    const double c = cepstrum[p];
    tail += c * c / (p == half ? 2.0 * variance : variance);
    if (const double criterion = tail + 2.0 * static_cast<double>(p); criterion < best) best = criterion, kept = p;
  }
  // The criterion keeps what improves the whole spectrum; its value at one end needs half as many again.
  kept = std::min(half, (3 * kept + 1) / 2);
  double log_value = cepstrum[0];
  for (std::size_t n = 1; n < kept; ++n) log_value += 2.0 * cepstrum[n];
  out.value = std::exp(log_value);
  out.log_sd = std::sqrt(variance * (4.0 * static_cast<double>(kept) - 2.0));
  out.coefficients = static_cast<int>(kept);
  out.nyquist_ratio = std::exp(log_end - log_value);
  return out;
}

std::vector<std::array<std::vector<double>, 3>> charge_currents(std::span<const IonTracks> replicas,
                                                                const std::map<std::string, double>& charges) {
  std::vector<std::array<std::vector<double>, 3>> currents;
  for (const IonTracks& tracks : replicas) {
    if (tracks.velocities.empty()) return {};
    std::array<std::vector<double>, 3> current;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      current[axis].assign(tracks.velocities[0].sum[axis].size(), 0.0);
      for (const VelocitySum& one : tracks.velocities) {
        const double charge = charges.at(std::string(element_symbol(one.number)));
        for (std::size_t t = 0; t < current[axis].size(); ++t)
          current[axis][t] += units::fs_per_ps * charge * one.sum[axis][t];
      }
    }
    currents.push_back(std::move(current));
  }
  return currents;
}

}  // namespace haven
