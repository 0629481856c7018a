#include "analysis/regions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "analysis/distributions.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr std::size_t blocks = 10;
constexpr double fewest_displacements = 20;

struct Sums {
  double frames = 0;
  std::array<double, 2> weight{}, squares{};

  Sums& operator+=(const Sums& o) {
    frames += o.frames;
    for (std::size_t k = 0; k < 2; ++k) weight[k] += o.weight[k], squares[k] += o.squares[k];
    return *this;
  }
  Sums& operator-=(const Sums& o) {
    frames -= o.frames;
    for (std::size_t k = 0; k < 2; ++k) weight[k] -= o.weight[k], squares[k] -= o.squares[k];
    return *this;
  }
  [[nodiscard]] double msd(std::size_t k) const { return squares[k] / weight[k]; }
  [[nodiscard]] double growth() const { return msd(1) - msd(0); }
};

class RegionFinder {
 public:
  RegionFinder(const std::vector<Region>& regions, const Cell& cell) : regions_(regions), cell_(cell) {
    for (const Region& region : regions) check(region);
  }
  /// Index of the first region that holds the point, or their number.
  [[nodiscard]] std::size_t at(const Vec3& r) const {
    const Vec3 s = cell_.to_fractional(r);
    for (std::size_t k = 0; k < regions_.size(); ++k)
      if (holds(regions_[k], s)) return k;
    return regions_.size();
  }

 private:
  void check(const Region& region) const {
    const auto fail = [&](const std::string& what) {
      throw ConfigError(fmt::format("{}: {}", region.name(), what), "regions",
                        "See `haven transport regions --help` for the numbers of every shape.");
    };
    const bool has_indices = region.indices != std::array<int, 3>{};
    if (region.shape == Region::Shape::slab) {
      const double width = region.between[1] - region.between[0];
      if (!has_indices) fail("the planes 0 0 0 do not exist");
      if (!(width > 0 && width <= 1)) fail("the second edge must lie above the first one, by at most 1");
      return;
    }
    const Vec3 heights = cell_.heights();
    if (!(region.radius > 0 && 2 * region.radius <= std::min({heights.x, heights.y, heights.z})))
      fail(fmt::format("the radius must be positive and its double fit into the cell ({:.2f} A across)",
                       std::min({heights.x, heights.y, heights.z})));
    if (region.shape == Region::Shape::cylinder && !has_indices) fail("the direction 0 0 0 does not exist");
  }

  [[nodiscard]] bool holds(const Region& region, const Vec3& s) const {
    if (region.shape == Region::Shape::slab) {
      double place = -region.between[0];
      for (int k = 0; k < 3; ++k) place += region.indices[static_cast<std::size_t>(k)] * s[k];
      return place - std::floor(place) < region.between[1] - region.between[0];
    }
    return distance2(region, s) < region.radius * region.radius;
  }

  /// To the centre, or to the axis, of the nearest image: near an axis that is no cell vector it need not be the image
  /// of the smallest fractions.
  [[nodiscard]] double distance2(const Region& region, const Vec3& s) const {
    Vec3 away = s - region.centre;
    for (int k = 0; k < 3; ++k) away[k] -= std::nearbyint(away[k]);
    Vec3 axis;
    if (region.shape == Region::Shape::cylinder) {
      axis = cell_.to_cartesian({static_cast<double>(region.indices[0]), static_cast<double>(region.indices[1]),
                                 static_cast<double>(region.indices[2])});
      axis = (1.0 / norm(axis)) * axis;
    }
    double nearest = std::numeric_limits<double>::max();
    for (int a = -1; a <= 1; ++a)
      for (int b = -1; b <= 1; ++b)
        for (int c = -1; c <= 1; ++c) {
          const Vec3 d =
              cell_.to_cartesian(away + Vec3{static_cast<double>(a), static_cast<double>(b), static_cast<double>(c)});
          nearest = std::min(nearest, norm2(d - dot(d, axis) * axis));
        }
    return nearest;
  }

  const std::vector<Region>& regions_;
  Cell cell_;
};

