#include "analysis/displacements.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "analysis/block_mean.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

constexpr std::size_t max_host_frames = 512;
constexpr std::size_t most_rows = 32;
constexpr double time_tolerance = 1e-4;  ///< relative to the frame interval

/// Median over `atoms` of the distance to the nearest other one of them; 0 with fewer than two.
double nearest_spacing(const Cell& cell, const std::vector<Vec3>& fractional, std::span<const std::size_t> atoms) {
  if (atoms.size() < 2) return 0;
  std::vector<double> nearest;
  // A few hundred centres are enough for a median.
  const std::size_t stride = std::max<std::size_t>(1, atoms.size() / 400);
  for (std::size_t a = 0; a < atoms.size(); a += stride) {
    double best = std::numeric_limits<double>::max();
    for (std::size_t b = 0; b < atoms.size(); ++b) {
      if (a == b) continue;
      Vec3 d = fractional[atoms[b]] - fractional[atoms[a]];
      for (int k = 0; k < 3; ++k)
        if (cell.periodic()[static_cast<std::size_t>(k)]) d[k] -= std::nearbyint(d[k]);
      best = std::min(best, norm2(cell.to_cartesian(d)));
    }
    nearest.push_back(std::sqrt(best));
  }
  std::nth_element(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(nearest.size() / 2), nearest.end());
  return nearest[nearest.size() / 2];
}

/// Fractional coordinates times the cell, in place.
void scale_to_cell(const std::array<std::span<double>, 3>& axes, const Mat3& cell) {
  for (std::size_t t = 0; t < axes[0].size(); ++t) {
    const Vec3 r = Vec3{axes[0][t], axes[1][t], axes[2][t]} * cell;
    axes[0][t] = r.x, axes[1][t] = r.y, axes[2][t] = r.z;
  }
}

MeasuredTemperature mean_temperature(const std::vector<double>& values) {
  const BlockMean found = block_mean(values);
  return {
      .mean_K = found.mean, .error_K = found.error.value_or(found.mean), .frames = static_cast<Index>(values.size())};
}

/// One pass over a trajectory.
class Collector {
 public:
  Collector(const TrajectoryInfo& info, const CollectOptions& options) : info_(info), options_(options) {
    for (std::size_t i = 0; i < info.numbers.size(); ++i) {
      const bool is_mobile =
          std::find(options.mobile.begin(), options.mobile.end(), info.numbers[i]) != options.mobile.end();
      (is_mobile ? mobile_ : host_).push_back(i);
      (is_mobile ? tracks_.numbers : tracks_.host.numbers).push_back(info.numbers[i]);
    }
    if (mobile_.empty())
      throw InputError(
          "none of the mobile species is in this trajectory", info.path,
          "Name the diffusing element, e.g. --mobile Li; note that a trajectory may hold only a selection.");
    tracks_.path = info.path;
    tracks_.temperature_K = info.temperature_K;
    tracks_.wrapping = info.wrapping;
    choose_rest();
    tracks_.series.resize(3 * mobile_.size());
  }

  void add(const TrajectoryFrame& frame, const FrameLabels& labels) {
    if (frame.positions.size() != info_.numbers.size())
      throw InputError(fmt::format("a frame has {} atoms instead of {}", frame.positions.size(), info_.numbers.size()),
                       where(frame), "A trajectory needs the same atoms in every frame.");
    if (read_ == 0) first_time_fs_ = frame.time_fs;
    ++read_;
    if (frame.time_fs - first_time_fs_ < options_.skip_ps * units::fs_per_ps * (1.0 - 1e-12)) return;
    const std::vector<Vec3> previous = unwrapped_;
    follow(frame);
    const Index missing = check_time(frame);
    for (Index k = 1; k <= missing; ++k) {
      const double f = static_cast<double>(k) / static_cast<double>(missing + 1);
      std::vector<Vec3> between = unwrapped_;
      for (std::size_t i = 0; i < between.size(); ++i) between[i] = (1.0 - f) * previous[i] + f * unwrapped_[i];
      keep(between);
    }
    tracks_.filled += missing;
    keep(unwrapped_);
    if (labels.temperature_K) temperatures_.push_back(*labels.temperature_K);
    add_velocities(frame);
    const double volume = frame.cell.volume();
    // Counted from the first frame's, so that a fixed cell has a spread of exactly zero.
    if (used_ == 0) first_volume_ = volume;
    const double excess = volume - first_volume_;
    excess_sum_ += excess, excess_sum2_ += excess * excess, cell_sum_ += frame.cell.vectors();
    ++used_;
    last_time_fs_ = frame.time_fs;
  }

