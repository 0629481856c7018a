#include "analysis/foreign_trajectory.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string_view>
#include <utility>

#include "analysis/trajectory_source.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "io/binary_stream.hpp"
#include "io/file_format.hpp"
#include "io/h5_foreign.hpp"
#include "io/position_reader.hpp"
#include "io/structure_file.hpp"

namespace haven {
namespace {

enum class Kind { lammps, dcd, xtc, h5md, other };

/// By the first bytes, decompressed where needed.
Kind kind_of(const std::string& path) {
  BinaryStream stream(path);
  std::vector<char> head;
  static_cast<void>(stream.bytes(head, 16));
  const std::string_view text(head.data(), head.size());
  if (text.starts_with("ITEM:")) return Kind::lammps;
  if (text.size() >= 8 && text.substr(4, 4) == "CORD") return Kind::dcd;
  if (text.starts_with("\x89HDF")) return Kind::h5md;
  constexpr std::string_view classic("\0\0\x07\xcb", 4), large("\0\0\x07\xe7", 4);
  if (text.starts_with(classic) || text.starts_with(large)) return Kind::xtc;
  return Kind::other;
}

bool has_particles(const std::string& path) {
  try {
    return h5::ForeignFile(path).has("/particles");
  } catch (const h5::Error&) {
    return false;
  }
}

std::vector<int> elements(const std::vector<std::string>& symbols) {
  std::vector<int> numbers;
  for (const std::string& symbol : symbols) {
    numbers.push_back(atomic_number(symbol));
    if (numbers.back() == 0)
      throw ConfigError(fmt::format("'{}' is no element", symbol), "--types", "Use symbols such as Li.");
  }
  return numbers;
}

/// Times of frames, from what the file and the user say.
class Clock {
 public:
  Clock(std::string path, const TrajectoryReading& reading)
      : path_(std::move(path)), interval_fs_(reading.frame_interval_fs), timestep_fs_(reading.timestep_fs) {}

  /// @throws ConfigError when the first frame shows that the time cannot be known
  void check(const PositionFrame& first) const {
    if (interval_fs_ > 0 || (timestep_fs_ > 0 && first.step) || first.time_fs) return;
    throw ConfigError("the time between frames is not known", path_,
                      first.step ? "Give the time step of the run in fs (--timestep), or the time between frames "
                                   "(--frame-interval)."
                                 : "Give the time between stored frames in fs (--frame-interval).");
  }
  /// Is this the frame before once more?
  [[nodiscard]] bool repeats(const PositionFrame& frame) const {
    return frame.step && last_step_ && *frame.step == *last_step_;
  }
  double time_fs(const PositionFrame& frame, Index index) {
    const auto at_index = static_cast<double>(index);
    if (!frame.step) return interval_fs_ > 0 ? interval_fs_ * at_index : *frame.time_fs;
    if (last_step_ && *frame.step < *last_step_)
      throw InputError(fmt::format("the step goes back from {} to {}", *last_step_, *frame.step),
                       fmt::format("{}, frame {}", path_, index), "Analyse runs in separate files, as replicas.");
    if (!first_step_) first_step_ = frame.step, first_time_fs_ = frame.time_fs.value_or(0);
    last_step_ = frame.step;
    const auto steps = static_cast<double>(*frame.step - *first_step_);
    if (steps == 0) return 0;
    if (steps_per_frame_ == 0) learn(frame, steps);
    return fs_per_step_ * steps;
  }

 private:
  /// Steps are exact, times are often rounded (XTC keeps seven digits): the second frame tells the time of a step.
  void learn(const PositionFrame& second, double steps) {
    steps_per_frame_ = steps;
    if (interval_fs_ > 0) {
      fs_per_step_ = interval_fs_ / steps;
    } else if (timestep_fs_ > 0) {
      fs_per_step_ = timestep_fs_;
    } else {
      const double between = *second.time_fs - first_time_fs_;
      constexpr double single_precision = 1.2e-7, tolerated = 1e-4;
      if (!(between > 0) || std::abs(*second.time_fs) * single_precision > tolerated * between)
        throw ConfigError("the times in the file are too coarse to tell frames apart", path_,
                          "Give the time between stored frames in fs (--frame-interval).");
      fs_per_step_ = between / steps;
    }
  }

