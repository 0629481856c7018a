#include "analysis/layers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "analysis/distributions.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr double margin_A = 0.5;  ///< into another layer before an ion counts as there
constexpr std::size_t blocks = 10;
constexpr double fewest_stays = 20;

/// What is summed for one layer in one block of the run.
struct Sums {
  double frames = 0;                      ///< ion frames inside
  double squares[2] = {}, count[2] = {};  ///< in-plane squared displacements of stays of one and two lags
  long long departures = 0;

  Sums& operator+=(const Sums& o) {
    frames += o.frames, departures += o.departures;
    for (std::size_t k = 0; k < 2; ++k) squares[k] += o.squares[k], count[k] += o.count[k];
    return *this;
  }
  /// Mean squared displacement between the lags, A^2; nothing when there are no stays.
  [[nodiscard]] double growth() const { return squares[1] / count[1] - squares[0] / count[0]; }
};

class Layers {
 public:
  Layers(const IonTracks& tracks, const LayerOptions& options) : tracks_(tracks), options_(options) {
    if (options.planes == std::array<int, 3>{})
      throw ConfigError("the planes 0 0 0 do not exist", "--planes", "Give Miller indices, e.g. 1 1 0.");
    lag_ = std::max<Index>(1, std::llround(options.lag_ps / tracks.interval_ps));
    if (!(options.lag_ps > 0) || 2 * lag_ >= tracks.n_frames)
      throw ConfigError(fmt::format("a lag of {:.3g} ps cannot be used", options.lag_ps), "--lag-ps",
                        fmt::format("Twice the lag must fit into the run of {:.3g} ps.", tracks.duration_ps()));
    // h x + k y + l z = g . r with the reciprocal vector g: whole indices make it periodic in the cell.
    const Mat3 reciprocal = transpose(inverse(tracks.mean_cell));
    for (int k = 0; k < 3; ++k)
      across_ += static_cast<double>(options.planes[static_cast<std::size_t>(k)]) * reciprocal[k];
    height_ = 1.0 / norm(across_), normal_ = height_ * across_;
    area_ = tracks.volume / height_;
    check_edges();
    sums_.assign(options.edges.size(), std::vector<Sums>(blocks));
    for (Index ion = 0; ion < tracks.n_ions(); ++ion) follow(static_cast<std::size_t>(ion));
  }

  LayerReport report() const {
    LayerReport out{.planes = options_.planes, .lag_ps = static_cast<double>(lag_) * tracks_.interval_ps, .layers = {}};
    const std::vector<double>& edges = options_.edges;
    for (std::size_t l = 0; l < edges.size(); ++l) {
      CellLayer layer{.low = edges[l], .high = l + 1 < edges.size() ? edges[l + 1] : edges[0] + 1.0};
      layer.thickness = (layer.high - layer.low) * height_;
      Sums all;
      for (const Sums& block : sums_[l]) all += block;
      occupation(l, layer);
      motion(l, all, layer);
      layer.leaving = poisson_rate(all.departures, std::max(all.frames, 1.0) * tracks_.interval_ps);
      if (all.departures > 0) layer.residence_ps = 1.0 / layer.leaving.per_ps;
      out.layers.push_back(std::move(layer));
    }
    return out;
  }

 private:
  void check_edges() const {
    const std::vector<double>& edges = options_.edges;
    const auto fail = [](const std::string& what) {
      throw ConfigError(what, "--edges", "Give ascending fractions of the cell, e.g. --edges 0.0 0.25 0.75.");
    };
    if (edges.size() < 2) fail("layers need at least two edges");
    for (std::size_t k = 0; k < edges.size(); ++k) {
      if (!(edges[k] >= 0 && edges[k] < 1)) fail(fmt::format("an edge at {} is not within the cell", edges[k]));
      const double next = k + 1 < edges.size() ? edges[k + 1] : edges[0] + 1.0;
      if (!((next - edges[k]) * height_ > 2.0 * margin_A))
        fail(fmt::format("the layer from {:.3g} is thinner than {} A", edges[k], 2.0 * margin_A));
    }
  }

  /// Fraction of the cell across the layers, in [0, 1).
  double across(const Vec3& r) const {
    const double s = dot(r, across_);
    return s - std::floor(s);
  }
  std::size_t layer_at(double s) const {
    const auto next = std::upper_bound(options_.edges.begin(), options_.edges.end(), s);
    return next == options_.edges.begin() ? options_.edges.size() - 1
                                          : static_cast<std::size_t>(next - options_.edges.begin()) - 1;
  }
  /// Is s inside the layer by more than the margin?
  bool settled(double s, std::size_t layer) const {
    const double shift = margin_A / height_;
    const auto wrapped = [](double x) { return x - std::floor(x); };
    return layer_at(wrapped(s - shift)) == layer && layer_at(wrapped(s + shift)) == layer;
  }