  IonTracks finish(std::vector<std::string> remarks, const std::string& labels_doubt) {
    if (used_ < 2)
      throw InputError(fmt::format("{} usable frames of {}", used_, read_), info_.path,
                       "A trajectory of at least two frames after the skipped part is needed.");
    check_steps();
    if (tracks_.filled * 100 > seen_)
      throw InputError(
          fmt::format("{} of {} frames are missing", tracks_.filled, seen_), info_.path,
          "More than 1 % is too much to interpolate; analyse the intact part, or find out why frames were lost.");
    tracks_.remarks = std::move(remarks);
    if (!labels_doubt.empty())
      tracks_.remarks.push_back(labels_doubt + " Its temperatures were not used");
    else if (!temperatures_.empty())
      tracks_.measured = mean_temperature(temperatures_);
    tracks_.mean_cell = cell_sum_;
    tracks_.mean_cell *= 1.0 / static_cast<double>(used_);
    const double mean_excess = excess_sum_ / static_cast<double>(used_);
    tracks_.volume = first_volume_ + mean_excess;
    tracks_.volume_sd = std::sqrt(std::max(0.0, excess_sum2_ / static_cast<double>(used_) - mean_excess * mean_excess));
    tracks_.interval_ps = interval_fs_ / units::fs_per_ps;
    tracks_.n_frames = seen_;
    tracks_.drift_length = norm(last_drift_ * tracks_.mean_cell);
    finish_velocities();
    tracks_.host.interval_ps = interval_fs_ * static_cast<double>(host_thinning_) / units::fs_per_ps;
    turn_rows();
    if (file_) {
      store();
      tracks_.series = {};
      tracks_.stored = std::move(file_);
    }
    to_lengths();
    return std::move(tracks_);
  }

 private:
  std::string where(const TrajectoryFrame& frame) const { return fmt::format("{}, step {}", info_.path, frame.step); }

