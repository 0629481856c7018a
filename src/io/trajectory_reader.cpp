#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>

#include "core/error.hpp"
#include "io/h5.hpp"
#include "io/trajectory.hpp"
#include "io/trajectory_layout.hpp"

namespace haven {
namespace {

struct StoredFrame {
  Index row = 0;
  std::int64_t step = 0;
};

/// One file, opened for reading; it may still be growing. Frames are those there when it was opened.
class Segment {
 public:
  explicit Segment(const std::string& path) : path_(path), file_(h5::File::open(path, h5::Access::follow)) {
    const h5::Group root = file_.root();
    if (!root.has("haven") || root.group("haven").text("format") != trajectory_format)
      throw InputError("the file is not a Haven trajectory", path,
                       "Give the folder of a run or one of its traj.part*.h5.");
    const h5::Group haven = root.group("haven"), particles = root.group("particles").group("all");
    if (const auto version = haven.integers("version"); version.size() != 2 || version[0] != 1)
      throw InputError(
          fmt::format("trajectory version {} is not known to this program", version.empty() ? 0 : version[0]), path,
          "Read it with the Haven version that wrote it.");
    read_header(haven, particles);
    read_periodic(particles.group("box"));
    const h5::Group position = particles.group("position");
    data_.push_back(position.dataset("value"));
    if (particles.has("velocity")) data_.push_back(particles.group("velocity").dataset("value"));
    velocities_ = data_.size() == 2;
    data_.push_back(particles.group("box").group("edges").dataset("value"));
    data_.push_back(position.dataset("time"));
    data_.push_back(position.dataset("step"));
    data_.push_back(haven.dataset("frame_crc"));
    list_frames();
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const TrajectoryHeader& header() const { return header_; }
  /// Frames in the file, in increasing order of step, without those found torn.
  [[nodiscard]] const std::vector<StoredFrame>& frames() const { return frames_; }
  [[nodiscard]] const std::vector<RejectedFrame>& torn() const { return torn_; }
  [[nodiscard]] std::int64_t supersedes_after() const { return supersedes_after_; }
  [[nodiscard]] bool has_velocities() const { return velocities_; }

  /// Reads a frame; returns why it cannot be used, or nothing.
  std::string read(Index row, TrajectoryFrame& frame) const {
    try {
      return read_unguarded(row, frame);
    } catch (const IoError& error) {
      return error.summary();
    } catch (const InputError& error) {  // a cell of nonsense
      return error.summary();
    }
  }

 private:
  void read_header(const h5::Group& haven, const h5::Group& particles) {
    const auto numbers = particles.dataset("species").read<std::int32_t>();
    header_.numbers.assign(numbers.begin(), numbers.end());
    header_.masses = particles.dataset("mass").read<double>();
    header_.ids = particles.dataset("id").read<std::int64_t>();
    if (numbers.empty() || header_.masses.size() != numbers.size() || header_.ids.size() != numbers.size())
      throw InputError("species, masses and ids differ in number", path_, "The file is damaged; use another copy.");
    header_.stage = haven.text("stage");
    header_.run_id = haven.text("run_id");
    header_.model_hash = haven.text("model_hash");
    header_.created_by = haven.text("created_by");
    header_.timestep_fs = haven.number("timestep_fs");
    header_.frame_interval = haven.integer("frame_interval");
    header_.target_temperature = haven.number("target_temperature_k");
    supersedes_after_ = haven.integer("supersedes_after");
  }

  void read_periodic(const h5::Group& box) {
    const std::vector<std::string> boundary = box.texts("boundary");
    if (boundary.size() != 3)
      throw InputError("the box has no three boundaries", path_, "The file is damaged; use another copy.");
    for (std::size_t k = 0; k < 3; ++k) periodic_[k] = boundary[k] == "periodic";
  }

  /// Number of frames that are complete in every dataset. It comes from the file and is bounded by its size.
  [[nodiscard]] Index count_frames() const {
    Index count = std::numeric_limits<Index>::max();
    for (const h5::Dataset& data : data_) count = std::min(count, data.rows());
    const Index bytes_per_frame = static_cast<Index>(header_.numbers.size() * sizeof(Vec3));
    if (count > static_cast<Index>(std::filesystem::file_size(path_)) / bytes_per_frame)
      throw InputError("the file claims more frames than it can hold", path_, "The file is damaged; use another copy.");
    return count;
  }

  /// Steps that can be read and increase from where the segment begins are believed: next() verifies each frame.
  /// Anything else means that a power cut tore frames, and then only those whose checksum fits are listed.
  void list_frames() {
    const Index count = count_frames();
    std::vector<std::int64_t> steps(static_cast<std::size_t>(count));
    if (count == 0) return;
    try {
      data_[data_.size() - 2].read_rows(0, count, h5::Type::i64, std::as_writable_bytes(std::span(steps)));
    } catch (const IoError&) {
      steps.front() = std::numeric_limits<std::int64_t>::min();
    }
    const bool increasing = std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end();
    const bool believed = increasing && steps.front() >= supersedes_after_;
    TrajectoryFrame frame;
    for (Index row = 0; row < count; ++row) {
      const std::string problem = believed ? "" : read(row, frame);
      const std::int64_t step = believed ? steps[static_cast<std::size_t>(row)] : frame.step;
      if (problem.empty())
        frames_.push_back({row, step});
      else
        torn_.push_back({path_, row, step, problem});
    }
  }

  std::string read_unguarded(Index row, TrajectoryFrame& frame) const {
    const std::size_t atoms = header_.numbers.size();
    frame.positions.resize(atoms);
    frame.velocities.resize(velocities_ ? atoms : 0);
    Mat3 vectors;
    std::uint32_t checksum = 0;
    std::size_t k = 0;
    const auto take = [&]<class T>(h5::Type type, std::span<T> out) {
      data_[k++].read_rows(row, 1, type, std::as_writable_bytes(out));
    };
    take(h5::Type::f64, std::span(frame.positions));
    if (velocities_) take(h5::Type::f64, std::span(frame.velocities));
    take(h5::Type::f64, std::span(&vectors, 1));
    take(h5::Type::f64, std::span(&frame.time_fs, 1));
    take(h5::Type::i64, std::span(&frame.step, 1));
    take(h5::Type::u32, std::span(&checksum, 1));
    frame.cell = Cell(vectors, periodic_);
    return frame_checksum(frame) == checksum ? "" : "the checksum of the frame does not fit";
  }

  std::string path_;
  h5::File file_;
  TrajectoryHeader header_;
  std::array<bool, 3> periodic_{};
  bool velocities_ = false;
  std::int64_t supersedes_after_ = -1;
  std::vector<h5::Dataset> data_;  ///< position, [velocity], box, time, step, checksum
  std::vector<StoredFrame> frames_;
  std::vector<RejectedFrame> torn_;
};

Segment open_segment(const std::string& path) {
  {
    PosixFileSystem files;
    OutputFile probe(files, path, OpenMode::read);
  }  // what the system refuses stays an IoError
  try {
    return Segment(path);
  } catch (const IoError& error) {
    throw InputError(error.summary(), path,
                     "The segment is damaged; use another copy, or move it away to read the others.");
  }
}

void check_same_run(const Segment& first, const Segment& other) {
  const TrajectoryHeader &a = first.header(), &b = other.header();
  const char* difference = nullptr;
  if (a.numbers != b.numbers || a.ids != b.ids)
    difference = "their atoms differ";
  else if (a.masses != b.masses)
    difference = "their masses differ";
  else if (a.model_hash != b.model_hash)
    difference = "they were made with different models";
  else if (a.stage == b.stage && (a.timestep_fs != b.timestep_fs || a.frame_interval != b.frame_interval))
    difference = "their time steps or frame intervals differ";
  else if (a.stage == b.stage && a.target_temperature != b.target_temperature)
    difference = "their temperatures differ";
  if (difference != nullptr)
    throw InputError(fmt::format("{} and {} do not belong to one run: {}", first.path(), other.path(), difference),
                     folder_of(other.path()), "Keep the segments of different runs in different folders.");
}

}  // namespace

struct TrajectoryReader::Parts {
  struct Place {
    std::size_t segment;
    StoredFrame frame;
  };
  std::vector<Segment> segments;
  std::optional<std::string> stage;
  std::vector<Place> places;
  std::size_t next = 0;
  std::vector<RejectedFrame> rejected;