/// Adds one ion to the sums of every region and block.
class Follower {
 public:
  Follower(const IonTracks& tracks, const RegionFinder& finder, std::size_t regions, Index lag)
      : tracks_(tracks),
        finder_(finder),
        lag_(static_cast<std::size_t>(lag)),
        sums_(regions, std::vector<Sums>(blocks)) {}

  void follow(std::size_t ion) {
    const auto frames = static_cast<std::size_t>(tracks_.n_frames);
    const IonPath path = tracks_.ion(ion);
    // Frames inside a region before each frame: the share of any stretch is a difference.
    std::vector<std::vector<std::size_t>> before(sums_.size(), std::vector<std::size_t>(frames + 1, 0));
    for (std::size_t t = 0; t < frames; ++t) {
      const std::size_t here = finder_.at(path.at(t));
      for (std::size_t r = 0; r < sums_.size(); ++r) before[r][t + 1] = before[r][t] + (r == here ? 1 : 0);
      sums_[here][block_of(t)].frames += 1;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t lag = (k + 1) * lag_;
      for (std::size_t t = 0; t + lag < frames; ++t) {
        const double square = norm2(path.at(t + lag) - path.at(t));
        for (std::size_t r = 0; r < sums_.size(); ++r) {
          const std::size_t inside = before[r][t + lag + 1] - before[r][t];
          if (inside == 0) continue;
          const double share = static_cast<double>(inside) / static_cast<double>(lag + 1);
          Sums& sums = sums_[r][block_of(t)];
          sums.weight[k] += share, sums.squares[k] += share * square;
        }
      }
    }
  }
  [[nodiscard]] const std::vector<Sums>& of(std::size_t region) const { return sums_[region]; }

 private:
  [[nodiscard]] std::size_t block_of(std::size_t t) const {
    return t * blocks / static_cast<std::size_t>(tracks_.n_frames);
  }
  const IonTracks& tracks_;
  const RegionFinder& finder_;
  std::size_t lag_;
  std::vector<std::vector<Sums>> sums_;  // [region][block]
};

Estimate diffusion_of(const std::vector<Sums>& by_block, const Sums& all, double lag_frames, double lag_ps) {
  const double factor = units::a2_per_ps_in_cm2_per_s / (6.0 * lag_ps);
  if (const double n = all.weight[1] / (2.0 * lag_frames); n < fewest_displacements)
    return refused_estimate(
        fmt::format("{:.1f} displacements of {:.3g} ps belong here; {} are needed: a shorter lag, a "
                    "larger region or a longer run",
                    n, 2.0 * lag_ps, fewest_displacements));
  std::vector<double> without;
  for (const Sums& block : by_block) {
    Sums rest = all;
    rest -= block;
    if (rest.weight[1] > 0) without.push_back(rest.growth());
  }
  const auto n = static_cast<double>(without.size());
  double mean = 0, sum = 0;
  for (const double value : without) mean += value / n;
  for (const double value : without) sum += (value - mean) * (value - mean);
  const double growth = all.growth(), sd = std::sqrt((n - 1.0) / n * sum);
  if (!(growth > 0) || sd > 0.5 * growth) {
    const double bound = std::max(growth, 0.0) + 1.645 * sd;
    return refused_estimate(
        fmt::format("standard error above 50 % ({:.2g} +- {:.1g} A^2 between the lags)", growth, sd),
        bound > 0 ? std::optional(factor * bound) : std::nullopt);
  }
  return log_normal_estimate(factor * growth, sd / growth, 3,
                             student_quantile(0.975, n - 1.0) / normal_quantile(0.975));
}

}  // namespace

std::string Region::name() const {
  switch (shape) {
    case Shape::sphere:
      return fmt::format("sphere of {:g} A at {:g} {:g} {:g}", radius, centre.x, centre.y, centre.z);
    case Shape::cylinder:
      return fmt::format("cylinder of {:g} A along [{} {} {}] through {:g} {:g} {:g}", radius, indices[0], indices[1],
                         indices[2], centre.x, centre.y, centre.z);
    case Shape::slab:
      break;
  }
  return fmt::format("slab ({} {} {}) from {:g} to {:g}", indices[0], indices[1], indices[2], between[0], between[1]);
}

