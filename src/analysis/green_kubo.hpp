#pragma once
#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "analysis/displacements.hpp"

namespace haven {

/// Zero-frequency value of a power spectrum.
struct ZeroFrequency {
  double value = 0;          ///< integral of the autocorrelation over all times, [x]^2 ps, mean over components
  double log_sd = 0;         ///< standard error of its logarithm
  int coefficients = 0;      ///< cepstral coefficients kept
  double nyquist_ratio = 0;  ///< spectrum at the highest frequency / at zero: not small means frames too far apart
  std::string refused{};     ///< why there is no value
};

/// Cepstral analysis of a stationary current (Ercole, Marcolongo & Baroni, Sci. Rep. 7, 15835 (2017)): the logarithm of
/// the periodogram is a smooth function plus noise of known variance; the number of its Fourier coefficients is chosen
/// by Akaike's criterion, times 1.5, on the band in which the spectrum is above 0.3 of its start (chosen on Langevin
/// series, where the 95 % intervals then cover 94 to 96 % for runs of many correlation times). The series is cut into
/// four to seven segments whose periodograms are averaged.
/// @param current  three components of equal length, one or several runs [run][axis][frame]
[[nodiscard]] ZeroFrequency zero_frequency(std::span<const std::array<std::vector<double>, 3>> current,
                                           double interval_ps);

/// Charge current J = sum_i q_i v_i of every run, e A/ps, [run][axis][frame]; empty when a run has no velocities.
/// @param charges  by element symbol, e
[[nodiscard]] std::vector<std::array<std::vector<double>, 3>> charge_currents(
    std::span<const IonTracks> replicas, const std::map<std::string, double>& charges);

/// In-place Fourier transform of interleaved complex numbers, a power of two of them: sum_j x_j exp(-2 pi i jk / n).
void fourier_transform(std::span<double> interleaved);

}  // namespace haven
