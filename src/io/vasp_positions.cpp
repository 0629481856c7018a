#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/error.hpp"
#include "io/file_format.hpp"
#include "io/oszicar.hpp"
#include "io/position_reader.hpp"
#include "io/xdatcar.hpp"

namespace haven {
namespace {

class VaspPositions final : public PositionReader {
 public:
  explicit VaspPositions(const std::string& path) : path_(path), reader_(open_vasp_run(path, recognise_format(path))) {}

  bool next(PositionFrame& frame) override {
    const auto step = reader_->next();
    if (!step) return false;
    const VaspSettings& settings = reader_->settings();
    if (step->positions.size() != settings.numbers.size())
      throw InputError(step->problem.empty() ? "an ionic step without positions" : step->problem,
                       path_ + ", ionic step " + std::to_string(index_ + 1),
                       "A gap in time cannot be analysed: use the part of the run before it, or its XDATCAR.");
    frame = {};
    frame.step = index_;
    if (settings.potim > 0) frame.time_fs = settings.potim * static_cast<double>(index_);
    frame.cell = Cell(step->lattice);
    frame.positions = step->positions;
    ++index_;
    return true;
  }
  const std::vector<int>& numbers() const override { return reader_->settings().numbers; }
  double temperature_K() const override {
    const VaspSettings& settings = reader_->settings();
    return settings.ibrion == 0 && settings.tebeg == settings.teend ? settings.tebeg : 0.0;
  }
  std::string ending() const override {
    const VaspEnding ending = reader_->ending();
    return ending.text.empty() ? "" : path_ + ": " + ending.text;
  }

 private:
  std::string path_;
  std::unique_ptr<VaspReader> reader_;
  Index index_ = 0;
};

/// Steps of an OSZICAR for the frames of an XDATCAR, both in order.
class OszicarLabels {
 public:
  explicit OszicarLabels(const std::string& path) : reader_(path), pending_(reader_.next()) {}

  /// What the step of this number says; nothing when the file does not have it.
  FrameLabels of(Index number) {
    if (number <= last_number_) ++run_;
    last_number_ = number;
    ++frames_;
    const auto before = [&] { return pending_->run < run_ || (pending_->run == run_ && pending_->number < number); };
    while (pending_ && before()) pending_ = reader_.next();
    if (!pending_ || pending_->run != run_ || pending_->number != number) return ++without_, FrameLabels{};
    return {.temperature_K = pending_->temperature_K, .energy = pending_->free_energy};
  }

  /// Reads the rest of the file: not empty when it is not of the run whose frames were asked for.
  std::string doubt() {
    while (pending_ && pending_->run <= run_) pending_ = reader_.next();
    const std::string of_another = "; is it of another run?";
    if (pending_) return reader_.path() + " holds more runs than the XDATCAR" + of_another;
    // A run that was killed may leave one of the two files a few steps shorter.
    if (without_ * 100 > frames_ + 100)
      return fmt::format("{} lacks the steps of {} of {} frames{}", reader_.path(), without_, frames_, of_another);
    return {};
  }
  [[nodiscard]] const std::string& path() const { return reader_.path(); }

 private:
  OszicarReader reader_;
  std::optional<OszicarStep> pending_;
  Index run_ = 0, last_number_ = -1, frames_ = 0, without_ = 0;
};

class XdatcarPositions final : public PositionReader {
 public:
  explicit XdatcarPositions(const std::string& path) : reader_(path) {
    if (const std::string beside = oszicar_beside(path); !beside.empty()) oszicar_.emplace(beside);
  }
  bool next(PositionFrame& frame) override {
    frame = {};
    if (!reader_.next(frame.cell, frame.positions)) {
      if (oszicar_) doubt_ = oszicar_->doubt();
      return false;
    }
    if (oszicar_ && !reader_.configuration()) {
      notes_ = {oszicar_->path() + ": not used, the frames of the XDATCAR have no numbers"};
      oszicar_.reset();
    }
    if (oszicar_) frame.labels = oszicar_->of(*reader_.configuration());
    return true;
  }
  const std::vector<int>& numbers() const override { return reader_.numbers(); }
  std::string ending() const override { return reader_.ending(); }
  std::string labels_doubt() const override { return doubt_; }
  std::vector<std::string> notes() const override { return notes_; }

 private:
  XdatcarReader reader_;
  std::optional<OszicarLabels> oszicar_;
  std::string doubt_;
  std::vector<std::string> notes_;
};

}  // namespace

std::unique_ptr<PositionReader> open_xdatcar_positions(const std::string& path) {
  return std::make_unique<XdatcarPositions>(path);
}

std::unique_ptr<PositionReader> open_vasp_positions(const std::string& path) {
  return std::make_unique<VaspPositions>(path);
}

}  // namespace haven
