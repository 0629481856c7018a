#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"
#include "io/h5_foreign.hpp"
#include "io/position_reader.hpp"

/// H5MD 1.1 (de Buyl, Colberg, Hoefling, CPC 185, 1546 (2014)): /particles/<group>/{position, box, species, image,
/// velocity, id}; an element that varies is a group of value, step and time, one that does not is a dataset.
namespace haven {
namespace {

constexpr const char* remedy = "Check the file with h5ls, or convert the trajectory to extended XYZ or a LAMMPS dump.";

/// A per length unit, 0 when it is not known.
double length_unit(std::string_view unit) {
  if (unit == "Angstrom" || unit == "angstrom" || unit == "A" || unit == "\xc3\x85") return 1.0;
  if (unit == "nm") return 10.0;
  if (unit == "bohr" || unit == "Bohr" || unit == "a0") return units::bohr_in_angstrom;
  return 0;
}

/// fs per time unit, 0 when it is not known.
double time_unit(std::string_view unit) {
  if (unit == "fs") return 1.0;
  if (unit == "ps") return units::fs_per_ps;
  if (unit == "ns") return 1e3 * units::fs_per_ps;
  return 0;
}

/// A/fs per "Angstrom fs-1", "nm ps-1"; 0 when it is not known.
double velocity_unit(std::string_view unit) {
  const std::size_t blank = unit.find(' ');
  if (blank == unit.npos || !unit.ends_with("-1")) return 0;
  const double length = length_unit(unit.substr(0, blank));
  const double time = time_unit(unit.substr(blank + 1, unit.size() - blank - 3));
  return time > 0 ? length / time : 0.0;
}

/// Failures of the library are answers about the file.
template <class Action>
auto guarded(const std::string& path, Action action) {
  try {
    return action();
  } catch (const h5::Error& error) {
    throw InputError(error.summary(), path, remedy);
  }
}

class ForeignH5md final : public PositionReader {
 public:
  ForeignH5md(const std::string& path, const PositionReading& reading)
      : path_(path), reading_(reading), file_(guarded(path_, [&] { return h5::ForeignFile(path); })) {
    guarded(path_, [&] { return open(), 0; });
  }
  bool next(PositionFrame& frame) override {
    if (index_ >= position_->rows()) return false;
    guarded(path_, [&] { return read(frame), 0; });
    ++index_;
    return true;
  }
  const std::vector<int>& numbers() const override { return numbers_; }
  bool unwrapped() const override { return image_.has_value(); }
  std::vector<std::string> notes() const override { return notes_; }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, fmt::format("{}, frame {}", path_, index_), remedy);
  }
  std::string in_group(const std::string& name) const { return group_ + "/" + name; }
  void find_group();
  void open();
  void open_box();
  void open_species();
  void open_times();
  std::optional<h5::RowCache> series(const std::string& name, bool per_atom);
  Cell cell_of(std::span<const double> edges) const;
  std::vector<std::size_t> order();
  void read(PositionFrame& frame);

  std::string path_;
  PositionReading reading_;
  h5::ForeignFile file_;
  std::string group_;
  std::optional<h5::RowCache> position_, box_, image_, velocity_, id_, step_, time_;
  std::vector<double> fixed_box_;
  std::array<bool, 3> periodic_{true, true, true};
  double length_ = 1, velocity_scale_ = 0, time_scale_ = 0;
  std::vector<int> numbers_;
  std::vector<double> ids_;
  std::vector<std::string> notes_;
  Index atoms_ = 0, index_ = 0;
};

void ForeignH5md::find_group() {
  std::vector<std::string> found;
  for (const std::string& name : file_.members("/particles"))
    if (file_.is_dataset("/particles/" + name + "/position/value")) found.push_back("/particles/" + name);
  if (found.empty()) fail("there are no positions (/particles/<group>/position/value)");
  group_ = found[0];
  if (found.size() > 1) notes_.push_back(fmt::format("{}: of {} groups {} was read", path_, found.size(), group_));
}

/// A varying element of as many rows as there are positions.
std::optional<h5::RowCache> ForeignH5md::series(const std::string& name, bool per_atom) {
  const std::string value = in_group(name);
  if (!file_.is_dataset(value)) return std::nullopt;
  h5::RowCache rows(file_, value);
  if (rows.rows() < position_->rows() || (per_atom && (rows.shape().size() < 2 || rows.shape()[1] != atoms_)))
    fail(fmt::format("{} does not fit the positions", value));
  return rows;
}

void ForeignH5md::open_times() {
  step_ = series("position/step", false);
  if (step_ && step_->shape().size() != 1) step_.reset();
  time_ = series("position/time", false);
  if (time_ && time_->shape().size() != 1) time_.reset();
  if (time_) time_scale_ = time_unit(file_.text(in_group("position/time"), "unit"));
}

