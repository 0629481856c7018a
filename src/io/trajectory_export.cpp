#include "io/trajectory_export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numbers>

#include "core/error.hpp"
#include "core/species.hpp"
#include "core/units.hpp"

namespace haven {
namespace {

/// A file under a temporary name until it is complete.
class WholeFile {
 public:
  WholeFile(FileSystem& files, const std::string& path)
      : files_(files), path_(path), temporary_(path + ".tmp"), file_(files, temporary_, OpenMode::create) {}
  ~WholeFile() {
    if (!finished_) files_.remove(temporary_);
  }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void append(const std::string& text) { file_.append(text); }
  void append(std::span<const std::byte> bytes) { file_.append(bytes); }
  void write_at(std::span<const std::byte> bytes, std::int64_t offset) { file_.write_at(bytes, offset); }
  void finish() {
    file_.sync();
    file_.rename(path_);
    finished_ = true;
    file_.close();
  }

 private:
  FileSystem& files_;
  std::string path_, temporary_;
  OutputFile file_;
  bool finished_ = false;
};

void check_size(const TrajectoryFrame& frame, const ExportHeader& header) {
  HAVEN_ASSERT(frame.positions.size() == header.numbers.size());
  HAVEN_ASSERT(frame.velocities.empty() || frame.velocities.size() == header.numbers.size());
}

/// The cell with a along x and b in the xy plane, and the rotation r -> r turn that brings the crystal there.
struct TurnedCell {
  Mat3 cell, turn;
};

TurnedCell turned(const Cell& cell) {
  const Mat3& h = cell.vectors();
  if (determinant(h) < 0)
    throw InputError("the cell is left-handed, which a rotation cannot bring to a along x and b in the xy plane",
                     "trajectory", "Export extended XYZ, or exchange two cell vectors in the structure.");
  const Vec3 x = (1 / norm(h[0])) * h[0], normal = cross(h[0], h[1]), z = (1 / norm(normal)) * normal;
  const Mat3 axes{{{x, cross(z, x), z}}};
  TurnedCell result{.cell = h * transpose(axes), .turn = transpose(axes)};
  result.cell[0].y = result.cell[0].z = result.cell[1].z = 0;  // zero but for rounding
  return result;
}

class ExtxyzExporter final : public TrajectoryExporter {
 public:
  ExtxyzExporter(FileSystem& files, const std::string& path, ExportHeader header)
      : file_(files, path), header_(std::move(header)) {}
  void append(const TrajectoryFrame& frame, const FrameLabels& labels) override {
    check_size(frame, header_);
    file_.append(extxyz_text(frame, header_.numbers, labels));
  }
  void finish() override { file_.finish(); }

 private:
  WholeFile file_;
  ExportHeader header_;
};

class DumpExporter final : public TrajectoryExporter {
 public:
  DumpExporter(FileSystem& files, const std::string& path, ExportHeader header)
      : file_(files, path), header_(std::move(header)) {
    for (const int number : header_.numbers) types_.emplace(number, static_cast<int>(types_.size()) + 1);
  }
  void append(const TrajectoryFrame& frame, const FrameLabels& /*labels*/) override {
    check_size(frame, header_);
    const TurnedCell to = turned(frame.cell);
    std::string text = first_ ? "ITEM: UNITS\nmetal\n" : "";
    first_ = false;
    text += fmt::format("ITEM: TIME\n{}\nITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n{}\n",
                        frame.time_fs / units::fs_per_ps, frame.step, frame.positions.size());
    text += bounds(to.cell, frame.cell.periodic());
    text += frame.velocities.empty() ? "ITEM: ATOMS id type element xu yu zu\n"
                                     : "ITEM: ATOMS id type element xu yu zu vx vy vz\n";
    for (std::size_t i = 0; i < frame.positions.size(); ++i) {
      const Vec3 r = frame.positions[i] * to.turn;
      fmt::format_to(std::back_inserter(text), "{} {} {} {} {} {}", i + 1, types_.at(header_.numbers[i]),
                     element_symbol(header_.numbers[i]), r.x, r.y, r.z);
      if (!frame.velocities.empty()) {
        const Vec3 v = units::fs_per_ps * (frame.velocities[i] * to.turn);  // A/ps
        fmt::format_to(std::back_inserter(text), " {} {} {}", v.x, v.y, v.z);
      }
      text += '\n';
    }
    file_.append(text);
  }
  void finish() override { file_.finish(); }