  std::string path_;
  double interval_fs_, timestep_fs_;
  std::optional<std::int64_t> first_step_, last_step_;
  double first_time_fs_ = 0, steps_per_frame_ = 0, fs_per_step_ = 0;
};

class ForeignSource final : public TrajectorySource {
 public:
  ForeignSource(std::string path, std::unique_ptr<PositionReader> reader, const TrajectoryReading& reading,
                std::vector<int> numbers)
      : reader_(std::move(reader)), clock_(path, reading) {
    info_.path = std::move(path);
    more_ = reader_->next(pending_);
    if (!more_)
      throw InputError("the file has no complete frame", info_.path, "Check that the run has written this file.");
    clock_.check(pending_);
    info_.numbers = numbers.empty() ? reader_->numbers() : std::move(numbers);
    if (info_.numbers.empty())
      throw ConfigError("the file does not name the elements of its atoms", info_.path,
                        "Name a structure file with the same atoms in the same order (--structure POSCAR), or, for "
                        "numbered types, their elements in order (--types Li P S).");
    if (info_.numbers.size() != pending_.positions.size())
      throw InputError(fmt::format("{} atoms in the trajectory, {} in the structure", pending_.positions.size(),
                                   info_.numbers.size()),
                       info_.path, "The structure must hold the same atoms in the same order.");
    for (const int number : info_.numbers) info_.masses.push_back(standard_mass(number));
    info_.temperature_K = reading.temperature_K > 0 ? reading.temperature_K : reader_->temperature_K();
    info_.wrapping = reader_->unwrapped() ? Wrapping::unwrapped : Wrapping::wrapped;
  }

  const TrajectoryInfo& info() const override { return info_; }
  bool next(TrajectoryFrame& frame) override {
    while (more_ && clock_.repeats(pending_)) {
      ++repeated_;
      more_ = reader_->next(pending_);
    }
    if (!more_) return false;
    frame.step = pending_.step.value_or(index_);
    frame.time_fs = clock_.time_fs(pending_, index_);
    frame.cell = pending_.cell;
    frame.positions = std::move(pending_.positions);
    frame.velocities = std::move(pending_.velocities);
    labels_ = pending_.labels;
    ++index_;
    more_ = reader_->next(pending_);
    return true;
  }
  FrameLabels labels() const override { return labels_; }
  std::string labels_doubt() const override { return reader_->labels_doubt(); }
  std::vector<std::string> remarks() const override {
    std::vector<std::string> texts = reader_->notes();
    if (const std::string ending = reader_->ending(); !ending.empty()) texts.push_back(ending);
    if (repeated_ > 0) texts.push_back(fmt::format("{}: {} repeated frames were left out", info_.path, repeated_));
    return texts;
  }

 private:
  std::unique_ptr<PositionReader> reader_;
  Clock clock_;
  TrajectoryInfo info_;
  PositionFrame pending_;
  FrameLabels labels_;
  bool more_ = false;
  Index index_ = 0, repeated_ = 0;
};

std::unique_ptr<PositionReader> open_reader(const std::string& path, const PositionReading& reading) {
  switch (kind_of(path)) {
    case Kind::lammps:
      return open_lammps_dump(path, reading);
    case Kind::dcd:
      return open_dcd(path, reading);
    case Kind::xtc:
      return open_xtc(path);
    case Kind::h5md:
      if (has_particles(path)) return open_foreign_h5md(path, reading);
      break;
    case Kind::other:
      break;
  }
  return open_vasp_positions(path);
}

}  // namespace

bool is_own_h5md(const std::string& path) {
  if (kind_of(path) != Kind::h5md) return false;
  try {
    return h5::ForeignFile(path).has("/haven");
  } catch (const h5::Error&) {
    return true;  // being written, or damaged: our reader follows such files, and says what is wrong
  }
}

bool is_foreign_trajectory(const std::string& path) {
  const Kind kind = kind_of(path);
  if (kind == Kind::h5md) return has_particles(path);
  return kind != Kind::other;
}

std::unique_ptr<TrajectorySource> open_xdatcar(const std::string& path, const TrajectoryReading& reading) {
  if (reading.frame_interval_fs <= 0)
    throw ConfigError("the time between frames is not known", path,
                      "XDATCAR does not store it: give POTIM * NBLOCK in fs (--frame-interval).");
  return std::make_unique<ForeignSource>(path, open_xdatcar_positions(path), reading, std::vector<int>{});
}

std::unique_ptr<TrajectorySource> open_foreign(const std::string& path, const TrajectoryReading& reading) {
  PositionReading parts{.types = elements(reading.types)};
  std::vector<int> numbers;
  if (!reading.structure.empty()) {
    const Structure structure = read_structure(reading.structure, {.types = parts.types});
    numbers = structure.numbers;
    parts.cell = structure.cell;
  }
  return std::make_unique<ForeignSource>(path, open_reader(path, parts), reading, std::move(numbers));
}

}  // namespace haven
