#include <utility>

#include "core/error.hpp"
#include "io/file_format.hpp"
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

class XdatcarPositions final : public PositionReader {
 public:
  explicit XdatcarPositions(const std::string& path) : reader_(path) {}
  bool next(PositionFrame& frame) override {
    frame = {};
    return reader_.next(frame.cell, frame.positions);
  }
  const std::vector<int>& numbers() const override { return reader_.numbers(); }
  std::string ending() const override { return reader_.ending(); }

 private:
  XdatcarReader reader_;
};

}  // namespace

std::unique_ptr<PositionReader> open_xdatcar_positions(const std::string& path) {
  return std::make_unique<XdatcarPositions>(path);
}

std::unique_ptr<PositionReader> open_vasp_positions(const std::string& path) {
  return std::make_unique<VaspPositions>(path);
}

}  // namespace haven