  /// Continues the fractional coordinates of all atoms.
  void follow(const TrajectoryFrame& frame) {
    std::vector<Vec3> s(frame.positions.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (!is_finite(frame.positions[i]))
        throw InputError(fmt::format("atom {} has a position that is not finite", i), where(frame),
                         "The run broke down before this frame; analyse the part before it.");
      s[i] = frame.cell.to_fractional(frame.positions[i]);
    }
    const Vec3 heights = frame.cell.heights();
    const double half = 0.5 * std::min({heights.x, heights.y, heights.z});
    tracks_.half_height = used_ == 0 ? half : std::min(tracks_.half_height, half);
    if (used_ == 0) {
      start_ = unwrapped_ = s;
      tracks_.mobile_spacing = nearest_spacing(frame.cell, s, mobile_);
      tracks_.host.nearest_distance = nearest_spacing(frame.cell, s, host_);
      return;
    }
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (info_.wrapping == Wrapping::wrapped)
        for (int k = 0; k < 3; ++k)
          if (frame.cell.periodic()[static_cast<std::size_t>(k)]) s[i][k] -= std::nearbyint(s[i][k] - unwrapped_[i][k]);
      tracks_.max_step = std::max(tracks_.max_step, norm(frame.cell.to_cartesian(s[i] - unwrapped_[i])));
    }
    unwrapped_ = std::move(s);
  }

  /// Number of frames missing before this one.
  Index check_time(const TrajectoryFrame& frame) {
    if (used_ == 0) return 0;
    const double step = frame.time_fs - last_time_fs_;
    if (used_ == 1) interval_fs_ = step;
    const double ratio = interval_fs_ > 0 ? step / interval_fs_ : 0.0;
    const double whole = std::nearbyint(ratio);
    if (whole < 1 || std::abs(ratio - whole) > time_tolerance || (whole > 1 && info_.wrapping == Wrapping::wrapped))
      throw InputError(
          fmt::format("frames are {} fs apart after {} fs before", step, interval_fs_), where(frame),
          "Lag times need frames at equal intervals; analyse runs of different output intervals separately.");
    return static_cast<Index>(whole) - 1;
  }

  /// Subtracts the drift and stores what is wanted of this frame.
  void keep(const std::vector<Vec3>& s) {
    const Vec3 drift = drift_of(s);
    last_drift_ = drift;
    for (const std::size_t i : mobile_)
      for (int k = 0; k < 3; ++k) rows_.push_back(s[i][k] - drift[k]);
    if (rows_.size() >= std::min(most_rows, most_frames()) * tracks_.series.size()) turn_rows();
    if (seen_ % host_thinning_ == 0 && !host_.empty()) {
      std::vector<Vec3> frame;
      for (const std::size_t i : host_) frame.push_back(s[i] - drift);
      tracks_.host.frames.push_back(std::move(frame));
      thin_host();
    }
    ++seen_;
  }

  /// The atoms that are at rest on average, and what each counts.
  void choose_rest() {
    const auto mass = [&](std::size_t i) {
      return info_.masses.empty() ? standard_mass(info_.numbers[i]) : info_.masses[i];
    };
    tracks_.drift = host_.empty() ? Drift::total : options_.drift;
    for (std::size_t i = 0; i < info_.numbers.size(); ++i) {
      if (tracks_.drift == Drift::total) rest_.emplace_back(i, mass(i));
      const bool is_host = std::binary_search(host_.begin(), host_.end(), i);
      if (is_host) rest_.emplace_back(i, tracks_.drift == Drift::host_mass ? mass(i) : 1.0);
    }
  }

  /// Weighted mean over the atoms at rest of value(atom).
  template <class Value>
  Vec3 of_rest(const Value& value) const {
    Vec3 sum;
    double weights = 0;
    for (const auto& [i, weight] : rest_) sum += weight * value(i), weights += weight;
    return (1.0 / weights) * sum;
  }

  Vec3 drift_of(const std::vector<Vec3>& s) const {
    return of_rest([&](std::size_t i) { return s[i] - start_[i]; });
  }

  /// Relative to the same atoms as the displacements.
  void add_velocities(const TrajectoryFrame& frame) {
    if (frame.velocities.size() != info_.numbers.size()) return;
    const Vec3 rest = of_rest([&](std::size_t i) { return frame.velocities[i]; });
    std::map<int, Vec3> sums;
    for (const std::size_t i : mobile_) sums[info_.numbers[i]] += frame.velocities[i] - rest;
    if (tracks_.velocities.empty())
      for (const auto& [number, sum] : sums) tracks_.velocities.push_back({number, {}});
    for (VelocitySum& one : tracks_.velocities)
      for (int k = 0; k < 3; ++k) one.sum[static_cast<std::size_t>(k)].push_back(sums[one.number][k]);
  }

  /// A series with holes has no spectrum.
  void finish_velocities() {
    tracks_.velocity_interval_ps = interval_fs_ / units::fs_per_ps;
    if (!tracks_.velocities.empty() &&
        (static_cast<Index>(tracks_.velocities[0].sum[0].size()) != used_ || tracks_.filled > 0))
      tracks_.velocities.clear();
  }

  /// Frames that fit into the memory limit.
  std::size_t most_frames() const {
    return std::max<std::size_t>(1, options_.memory_bytes / (tracks_.series.size() * sizeof(double)));
  }

  /// Appends the rows to the series. Frame by frame every number would go to another page of the memory, which costs
  /// more than all the rest of reading; so a few frames at a time, eight series (a cache line) by eight.
  void turn_rows() {
    constexpr std::size_t side_by_side = 8;
    const std::size_t width = tracks_.series.size(), rows = rows_.size() / width;
    make_room(rows);
    for (std::size_t first = 0; first < width; first += side_by_side)
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t s = first; s < std::min(first + side_by_side, width); ++s)
          tracks_.series[s].push_back(rows_[row * width + s]);
    rows_.clear();
  }

  /// A vector that grows by itself takes up to twice what it holds: the last step of growth goes to the limit only.
  /// What has reached the limit goes to the file.
  void make_room(std::size_t rows) {
    const std::size_t frames = tracks_.series[0].size() + rows, capacity = tracks_.series[0].capacity();
    if (frames > most_frames())
      store();
    else if (frames > capacity && 2 * capacity > most_frames())
      for (std::vector<double>& series : tracks_.series) series.reserve(most_frames());
  }

  void store() {
    if (tracks_.series[0].empty()) return;
    if (!file_) file_ = std::make_shared<TrackFile>(options_.scratch);
    file_->append(tracks_.series);
    for (std::vector<double>& series : tracks_.series) series.clear();
  }

  void thin_host() {
    auto& frames = tracks_.host.frames;
    if (frames.size() <= max_host_frames) return;
    for (std::size_t t = 1; 2 * t < frames.size(); ++t) frames[t] = std::move(frames[2 * t]);
    frames.resize((frames.size() + 1) / 2);
    host_thinning_ *= 2;
  }

  void check_steps() const {
    if (info_.wrapping == Wrapping::unwrapped || tracks_.max_step < tracks_.half_height) return;
    throw InputError(
        fmt::format(
            "an atom moves {:.2f} A between frames, and half the cell is {:.2f} A: its path through the periodic "
            "boundary is not known",
            tracks_.max_step, tracks_.half_height),
        info_.path, "Write frames more often, or use a larger cell.");
  }

  /// Fractional coordinates times the mean cell.
  void to_lengths() {
    for (std::size_t s = 0; s < tracks_.series.size(); s += 3)
      scale_to_cell({tracks_.series[s], tracks_.series[s + 1], tracks_.series[s + 2]}, tracks_.mean_cell);
    for (auto& frame : tracks_.host.frames)
      for (Vec3& s : frame) s = s * tracks_.mean_cell;
  }

  const TrajectoryInfo& info_;
  const CollectOptions& options_;
  IonTracks tracks_;
  std::shared_ptr<TrackFile> file_;  ///< blocks of frames that are no longer in the tracks
  std::vector<double> rows_;         ///< the last frames, [frame][series]
  std::vector<std::size_t> mobile_, host_;
  std::vector<std::pair<std::size_t, double>> rest_;  ///< atom, weight
  std::vector<Vec3> start_, unwrapped_;               ///< fractional
  std::vector<double> temperatures_;                  ///< K, of the frames that have one
  Vec3 last_drift_;
  Mat3 cell_sum_{};
  double first_volume_ = 0, excess_sum_ = 0, excess_sum2_ = 0;
  double first_time_fs_ = 0, last_time_fs_ = 0, interval_fs_ = 0;
  Index read_ = 0, used_ = 0, seen_ = 0, host_thinning_ = 1;
};

}  // namespace

