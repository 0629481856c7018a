#include "analysis/trajectory_source.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include "analysis/foreign_trajectory.hpp"
#include "analysis/live_displacements.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "io/extxyz.hpp"
#include "io/file_format.hpp"
#include "io/file_system.hpp"
#include "io/trajectory.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;

class MemorySource final : public TrajectorySource {
 public:
  MemorySource(TrajectoryInfo info, std::vector<TrajectoryFrame> frames)
      : info_(std::move(info)), frames_(std::move(frames)) {}
  const TrajectoryInfo& info() const override { return info_; }
  bool next(TrajectoryFrame& frame) override {
    if (position_ >= frames_.size()) return false;
    frame = frames_[position_++];
    return true;
  }

 private:
  TrajectoryInfo info_;
  std::vector<TrajectoryFrame> frames_;
  std::size_t position_ = 0;
};

class H5mdSource final : public TrajectorySource {
 public:
  H5mdSource(const std::string& path, const TrajectoryReading& reading) : reader_(path) {
    const std::vector<std::string> stages = reader_.stages();
    std::string stage = reading.stage;
    if (stage.empty() && stages.size() > 1) {
      stage = stages.back();
      chosen_ = fmt::format("{} has {} stages; the last one, '{}', was analysed", path, stages.size(), stage);
    }
    if (!stage.empty()) reader_.select_stage(stage);
    const TrajectoryHeader& header = reader_.header();
    info_ = {path, header.numbers, header.masses,
             reading.temperature_K > 0 ? reading.temperature_K : header.target_temperature, Wrapping::unwrapped};
    live_ = read_live_displacements(fs::is_directory(path) ? path : folder_of(path), header.stage);
  }
  const TrajectoryInfo& info() const override { return info_; }
  bool next(TrajectoryFrame& frame) override { return reader_.next(frame); }
  std::optional<LiveTransport> live() const override { return live_; }
  std::vector<std::string> remarks() const override {
    std::vector<std::string> texts;
    if (!chosen_.empty()) texts.push_back(chosen_);
    if (const auto& rejected = reader_.rejected(); !rejected.empty())
      texts.push_back(fmt::format("{}: {} damaged frames left out, the first at step {} ({})", info_.path,
                                  rejected.size(), rejected[0].step, rejected[0].reason));
    return texts;
  }

 private:
  TrajectoryReader reader_;
  TrajectoryInfo info_;
  std::optional<LiveTransport> live_;
  std::string chosen_;
};

class ExtxyzSource final : public TrajectorySource {
 public:
  ExtxyzSource(const std::string& path, const TrajectoryReading& reading)
      : reader_(path), pending_(reader_.next()), interval_fs_(reading.frame_interval_fs) {
    if (!pending_) throw InputError("the file has no frame", path, "Check that it is an extended XYZ trajectory.");
    info_.path = path;
    info_.numbers = pending_->structure.numbers;
    for (const int number : info_.numbers) info_.masses.push_back(standard_mass(number));
    info_.temperature_K = reading.temperature_K > 0 ? reading.temperature_K : pending_->temperature.value_or(0.0);
  }
  const TrajectoryInfo& info() const override { return info_; }
  bool next(TrajectoryFrame& frame) override {
    if (!pending_) return false;
    const Structure& s = pending_->structure;
    if (s.numbers != info_.numbers)
      throw InputError("the atoms differ from those of the first frame",
                       fmt::format("{}, frame {}", info_.path, index_),
                       "A trajectory needs the same atoms in the same order in every frame.");
    frame = {index_, interval_fs_ * static_cast<double>(index_), s.cell, s.positions, {}};
    ++index_;
    pending_ = reader_.next();
    return true;
  }
  std::vector<std::string> remarks() const override {
    if (reader_.ending().empty()) return {};
    return {info_.path + ": " + reader_.ending()};
  }

 private:
  ExtxyzReader reader_;
  std::optional<Frame> pending_;
  double interval_fs_;
  TrajectoryInfo info_;
  std::int64_t index_ = 0;
};

}  // namespace

std::unique_ptr<TrajectorySource> open_extxyz(const std::string& path, const TrajectoryReading& reading) {
  if (reading.frame_interval_fs <= 0)
    throw ConfigError("the time between frames is not known", path,
                      "extxyz does not store it: give the frame interval in fs (--frame-interval).");
  return std::make_unique<ExtxyzSource>(path, reading);
}

std::unique_ptr<TrajectorySource> open_h5md(const std::string& path, const TrajectoryReading& reading) {
  return std::make_unique<H5mdSource>(path, reading);
}

std::unique_ptr<TrajectorySource> open_trajectory(const std::string& path, const TrajectoryReading& reading) {
  if (!fs::exists(path)) throw InputError("there is no such file or folder", path, "Check the path.");
  if (fs::is_directory(path) || is_own_h5md(path)) return open_h5md(path, reading);
  if (is_foreign_trajectory(path)) return open_foreign(path, reading);
  const FileFormat format = recognise_format(path);
  if (format == FileFormat::extxyz) return open_extxyz(path, reading);
  if (format == FileFormat::xdatcar || fs::path(path).filename().string().find("XDATCAR") != std::string::npos)
    return open_xdatcar(path, reading);
  if (is_vasp_run(format)) return open_foreign(path, reading);
  if (format == FileFormat::oszicar)
    throw InputError("an OSZICAR holds no positions", path, "Name the XDATCAR: the OSZICAR beside it is read with it.");
  throw InputError("the format of this trajectory is not recognised", path,
                   "Haven reads its own run folders and H5MD files, XDATCAR, OUTCAR, vasprun.xml, vaspout.h5, extended "
                   "XYZ, LAMMPS text dumps, DCD, XTC and H5MD of other programs.");
}

std::unique_ptr<TrajectorySource> make_memory_source(TrajectoryInfo info, std::vector<TrajectoryFrame> frames) {
  return std::make_unique<MemorySource>(std::move(info), std::move(frames));
}

}  // namespace haven
