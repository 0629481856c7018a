#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/error.hpp"
#include "io/binary_stream.hpp"
#include "io/position_reader.hpp"

/// DCD: Fortran records (4-byte length before and after). Head of 84 bytes ("CORD" and 20 integers), titles, number of
/// atoms; frames of an optional cell (A, gamma, B, beta, alpha, C in doubles) and x, y, z in single precision.
namespace haven {
namespace {

constexpr std::int32_t head_length = 84;
constexpr std::uint32_t longest_record = 2U << 30U;

class Dcd final : public PositionReader {
 public:
  Dcd(const std::string& path, const PositionReading& reading) : stream_(path), given_cell_(reading.cell) {
    read_head();
  }
  bool next(PositionFrame& frame) override;
  const std::vector<int>& numbers() const override { return none_; }
  std::string ending() const override {
    if (!cut_off_) return {};
    return fmt::format("{} ends inside frame {}; that frame was left out", stream_.path(), frames_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, stream_.where(), "Check that this is a DCD trajectory (with 4-byte records), complete.");
  }
  /// One record; false when the file ends inside it.
  bool record(std::vector<char>& out);
  template <class T>
  T at(const std::vector<char>& bytes, std::size_t index) const {
    return stream_.decoded<T>(bytes.data() + index * sizeof(T));
  }
  void read_head();
  Cell cell_of(const std::vector<char>& bytes) const;
  bool read_cell(PositionFrame& frame);
  bool read_axis(int axis, PositionFrame& frame);

  BinaryStream stream_;
  std::optional<Cell> given_cell_;
  std::vector<int> none_;
  std::vector<char> buffer_;
  std::size_t atoms_ = 0;
  std::vector<std::size_t> free_;  ///< atoms that later frames hold, when some are fixed
  std::vector<Vec3> first_;        ///< of the first frame, when some are fixed
  bool has_cell_ = false, fourth_dimension_ = false, cut_off_ = false;
  Index frames_ = 0;
};

bool Dcd::record(std::vector<char>& out) {
  std::uint32_t length = 0, after = 0;
  if (!stream_.number(length)) return false;
  if (length > longest_record) fail(fmt::format("a record of {} bytes", length));
  if (!stream_.bytes(out, length) || !stream_.number(after)) return false;
  if (after != length) fail("the two lengths of a record differ");
  return true;
}

void Dcd::read_head() {
  std::int32_t length = 0, after = 0;
  if (!stream_.number(length)) fail("the file is empty");
  if (length != head_length) {
    if (length != std::int32_t{0x54000000}) fail("the file does not begin with a record of 84 bytes");
    stream_.set_order(std::endian::big);
  }
  std::vector<char> head;
  if (!stream_.bytes(head, head_length) || !stream_.number(after) || after != head_length ||
      std::string(head.data(), 4) != "CORD")
    fail("the head of the file is none of a DCD");
  const auto setting = [&](std::size_t k) { return at<std::int32_t>(head, k + 1); };
  has_cell_ = setting(10) != 0;
  fourth_dimension_ = setting(11) != 0;
  const std::int32_t fixed = setting(8);
  if (!record(buffer_)) fail("the file ends inside its titles");
  if (!record(buffer_) || buffer_.size() != 4) fail("the number of atoms is missing");
  const auto atoms = at<std::int32_t>(buffer_, 0);
  if (atoms < 1 || fixed < 0 || fixed >= atoms) fail(fmt::format("{} atoms, {} of them fixed", atoms, fixed));
  atoms_ = static_cast<std::size_t>(atoms);
  if (fixed > 0) {
    const auto count = static_cast<std::size_t>(atoms - fixed);
    if (!record(buffer_) || buffer_.size() != 4 * count) fail("the list of free atoms is missing");
    for (std::size_t k = 0; k < count; ++k) {
      const auto index = at<std::int32_t>(buffer_, k);
      if (index < 1 || index > atoms) fail(fmt::format("the free atom {} does not exist", index));
      free_.push_back(static_cast<std::size_t>(index - 1));
    }
  }
  if (!has_cell_ && !given_cell_)
    throw ConfigError("the trajectory has no unit cell", stream_.path(),
                      "Name a structure file with the cell of the run (--structure).");
}

/// Rows a along x, b in the xy plane. Angles are degrees, or cosines (CHARMM before version 25, NAMD, LAMMPS).
Cell Dcd::cell_of(const std::vector<char>& bytes) const {
  const double a = at<double>(bytes, 0), b = at<double>(bytes, 2), c = at<double>(bytes, 5);
  std::array<double, 3> cosines{at<double>(bytes, 4), at<double>(bytes, 3), at<double>(bytes, 1)};
  const bool degrees = std::any_of(cosines.begin(), cosines.end(), [](double x) { return std::abs(x) > 1.0; });
  // 90 degrees exactly, and what rounding makes of it, are a right angle.
  for (double& x : cosines)
    if (degrees) x = std::abs(x - 90.0) < 1e-9 ? 0.0 : std::cos(x * std::numbers::pi / 180.0);
  const auto [alpha, beta, gamma] = cosines;
  const double sine = std::sqrt(std::max(0.0, 1.0 - gamma * gamma));
  const double cy = sine > 0 ? (alpha - beta * gamma) / sine : 0.0;
  const double cz = std::sqrt(std::max(0.0, 1.0 - beta * beta - cy * cy));
  return Cell(Mat3{{{{a, 0, 0}, {b * gamma, b * sine, 0}, {c * beta, c * cy, c * cz}}}});
}

bool Dcd::read_axis(int axis, PositionFrame& frame) {
  if (!record(buffer_)) return false;
  const bool part = !free_.empty() && frames_ > 0;
  const std::size_t count = part ? free_.size() : atoms_;
  if (buffer_.size() != count * sizeof(float))
    fail(fmt::format("a frame holds {} bytes of coordinates for {} atoms", buffer_.size(), count));
  // The record has proved the atoms: nothing is allocated for those that a damaged head claims.
  if (axis == 0) frame.positions = part ? first_ : std::vector<Vec3>(atoms_);
  for (std::size_t k = 0; k < count; ++k) {
    const float value = at<float>(buffer_, k);
    if (!std::isfinite(value)) fail(fmt::format("a coordinate of frame {} is not finite", frames_));
    frame.positions[part ? free_[k] : k][axis] = static_cast<double>(value);
  }
  return true;
}

bool Dcd::read_cell(PositionFrame& frame) {
  if (!has_cell_) return frame.cell = *given_cell_, true;
  if (!record(buffer_)) return false;
  if (buffer_.size() != 6 * sizeof(double)) fail("the cell of a frame is no record of 48 bytes");
  try {
    frame.cell = cell_of(buffer_);
  } catch (const InputError& error) {
    fail(error.summary());
  }
  return true;
}

bool Dcd::next(PositionFrame& frame) {
  if (cut_off_) return false;
  frame = {};
  const std::int64_t begin = stream_.position();
  bool read = read_cell(frame);
  for (int axis = 0; axis < 3 && read; ++axis) read = read_axis(axis, frame);
  if (read && fourth_dimension_) read = record(buffer_);
  if (!read) {
    cut_off_ = stream_.position() > begin;
    return false;
  }
  if (frames_ == 0 && !free_.empty()) first_ = frame.positions;
  ++frames_;
  return true;
}

}  // namespace

std::unique_ptr<PositionReader> open_dcd(const std::string& path, const PositionReading& reading) {
  return std::make_unique<Dcd>(path, reading);
}

}  // namespace haven