IonPath::IonPath(std::vector<double> values) : own_(std::move(values)) {
  const std::size_t frames = own_.size() / 3;
  for (std::size_t a = 0; a < 3; ++a) axes_[a] = std::span<const double>(own_).subspan(a * frames, frames);
}

IonPath IonTracks::ion(std::size_t index) const {
  if (!stored)
    return IonPath(
        std::array<std::span<const double>, 3>{series[3 * index], series[3 * index + 1], series[3 * index + 2]});
  const auto frames = static_cast<std::size_t>(n_frames);
  std::vector<double> values(3 * frames);
  std::array<std::span<double>, 3> axes;
  for (std::size_t a = 0; a < 3; ++a) {
    axes[a] = std::span(values).subspan(a * frames, frames);
    stored->read(3 * index + a, axes[a]);
  }
  scale_to_cell(axes, mean_cell);
  return IonPath(std::move(values));
}

IonTracks collect_tracks(TrajectorySource& source, const CollectOptions& options) {
  Collector collector(source.info(), options);
  TrajectoryFrame frame;
  while (source.next(frame)) collector.add(frame, source.labels());
  IonTracks tracks = collector.finish(source.remarks(), source.labels_doubt());
  // Those of the run know the whole stage, relative to the plain mean of the host.
  if (options.skip_ps == 0 && tracks.drift != Drift::host_mass) tracks.live = source.live();
  return tracks;
}

}  // namespace haven
