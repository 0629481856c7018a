#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "analysis/green_kubo.hpp"
#include "analysis/transport.hpp"

/// Synthetic motion with known transport coefficients for the calibration of the estimators.
namespace haven::testing {

/// xoshiro256+ with Marsaglia's polar method: the calibration draws some 10^8 normals, and the program's own
/// counter-based generator would take most of the time.
class FastRandom {
 public:
  explicit FastRandom(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {  // splitmix64
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31U);
    }
  }
  std::uint64_t bits() {
    const std::uint64_t result = state_[0] + state_[3], t = state_[1] << 17U;
    state_[2] ^= state_[0], state_[3] ^= state_[1], state_[1] ^= state_[2], state_[0] ^= state_[3], state_[2] ^= t;
    state_[3] = (state_[3] << 45U) | (state_[3] >> 19U);
    return result;
  }
  double uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(uniform() * static_cast<double>(n)); }
  double normal() {
    if (has_spare_) return has_spare_ = false, spare_;
    double u = 0, v = 0, s = 0;
    do {
      u = 2.0 * uniform() - 1.0, v = 2.0 * uniform() - 1.0, s = u * u + v * v;
    } while (s >= 1.0 || s == 0.0);
    const double f = std::sqrt(-2.0 * std::log(s) / s);
    spare_ = v * f, has_spare_ = true;
    return u * f;
  }

 private:
  std::uint64_t state_[4];
  double spare_ = 0;
  bool has_spare_ = false;
};

/// Sum over the series of mean squared displacements over all origins, by sums of squares and the autocorrelation from
/// a Fourier transform (Calandrini et al., Collection SFN 12, 201 (2011)); of every `stride`-th value, lags in these.
inline std::vector<double> fourier_msd(const std::vector<std::vector<double>>& series, std::span<const Index> lags,
                                       std::size_t stride = 1) {
  std::vector<double> msd(lags.size(), 0.0);
  for (const std::vector<double>& all : series) {
    std::vector<double> r;
    for (std::size_t t = 0; t < all.size(); t += stride) r.push_back(all[t] - all[0]);
    std::size_t padded = 1;
    while (padded < 2 * r.size()) padded *= 2;
    std::vector<double> x(2 * padded, 0.0);  // interleaved complex numbers
    for (std::size_t t = 0; t < r.size(); ++t) x[2 * t] = r[t];
    fourier_transform(x);
    for (std::size_t k = 0; k < padded; ++k)
      x[2 * k] = x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1], x[2 * k + 1] = 0;
    fourier_transform(x);
    for (std::size_t k = 0; k < lags.size(); ++k) {
      const auto lag = static_cast<std::size_t>(lags[k]);
      double squares = 0;
      for (std::size_t t = 0; t + lag < r.size(); ++t) squares += r[t] * r[t] + r[t + lag] * r[t + lag];
      msd[k] += (squares - 2.0 * x[2 * lag] / static_cast<double>(padded)) / static_cast<double>(r.size() - lag);
    }
  }
  return msd;
}

/// Brownian ions: steps of unit variance per frame and axis (A^2), part of which is common to all ions, plus white
/// vibration. Frames are 0.1 ps apart: D* = 0.5 A^2 / 0.1 ps = 5 A^2/ps = 5e-4 cm^2/s; D_sigma = D* / H_R.
struct Walk {
  int ions = 48;
  int frames = 2000;
  double correlation = 0;  ///< of the steps of two ions
  int string = 0;          ///< ions that share steps, in strings of this many; 0: all of them
  double noise = 1;        ///< A, sd of the vibration per axis
  double step = 1;         ///< A, sd per frame and axis
  [[nodiscard]] int sharing() const { return string > 0 ? string : ions; }
  [[nodiscard]] double haven_ratio() const { return 1.0 / (1.0 + (sharing() - 1) * correlation); }
};
inline constexpr double walk_diffusion = 5e-4;  ///< cm^2/s for step = 1

inline IonTracks make_walk(const Walk& walk, std::uint64_t seed) {
  FastRandom random(seed);
  IonTracks tracks;
  tracks.path = "walk";
  tracks.numbers.assign(static_cast<std::size_t>(walk.ions), 3);
  tracks.series.assign(static_cast<std::size_t>(3 * walk.ions),
                       std::vector<double>(static_cast<std::size_t>(walk.frames)));
  tracks.n_frames = walk.frames;
  tracks.interval_ps = 0.1;
  tracks.mean_cell = Mat3{{{{30, 0, 0}, {0, 30, 0}, {0, 0, 30}}}};
  tracks.volume = 27000;
  tracks.temperature_K = 600;
  const double own = walk.step * std::sqrt(1.0 - walk.correlation), common = walk.step * std::sqrt(walk.correlation);
  std::vector<double> shared(static_cast<std::size_t>(3 * walk.frames), 0.0);
  if (walk.correlation > 0)
    for (double& value : shared) value = common * random.normal();
  const auto string = static_cast<std::size_t>(3 * walk.sharing());
  for (std::size_t s = 0; s < tracks.series.size(); ++s) {
    if (walk.correlation > 0 && s > 0 && s % string == 0)  // the next string
      for (double& value : shared) value = common * random.normal();
    double position = 0;
    for (std::size_t t = 0; t < tracks.series[s].size(); ++t) {
      position += own * random.normal() + shared[3 * t + s % 3];
      tracks.series[s][t] = position + (walk.noise > 0 ? walk.noise * random.normal() : 0.0);
    }
  }
  return tracks;
}

/// Options for walks: a hop length for which diffusion is reached after about ten frames.
inline TransportOptions walk_options() {
  TransportOptions options;
  options.mobile = {"Li"};
  options.charges = {{"Li", 1.0}};
  options.hop_length = 7.5;
  return options;
}

/// How often intervals cover a true value.
struct Coverage {
  int runs = 0, in68 = 0, in95 = 0, refused = 0;
  double sum_log = 0, sum_log2 = 0, sum_sd = 0;
  void add(const Estimate& estimate, double truth) {
    if (!estimate.determined()) {
      ++refused;
      return;
    }
    ++runs;
    in68 += estimate.ci68[0] <= truth && truth <= estimate.ci68[1];
    in95 += estimate.ci95[0] <= truth && truth <= estimate.ci95[1];
    const double error = std::log(estimate.value / truth);
    sum_log += error, sum_log2 += error * error, sum_sd += estimate.log_sd();
  }
  double share68() const { return static_cast<double>(in68) / runs; }
  double share95() const { return static_cast<double>(in95) / runs; }
  double bias() const { return sum_log / runs; }
  double rms() const { return std::sqrt(sum_log2 / runs); }
  double mean_sd() const { return sum_sd / runs; }
};

}  // namespace haven::testing
