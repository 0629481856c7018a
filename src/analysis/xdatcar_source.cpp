#include <fmt/core.h>

#include <cmath>
#include <utility>

#include "analysis/trajectory_source.hpp"
#include "core/error.hpp"
#include "core/species.hpp"
#include "io/cursor.hpp"
#include "io/text_file.hpp"
#include "io/vasp_run.hpp"

namespace haven {
namespace {

enum class Coordinates { direct, cartesian };

/// Streams an XDATCAR: a head (comment, scale, lattice, symbols, counts), then frames that begin with "Direct
/// configuration=" (or a blank line in old files). With a variable cell the head is repeated before every frame.
class XdatcarSource final : public TrajectorySource {
 public:
  XdatcarSource(const std::string& path, const TrajectoryReading& reading)
      : file_(path), interval_fs_(reading.frame_interval_fs) {
    info_.path = path;
    info_.temperature_K = reading.temperature_K;
    std::string_view line;
    if (!file_.next_line(line)) fail("the file is empty");
    if (!read_head()) fail("the file ends inside its head");
    for (const int number : info_.numbers) info_.masses.push_back(standard_mass(number));
  }
  const TrajectoryInfo& info() const override { return info_; }
  std::vector<std::string> remarks() const override {
    if (!cut_off_) return {};
    return {fmt::format("{} ends inside frame {}; that frame was left out", info_.path, index_)};
  }

  bool next(TrajectoryFrame& frame) override {
    if (cut_off_) return false;
    std::string_view line;
    if (!file_.next_line(line)) return false;
    Coordinates coordinates = Coordinates::direct;
    if (!frame_mark(line, coordinates)) {
      // Anything else is the comment line of a repeated head.
      if (!read_head() || !file_.next_line(line)) return cut_off_ = true, false;
      if (!frame_mark(line, coordinates)) fail("expected 'Direct configuration=' after the lattice");
    }
    frame = {index_, interval_fs_ * static_cast<double>(index_), cell_, {}, {}};
    if (!read_positions(coordinates, frame.positions)) return cut_off_ = true, false;
    ++index_;
    return true;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(what, file_.where(),
                     "Check that this is an XDATCAR of VASP 5 or later, complete up to this line.");
  }

  static bool frame_mark(std::string_view line, Coordinates& coordinates) {
    const std::string_view text = trimmed(line);
    const bool cartesian = text.starts_with("Cartesian") || text.starts_with("cartesian");
    coordinates = cartesian ? Coordinates::cartesian : Coordinates::direct;
    return text.empty() || cartesian || text.starts_with("Direct") || text.starts_with("direct");
  }

  /// Everything of a head after its comment line; false at the end of the file.
  bool read_head() {
    std::string_view line;
    if (!file_.next_line(line)) return false;
    const RealField scale = Cursor(line).real();
    if (!scale.ok() || scale.value == 0) fail("expected the scale of the lattice");
    Mat3 vectors;
    for (int k = 0; k < 3; ++k) {
      if (!file_.next_line(line)) return false;
      if (Cursor(line).vec3(vectors[k]) != FieldState::number) fail("expected a lattice vector");
    }
    scale_ = scale.value > 0 ? scale.value : std::cbrt(-scale.value / std::abs(determinant(vectors)));
    vectors *= scale_;
    cell_ = Cell(vectors);
    return read_atoms();
  }

  bool read_atoms() {
    std::string_view line;
    if (!file_.next_line(line)) return false;
    std::vector<int> species;
    Cursor symbols(line);
    for (std::string_view word = symbols.word(); !word.empty(); word = symbols.word()) {
      species.push_back(element_of_potential(word));
      if (species.back() == 0) fail(fmt::format("'{}' is no element", word));
    }
    if (!file_.next_line(line)) return false;
    Cursor counts(line);
    std::vector<int> numbers;
    for (const int number : species) {
      const auto count = counts.integer();
      if (!count || *count < 0 || *count > max_atoms - static_cast<Index>(numbers.size()))
        fail("expected one count for each element");
      numbers.insert(numbers.end(), static_cast<std::size_t>(*count), number);
    }
    if (numbers.empty()) fail("there are no atoms");
    if (info_.numbers.empty()) info_.numbers = numbers;
    if (numbers != info_.numbers) fail("the atoms differ from those of the first frame");
    return true;
  }

  bool read_positions(Coordinates coordinates, std::vector<Vec3>& positions) {
    positions.resize(info_.numbers.size());
    std::string_view line;
    for (Vec3& position : positions) {
      if (!file_.next_line(line)) return false;
      Vec3 value;
      const FieldState state = Cursor(line).vec3(value);
      if (state != FieldState::number) {
        // The last line of a file that VASP was writing when it stopped may be cut anywhere.
        if (!file_.next_line(line)) return false;
        fail(fmt::format("a coordinate on the line before is {}", field_state_name(state)));
      }
      position = coordinates == Coordinates::direct ? cell_.to_cartesian(value) : scale_ * value;
    }
    return file_.line_was_terminated();
  }

  static constexpr Index max_atoms = 100'000'000;
  TextFile file_;
  double interval_fs_, scale_ = 1;
  TrajectoryInfo info_;
  Cell cell_;
  std::int64_t index_ = 0;
  bool cut_off_ = false;
};

}  // namespace

std::unique_ptr<TrajectorySource> open_xdatcar(const std::string& path, const TrajectoryReading& reading) {
  if (reading.frame_interval_fs <= 0)
    throw ConfigError("the time between frames is not known", path,
                      "XDATCAR does not store it: give POTIM * NBLOCK in fs (--frame-interval).");
  return std::make_unique<XdatcarSource>(path, reading);
}

}  // namespace haven
