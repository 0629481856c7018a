#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "core/error.hpp"
#include "io/h5.hpp"
#include "io/trajectory.hpp"
#include "io/trajectory_layout.hpp"

namespace haven {

std::string segment_name(int part) { return fmt::format("traj.part{:04}.h5", part); }

int last_segment(const std::string& folder) {
  int last = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    int part = 0;
    if (std::sscanf(name.c_str(), "traj.part%d.h5", &part) == 1 && name == segment_name(part))
      last = std::max(last, part);
  }
  if (error) throw IoError("cannot list the folder", folder, error.value());
  return last;
}

std::uint32_t frame_checksum(const TrajectoryFrame& frame) {
  uLong crc = crc32_z(0, nullptr, 0);
  const auto add = [&crc](const void* data, std::size_t size) {
    if (size > 0) crc = crc32_z(crc, static_cast<const Bytef*>(data), size);  // zlib takes null for a new start
  };
  add(&frame.step, sizeof frame.step);
  add(&frame.time_fs, sizeof frame.time_fs);
  add(&frame.cell.vectors(), sizeof(Mat3));
  add(frame.positions.data(), frame.positions.size() * sizeof(Vec3));
  add(frame.velocities.data(), frame.velocities.size() * sizeof(Vec3));
  return static_cast<std::uint32_t>(crc);
}

struct TrajectoryWriter::Parts {
  h5::File file;
  std::vector<h5::Dataset> data;  ///< position, [velocity], box, time, step, checksum
  std::size_t atoms = 0;
  bool velocities = false;
  std::array<bool, 3> periodic{};
  std::int64_t last_step = -1;
};

static void write_header(h5::Group root, const TrajectoryHeader& header, std::int64_t supersedes_after) {
  h5::Group h5md = root.create_group("h5md");
  h5md.set("version", std::vector<std::int64_t>{1, 1});
  h5md.create_group("author").set("name", "unknown");
  h5::Group creator = h5md.create_group("creator");
  creator.set("name", "haven");
  creator.set("version", header.created_by);
  h5md.create_group("modules").create_group("units").set("version", std::vector<std::int64_t>{1, 0});
  h5::Group haven = root.create_group("haven");
  haven.set("format", trajectory_format);
  haven.set("version", std::vector<std::int64_t>{1, 0});
  haven.set("stage", header.stage);
  haven.set("run_id", header.run_id);
  haven.set("model_hash", header.model_hash);
  haven.set("created_by", header.created_by);
  haven.set("timestep_fs", header.timestep_fs);
  haven.set("frame_interval", header.frame_interval);
  haven.set("target_temperature_k", header.target_temperature);
  haven.set("supersedes_after", supersedes_after);
}

static void write_atoms(h5::Group particles, const TrajectoryHeader& header) {
  particles.write("species", std::vector<std::int32_t>(header.numbers.begin(), header.numbers.end()));
  particles.write("mass", header.masses).set_unit("u");
  particles.write("id", header.ids);
}

/// The datasets that grow, empty. All H5MD elements share one step and one time dataset, as the format allows.
static std::vector<h5::Dataset> make_elements(h5::Group root, const TrajectoryHeader& header,
                                              const SegmentOptions& options) {
  constexpr Index small_chunk = 256, box_chunk = 16;
  const Index atoms = static_cast<Index>(header.numbers.size());
  std::vector<h5::Dataset> data;
  h5::Group particles = root.group("particles").group("all");
  h5::Group position = particles.create_group("position");
  h5::Dataset& value = data.emplace_back(position.create_extendible("value", h5::Type::f64, {atoms, 3}, 1));
  value.set_unit("Angstrom");
  if (options.velocities)
    data.emplace_back(particles.create_group("velocity").create_extendible("value", h5::Type::f64, {atoms, 3}, 1))
        .set_unit("Angstrom fs-1");
  h5::Group edges = particles.group("box").create_group("edges");
  data.emplace_back(edges.create_extendible("value", h5::Type::f64, {3, 3}, box_chunk)).set_unit("Angstrom");
  data.emplace_back(position.create_extendible("time", h5::Type::f64, {}, small_chunk)).set_unit("fs");
  data.emplace_back(position.create_extendible("step", h5::Type::i64, {}, small_chunk));
  for (const char* name : {"step", "time"}) {
    const std::string target = fmt::format("/particles/all/position/{}", name);
    edges.link(target, name);
    if (options.velocities) particles.group("velocity").link(target, name);
  }
  data.emplace_back(root.group("haven").create_extendible("frame_crc", h5::Type::u32, {}, small_chunk));
  return data;
}

TrajectoryWriter::TrajectoryWriter(FileSystem& files, const std::string& path, const TrajectoryHeader& header,
                                   const SegmentOptions& options) {
  HAVEN_ASSERT(!header.numbers.empty() && header.masses.size() == header.numbers.size() &&
               header.ids.size() == header.numbers.size());
  const std::string temporary = path + ".tmp";
  try {
    parts_ = std::make_unique<Parts>(h5::File::create(files, temporary));
    parts_->atoms = header.numbers.size();
    parts_->velocities = options.velocities;
    parts_->periodic = options.periodic;
    h5::Group root = parts_->file.root();
    write_header(parts_->file.root(), header, options.supersedes_after);
    h5::Group particles = root.create_group("particles").create_group("all");
    h5::Group box = particles.create_group("box");
    box.set("dimension", std::int64_t{3});
    std::vector<std::string> boundary;
    for (const bool periodic : options.periodic) boundary.emplace_back(periodic ? "periodic" : "none");
    box.set("boundary", boundary);
    write_atoms(std::move(particles), header);
    parts_->data = make_elements(std::move(root), header, options);
    parts_->file.publish(path);
  } catch (const IoError&) {
    parts_.reset();
    files.remove(temporary);
    throw;
  }
}

TrajectoryWriter::~TrajectoryWriter() = default;

void TrajectoryWriter::append(const TrajectoryFrame& frame) {
  Parts& p = *parts_;
  HAVEN_ASSERT(frame.positions.size() == p.atoms && frame.velocities.size() == (p.velocities ? p.atoms : 0));
  HAVEN_ASSERT(frame.step > p.last_step && frame.cell.periodic() == p.periodic);
  const std::uint32_t checksum = frame_checksum(frame);
  std::size_t k = 0;
  p.data[k++].append_row(h5::Type::f64, frame.positions.data());
  if (p.velocities) p.data[k++].append_row(h5::Type::f64, frame.velocities.data());
  p.data[k++].append_row(h5::Type::f64, &frame.cell.vectors());
  p.data[k++].append_row(h5::Type::f64, &frame.time_fs);
  p.data[k++].append_row(h5::Type::i64, &frame.step);
  p.data[k++].append_row(h5::Type::u32, &checksum);
  for (h5::Dataset& data : p.data) data.flush();  // readers count a frame when its checksum, the last, is there
  p.last_step = frame.step;
}

void TrajectoryWriter::sync() { parts_->file.sync(); }

void TrajectoryWriter::close() {
  parts_->data.clear();
  parts_->file.close();
}

}  // namespace haven