RegionReport analyse_regions(const IonTracks& tracks, const RegionOptions& options) {
  const Index lag = std::max<Index>(1, std::llround(options.lag_ps / tracks.interval_ps));
  if (!(options.lag_ps > 0) || 2 * lag >= tracks.n_frames)
    throw ConfigError(fmt::format("a lag of {:.3g} ps cannot be used", options.lag_ps), "--lag-ps",
                      fmt::format("Twice the lag must fit into the run of {:.3g} ps.", tracks.duration_ps()));
  if (options.regions.empty())
    throw ConfigError("no region is given", "regions", "Give --spheres, --cylinders or --slabs.");
  const RegionFinder finder(options.regions, Cell(tracks.mean_cell));
  const std::size_t count = options.regions.size() + 1;
  Follower follower(tracks, finder, count, lag);
  for (Index ion = 0; ion < tracks.n_ions(); ++ion) follower.follow(static_cast<std::size_t>(ion));
  RegionReport report{.lag_ps = static_cast<double>(lag) * tracks.interval_ps, .regions = {}};
  for (std::size_t r = 0; r < count; ++r) {
    const std::vector<Sums>& by_block = follower.of(r);
    Sums all;
    for (const Sums& block : by_block) all += block;
    RegionMotion motion{.name = r < options.regions.size() ? options.regions[r].name() : "elsewhere"};
    const double block_frames = static_cast<double>(tracks.n_frames) / blocks;
    double squares = 0;
    motion.ions = all.frames / static_cast<double>(tracks.n_frames);
    for (const Sums& block : by_block) squares += std::pow(block.frames / block_frames - motion.ions, 2);
    motion.ions_sd = std::sqrt(squares / (blocks * (blocks - 1.0)));
    for (std::size_t k = 0; k < 2; ++k) {
      const auto displacements =
          static_cast<double>(tracks.n_ions() * (tracks.n_frames - static_cast<Index>(k + 1) * lag));
      motion.weight[k] = all.weight[k] / displacements;
      motion.msd[k] = all.weight[k] > 0 ? all.msd(k) : 0.0;
    }
    motion.diffusion = diffusion_of(by_block, all, static_cast<double>(lag), report.lag_ps);
    report.regions.push_back(std::move(motion));
  }
  return report;
}

std::string regions_text(const RegionReport& report) {
  std::string out = fmt::format("displacements between {:.3g} and {:.3g} ps, weighted by residence\n{:<56}{:>18}  {}\n",
                                report.lag_ps, 2 * report.lag_ps, "region", "ions", "D (cm^2/s)");
  for (const RegionMotion& r : report.regions) {
    out += fmt::format("{:<56}{:>18}  {}\n", r.name, fmt::format("{:.2f} +- {:.2f}", r.ions, r.ions_sd),
                       format_estimate(r.diffusion));
    if (!r.diffusion.determined()) out += "    refused: " + r.diffusion.refused + "\n";
  }
  return out;
}

std::string regions_json(const RegionReport& report) {
  using Json = nlohmann::ordered_json;
  Json json{{"lag_ps", report.lag_ps}, {"regions", Json::array()}};
  for (const RegionMotion& r : report.regions)
    json["regions"].push_back({{"name", r.name},
                               {"ions", r.ions},
                               {"ions_sd", r.ions_sd},
                               {"weight", r.weight},
                               {"msd_A2", r.msd},
                               {"D_cm2_per_s", Json::parse(estimate_json(r.diffusion))}});
  return json.dump(2) + "\n";
}

std::string regions_csv(const RegionReport& report) {
  std::string out =
      "region,ions,ions_sd,weight,msd_A2,weight_of_twice_the_lag,msd_of_twice_the_lag_A2,D_cm2_per_s,low95,high95\n";
  for (const RegionMotion& r : report.regions)
    out += fmt::format("{},{:.6g},{:.3g},{:.6g},{:.6g},{:.6g},{:.6g},{}\n", r.name, r.ions, r.ions_sd, r.weight[0],
                       r.msd[0], r.weight[1], r.msd[1],
                       r.diffusion.determined() ? fmt::format("{:.6g},{:.6g},{:.6g}", r.diffusion.value,
                                                              r.diffusion.ci95[0], r.diffusion.ci95[1])
                                                : std::string(",,"));
  return out;
}

}  // namespace haven