void ForeignH5md::open() {
  find_group();
  position_.emplace(file_, in_group("position/value"));
  const h5::Shape& shape = position_->shape();
  if (shape.size() != 3 || shape[1] < 1 || shape[2] != 3) fail("positions have no shape [frames][atoms][3]");
  atoms_ = shape[1];
  const std::string unit = file_.text(in_group("position/value"), "unit");
  length_ = length_unit(unit);
  if (length_ == 0) {
    if (!unit.empty()) fail(fmt::format("the unit of length '{}' is not known", unit.substr(0, 20)));
    length_ = 1;
    notes_.push_back(path_ + ": the file does not state the unit of length; A was taken");
  }
  open_times();
  if (file_.is_dataset(in_group("image/value"))) image_ = series("image/value", true);
  if (file_.is_dataset(in_group("id/value"))) id_ = series("id/value", true);
  velocity_scale_ = velocity_unit(file_.text(in_group("velocity/value"), "unit"));
  if (velocity_scale_ > 0) velocity_ = series("velocity/value", true);
  open_box();
  open_species();
}

void ForeignH5md::open_box() {
  const std::vector<std::string> boundary = file_.texts(in_group("box"), "boundary");
  for (std::size_t k = 0; k < 3 && boundary.size() == 3; ++k) periodic_[k] = boundary[k] == "periodic";
  if (file_.is_dataset(in_group("box/edges"))) {
    fixed_box_ = file_.all(in_group("box/edges"));
    if (fixed_box_.size() != 3 && fixed_box_.size() != 9) fail("the box has neither 3 nor 9 numbers");
    return;
  }
  if (!file_.is_dataset(in_group("box/edges/value"))) {
    if (reading_.cell) return;
    throw ConfigError("the trajectory has no box", path_,
                      "Name a structure file with the cell of the run (--structure).");
  }
  const h5::Shape shape = file_.shape(in_group("box/edges/value"));
  if (shape.size() < 2 || shape[0] < 1) fail("the box has no frames");
  if (shape[0] == 1)
    fixed_box_ = file_.all(in_group("box/edges/value"));
  else
    box_ = series("box/edges/value", false);
}

void ForeignH5md::open_species() {
  std::string name = in_group("species");
  std::vector<double> values;
  if (file_.is_dataset(name)) {
    values = file_.all(name);
  } else if (file_.is_dataset(name += "/value")) {
    values = file_.rows(name, 0, 1);
  } else {
    return;
  }
  if (static_cast<Index>(values.size()) != atoms_) fail("species does not fit the positions");
  const auto names = file_.enumeration(name);
  std::set<double> kinds(values.begin(), values.end());
  for (const double value : values) {
    int number = 0;
    if (const auto known = names.find(static_cast<std::int64_t>(value)); known != names.end()) {
      number = atomic_number(known->second);
    } else if (!reading_.types.empty()) {
      const auto kind = static_cast<std::size_t>(std::distance(kinds.begin(), kinds.find(value)));
      if (kinds.size() > reading_.types.size())
        fail(fmt::format("{} species, but {} elements were named", kinds.size(), reading_.types.size()));
      number = reading_.types[kind];
    }
    if (number == 0) return numbers_.clear();
    numbers_.push_back(number);
  }
}

Cell ForeignH5md::cell_of(std::span<const double> edges) const {
  if (edges.size() != 3 && edges.size() != 9) fail("the box has neither 3 nor 9 numbers");
  Mat3 vectors;
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t c = 0; c < 3; ++c)
      vectors[static_cast<int>(k)][static_cast<int>(c)] =
          length_ * (edges.size() == 9 ? edges[3 * k + c] : (k == c ? edges[k] : 0.0));
  return Cell(vectors, periodic_);
}

/// Row of each atom in this frame.
std::vector<std::size_t> ForeignH5md::order() {
  std::vector<std::size_t> rows(static_cast<std::size_t>(atoms_));
  for (std::size_t k = 0; k < rows.size(); ++k) rows[k] = k;
  if (!id_) return rows;
  const std::span<const double> ids = id_->row(index_);
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
  std::vector<double> sorted;
  for (const std::size_t row : rows) sorted.push_back(ids[row]);
  if (index_ == 0) ids_ = sorted;
  if (sorted != ids_) fail("the atoms differ from those of the first frame");
  return rows;
}

void ForeignH5md::read(PositionFrame& frame) {
  frame = {};
  if (step_) frame.step = static_cast<std::int64_t>(step_->row(index_)[0]);
  if (time_ && time_scale_ > 0) frame.time_fs = time_scale_ * time_->row(index_)[0];
  if (box_)
    frame.cell = cell_of(box_->row(index_));
  else
    frame.cell = fixed_box_.empty() ? *reading_.cell : cell_of(fixed_box_);
  const std::span<const double> r = position_->row(index_);
  for (const std::size_t row : order()) {
    Vec3 position{length_ * r[3 * row], length_ * r[3 * row + 1], length_ * r[3 * row + 2]};
    if (image_) {
      const std::span<const double> n = image_->row(index_);
      position += Vec3{n[3 * row], n[3 * row + 1], n[3 * row + 2]} * frame.cell.vectors();
    }
    if (!is_finite(position)) fail(fmt::format("the position of atom {} is not finite", row));
    frame.positions.push_back(position);
    if (!velocity_) continue;
    const std::span<const double> v = velocity_->row(index_);
    frame.velocities.push_back(velocity_scale_ * Vec3{v[3 * row], v[3 * row + 1], v[3 * row + 2]});
  }
}

}  // namespace

std::unique_ptr<PositionReader> open_foreign_h5md(const std::string& path, const PositionReading& reading) {
  return std::make_unique<ForeignH5md>(path, reading);
}

}  // namespace haven