 private:
  static std::string bounds(const Mat3& h, const std::array<bool, 3>& periodic) {
    const auto edge = [&](std::size_t k) { return periodic[k] ? "pp" : "ff"; };
    const double xy = h[1].x, xz = h[2].x, yz = h[2].y;
    const std::string edges = fmt::format("{} {} {}", edge(0), edge(1), edge(2));
    if (xy == 0 && xz == 0 && yz == 0)
      return fmt::format("ITEM: BOX BOUNDS {}\n0 {}\n0 {}\n0 {}\n", edges, h[0].x, h[1].y, h[2].z);
    const double low = std::min({0.0, xy, xz, xy + xz}), high = std::max({0.0, xy, xz, xy + xz});
    return fmt::format("ITEM: BOX BOUNDS xy xz yz {}\n{} {} {}\n{} {} {}\n0 {} {}\n", edges, low, h[0].x + high, xy,
                       std::min(0.0, yz), h[1].y + std::max(0.0, yz), xz, h[2].z, yz);
  }
  WholeFile file_;
  ExportHeader header_;
  std::map<int, int> types_;  // by atomic number, in order of appearance
  bool first_ = true;
};

/// Records of the CHARMM kind, little-endian: see dcd.cpp for the layout.
class DcdExporter final : public TrajectoryExporter {
 public:
  DcdExporter(FileSystem& files, const std::string& path, ExportHeader header)
      : file_(files, path), header_(std::move(header)) {
    write_head();
    std::vector<std::byte> titles = bytes_of_values<std::int32_t>({1});
    std::string title = "* " + header_.created_by;
    title.resize(title_length, ' ');
    append_bytes(titles, title.data(), title.size());
    write_record(titles);
    write_record(bytes_of_values<std::int32_t>({static_cast<std::int32_t>(header_.numbers.size())}));
  }
  void append(const TrajectoryFrame& frame, const FrameLabels& /*labels*/) override {
    check_size(frame, header_);
    const TurnedCell to = turned(frame.cell);
    if (frames_ == 0) first_step_ = frame.step;
    if (frames_ == 1) interval_ = frame.step - first_step_;
    ++frames_;
    write_record(bytes_of_values<double>(cell_record(to.cell)));
    std::array<std::vector<float>, 3> axes;
    for (const Vec3& position : frame.positions) {
      const Vec3 r = position * to.turn;
      for (int k = 0; k < 3; ++k) axes[static_cast<std::size_t>(k)].push_back(static_cast<float>(r[k]));
    }
    for (const auto& axis : axes) write_record(bytes_of_values<float>(axis));
  }
  void finish() override {
    write_head();
    file_.finish();
  }

 private:
  static constexpr std::size_t title_length = 80;
  static constexpr double akma_time_fs = 48.88821;  // CHARMM's unit of time