  void follow(std::size_t ion) {
    const auto frames = static_cast<std::size_t>(tracks_.n_frames);
    const IonPath path = tracks_.ion(ion);
    std::vector<std::size_t> layer(frames), end(frames);
    std::vector<Vec3> along(frames);
    for (std::size_t t = 0; t < frames; ++t) {
      const Vec3 r = path.at(t);
      along[t] = r - dot(r, normal_) * normal_;
      const double s = across(r);
      const std::size_t here = layer_at(s);
      layer[t] = t == 0 || (here != layer[t - 1] && settled(s, here)) ? here : layer[t - 1];
      Sums& sums = sums_[layer[t]][block_of(t)];
      sums.frames += 1;
      if (t > 0 && layer[t] != layer[t - 1]) ++sums_[layer[t - 1]][block_of(t)].departures;
    }
    for (std::size_t t = frames; t-- > 0;) end[t] = t + 1 < frames && layer[t + 1] == layer[t] ? end[t + 1] : t;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t lag = (k + 1) * static_cast<std::size_t>(lag_);
      for (std::size_t t = 0; t + lag < frames; ++t) {
        if (end[t] < t + lag) continue;
        Sums& sums = sums_[layer[t]][block_of(t)];
        sums.squares[k] += norm2(along[t + lag] - along[t]), sums.count[k] += 1;
      }
    }
  }

  std::size_t block_of(std::size_t t) const { return t * blocks / static_cast<std::size_t>(tracks_.n_frames); }

  void occupation(std::size_t l, CellLayer& layer) const {
    double sum = 0, sum2 = 0;
    const double frames = static_cast<double>(tracks_.n_frames) / blocks;
    for (const Sums& block : sums_[l]) sum += block.frames / frames, sum2 += std::pow(block.frames / frames, 2);
    layer.ions = sum / blocks;
    layer.ions_sd = std::sqrt(std::max(0.0, sum2 / blocks - layer.ions * layer.ions) / (blocks - 1.0));
    layer.density = layer.ions / (layer.thickness * area_);
  }

  void motion(std::size_t l, const Sums& all, CellLayer& layer) const {
    layer.segments = all.count[1] / (2.0 * static_cast<double>(lag_));
    if (layer.segments < fewest_stays) {
      layer.in_plane = refused_estimate(fmt::format(
          "{:.1f} stays of {:.3g} ps in this layer; {} are needed: a shorter lag, a thicker layer or a longer run",
          layer.segments, 2.0 * static_cast<double>(lag_) * tracks_.interval_ps, fewest_stays));
      return;
    }
    const double growth = all.growth();
    // Jackknife over the blocks: leaving each out in turn.
    std::vector<double> without;
    for (const Sums& block : sums_[l]) {
      Sums rest = all;
      rest.frames -= block.frames;
      for (std::size_t k = 0; k < 2; ++k) rest.squares[k] -= block.squares[k], rest.count[k] -= block.count[k];
      if (rest.count[1] > 0) without.push_back(rest.growth());
    }
    const auto n = static_cast<double>(without.size());
    double mean = 0, sum = 0;
    for (const double value : without) mean += value / n;
    for (const double value : without) sum += (value - mean) * (value - mean);
    const double sd = std::sqrt((n - 1.0) / n * sum);
    if (!(growth > 0) || sd > 0.5 * growth) {
      layer.in_plane = refused_estimate(
          fmt::format("standard error above 50 % ({:.2g} +- {:.1g} A^2 between the lags)", growth, sd),
          std::max(growth, 0.0) + 1.645 * sd > 0 ? std::optional(to_cm2(std::max(growth, 0.0) + 1.645 * sd))
                                                 : std::nullopt);
      return;
    }
    layer.in_plane =
        log_normal_estimate(to_cm2(growth), sd / growth, 2, student_quantile(0.975, n - 1.0) / normal_quantile(0.975));
  }

  double to_cm2(double growth) const {
    return growth / (4.0 * static_cast<double>(lag_) * tracks_.interval_ps) * units::a2_per_ps_in_cm2_per_s;
  }

  const IonTracks& tracks_;
  const LayerOptions& options_;
  Index lag_ = 1;
  double area_ = 0, height_ = 0;
  Vec3 across_, normal_;                 ///< g (1/A) and its direction
  std::vector<std::vector<Sums>> sums_;  ///< [layer][block]
};

}  // namespace

LayerReport analyse_layers(const IonTracks& tracks, const LayerOptions& options) {
  return Layers(tracks, options).report();
}

}  // namespace haven