  [[nodiscard]] bool selected(const Segment& s) const { return !stage || s.header().stage == *stage; }

  [[nodiscard]] const Segment& leading() const {
    return *std::find_if(segments.begin(), segments.end(), [&](const Segment& s) { return selected(s); });
  }

  /// Walks from the last segment back: a frame holds unless a later segment, with frames, continues from before it or
  /// has its step itself.
  void build() {
    places.clear();
    next = 0;
    rejected.clear();
    std::int64_t last_valid = std::numeric_limits<std::int64_t>::max(), before = last_valid;
    for (std::size_t k = segments.size(); k-- > 0;) {
      const std::vector<StoredFrame>& frames = segments[k].frames();
      if (selected(segments[k])) {
        rejected.insert(rejected.end(), segments[k].torn().begin(), segments[k].torn().end());
        for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
          if (frame->step > last_valid || frame->step >= before) continue;
          places.push_back({k, *frame});
          before = frame->step;
        }
      }
      if (!frames.empty()) last_valid = std::min(last_valid, segments[k].supersedes_after());
    }
    std::reverse(places.begin(), places.end());
  }
};

TrajectoryReader::TrajectoryReader(const std::string& folder_or_file) : parts_(std::make_unique<Parts>()) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder_or_file, error)) {
    parts_->segments.push_back(open_segment(folder_or_file));
  } else {
    const int last = last_segment(folder_or_file);
    for (int part = 1; part <= last; ++part) {
      const std::string path = (std::filesystem::path(folder_or_file) / segment_name(part)).string();
      if (std::filesystem::exists(path)) parts_->segments.push_back(open_segment(path));
    }
  }
  if (parts_->segments.empty())
    throw InputError("there is no trajectory in this folder", folder_or_file,
                     "Give the folder of an MD run; its stages must store frames.");
  // Segments that a run from the beginning superseded whole may be of anything; they give no frames.
  std::size_t begin = parts_->segments.size() - 1;
  while (begin > 0 && (parts_->segments[begin].supersedes_after() >= 0 || parts_->segments[begin].frames().empty()))
    --begin;
  parts_->segments.erase(parts_->segments.begin(), parts_->segments.begin() + static_cast<std::ptrdiff_t>(begin));
  for (const Segment& segment : parts_->segments) check_same_run(parts_->segments.front(), segment);
  parts_->build();
}