  template <class T>
  static std::vector<std::byte> bytes_of_values(const std::vector<T>& values) {
    const auto view = std::as_bytes(std::span<const T>(values));
    return {view.begin(), view.end()};
  }
  static void append_bytes(std::vector<std::byte>& to, const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(from);
    to.insert(to.end(), bytes, bytes + size);
  }
  /// Lengths and angles in degrees: a, gamma, b, beta, alpha, c.
  static std::vector<double> cell_record(const Mat3& h) {
    const auto angle = [](const Vec3& a, const Vec3& b) {
      return std::acos(std::clamp(dot(a, b) / (norm(a) * norm(b)), -1.0, 1.0)) * 180 / std::numbers::pi;
    };
    return {norm(h[0]), angle(h[0], h[1]), norm(h[1]), angle(h[0], h[2]), angle(h[1], h[2]), norm(h[2])};
  }
  std::vector<std::byte> framed(const std::vector<std::byte>& content) const {
    const auto length = static_cast<std::int32_t>(content.size());
    std::vector<std::byte> record;
    append_bytes(record, &length, sizeof length);
    record.insert(record.end(), content.begin(), content.end());
    append_bytes(record, &length, sizeof length);
    return record;
  }
  void write_record(const std::vector<std::byte>& content) { file_.append(framed(content)); }
  static std::int32_t limited(std::int64_t value) {
    return static_cast<std::int32_t>(std::min<std::int64_t>(value, std::numeric_limits<std::int32_t>::max()));
  }
  /// At the beginning, and again at the end, when the number of frames is known.
  void write_head() {
    std::vector<std::int32_t> settings(20, 0);
    settings[0] = limited(frames_);
    settings[1] = limited(first_step_);
    settings[2] = limited(std::max<std::int64_t>(1, interval_));
    settings[3] = limited(first_step_ + interval_ * std::max<std::int64_t>(0, frames_ - 1));
    const double step_fs = header_.frame_interval_fs / static_cast<double>(std::max<std::int64_t>(1, interval_));
    const auto delta = static_cast<float>(step_fs / akma_time_fs);
    std::memcpy(&settings[9], &delta, sizeof delta);
    settings[10] = 1;   // with a unit cell
    settings[19] = 24;  // the version of CHARMM whose records these are
    std::vector<std::byte> head;
    append_bytes(head, "CORD", 4);
    const auto numbers = bytes_of_values<std::int32_t>(settings);
    head.insert(head.end(), numbers.begin(), numbers.end());
    const std::vector<std::byte> record = framed(head);
    if (begun_) {
      file_.write_at(record, 0);
    } else {
      file_.append(record);
    }
    begun_ = true;
  }
  WholeFile file_;
  ExportHeader header_;
  std::int64_t frames_ = 0, first_step_ = 0, interval_ = 0;
  bool begun_ = false;
};

}  // namespace

std::string extxyz_text(const TrajectoryFrame& frame, std::span<const int> numbers, const FrameLabels& labels) {
  const Mat3& h = frame.cell.vectors();
  const auto& periodic = frame.cell.periodic();
  const auto letter = [&](std::size_t k) { return periodic[k] ? 'T' : 'F'; };
  std::string known;
  if (labels.energy) known += fmt::format(" energy={}", *labels.energy);
  if (labels.temperature_K) known += fmt::format(" temperature_K={}", *labels.temperature_K);
  std::string text = fmt::format(
      "{}\nLattice=\"{} {} {} {} {} {} {} {} {}\" pbc=\"{} {} {}\" Properties=species:S:1:pos:R:3{} step={} "
      "time_fs={}{}\n",
      frame.positions.size(), h[0].x, h[0].y, h[0].z, h[1].x, h[1].y, h[1].z, h[2].x, h[2].y, h[2].z, letter(0),
      letter(1), letter(2), frame.velocities.empty() ? "" : ":vel:R:3", frame.step, frame.time_fs, known);
  for (std::size_t i = 0; i < frame.positions.size(); ++i) {
    const Vec3& r = frame.positions[i];
    fmt::format_to(std::back_inserter(text), "{} {} {} {}", element_symbol(numbers[i]), r.x, r.y, r.z);
    if (!frame.velocities.empty()) {
      const Vec3& v = frame.velocities[i];
      fmt::format_to(std::back_inserter(text), " {} {} {}", v.x, v.y, v.z);
    }
    text += '\n';
  }
  return text;
}

std::unique_ptr<TrajectoryExporter> make_exporter(FileSystem& files, const std::string& path, ExportFormat format,
                                                  const ExportHeader& header) {
  switch (format) {
    case ExportFormat::extxyz:
      return std::make_unique<ExtxyzExporter>(files, path, header);
    case ExportFormat::lammps_dump:
      return std::make_unique<DumpExporter>(files, path, header);
    case ExportFormat::dcd:
      return std::make_unique<DcdExporter>(files, path, header);
  }
  throw InternalError("unknown format", "make_exporter");
}

}  // namespace haven
