#include <utility>

#include "analysis/trajectory_source.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "io/xdatcar.hpp"

namespace haven {
namespace {

class XdatcarSource final : public TrajectorySource {
 public:
  XdatcarSource(const std::string& path, const TrajectoryReading& reading)
      : reader_(path), interval_fs_(reading.frame_interval_fs) {
    info_.path = path;
    info_.temperature_K = reading.temperature_K;
    info_.numbers = reader_.numbers();
    for (const int number : info_.numbers) info_.masses.push_back(standard_mass(number));
  }
  const TrajectoryInfo& info() const override { return info_; }
  bool next(TrajectoryFrame& frame) override {
    const Index index = reader_.frames();
    frame = {index, interval_fs_ * static_cast<double>(index), {}, {}, {}};
    return reader_.next(frame.cell, frame.positions);
  }
  std::vector<std::string> remarks() const override {
    if (reader_.ending().empty()) return {};
    return {reader_.ending()};
  }

 private:
  XdatcarReader reader_;
  double interval_fs_;
  TrajectoryInfo info_;
};

}  // namespace

std::unique_ptr<TrajectorySource> open_xdatcar(const std::string& path, const TrajectoryReading& reading) {
  if (reading.frame_interval_fs <= 0)
    throw ConfigError("the time between frames is not known", path,
                      "XDATCAR does not store it: give POTIM * NBLOCK in fs (--frame-interval).");
  return std::make_unique<XdatcarSource>(path, reading);
}

}  // namespace haven