TrajectoryReader::~TrajectoryReader() = default;

const TrajectoryHeader& TrajectoryReader::header() const { return parts_->leading().header(); }

std::vector<std::string> TrajectoryReader::stages() const {
  std::vector<std::string> names;
  for (const Segment& segment : parts_->segments)
    if (std::find(names.begin(), names.end(), segment.header().stage) == names.end())
      names.push_back(segment.header().stage);
  return names;
}

void TrajectoryReader::select_stage(const std::string& name) {
  const std::vector<std::string> known = stages();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    std::string list;
    for (const std::string& stage : known) list += (list.empty() ? "" : ", ") + stage;
    throw InputError(fmt::format("there is no stage \"{}\"", name), folder_of(parts_->segments.front().path()),
                     fmt::format("Stages with frames are: {}.", list));
  }
  parts_->stage = name;
  parts_->build();
}

Index TrajectoryReader::frames() const { return static_cast<Index>(parts_->places.size()); }

bool TrajectoryReader::has_velocities() const { return parts_->leading().has_velocities(); }

bool TrajectoryReader::next(TrajectoryFrame& frame) {
  Parts& p = *parts_;
  while (p.next < p.places.size()) {
    const auto [index, place] = p.places[p.next++];
    const Segment& segment = p.segments[index];
    const std::string problem = segment.read(place.row, frame);
    if (problem.empty()) return true;
    p.rejected.push_back({segment.path(), place.row, place.step, problem});
  }
  return false;
}

void TrajectoryReader::rewind() { parts_->build(); }

const std::vector<RejectedFrame>& TrajectoryReader::rejected() const { return parts_->rejected; }

}  // namespace haven
