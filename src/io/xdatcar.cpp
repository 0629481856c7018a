#include "io/xdatcar.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "io/cursor.hpp"
#include "io/vasp_run.hpp"

namespace haven {
namespace {

constexpr Index most_atoms = 10'000'000;

}  // namespace

XdatcarReader::XdatcarReader(const std::string& path) : file_(path) {
  std::string_view line;
  if (!file_.next_line(line)) fail("the file is empty");
  if (!read_head()) fail("the file ends inside its head");
}

std::string XdatcarReader::ending() const {
  if (!cut_off_) return {};
  return fmt::format("{} ends inside frame {}; that frame was left out", file_.path(), index_);
}

void XdatcarReader::fail(const std::string& what) const {
  throw InputError(what, file_.where(), "Check that this is an XDATCAR of VASP 5 or later, complete up to this line.");
}

bool XdatcarReader::next(Cell& cell, std::vector<Vec3>& positions) {
  if (cut_off_) return false;
  std::string_view line;
  if (!file_.next_line(line)) {
    if (file_.ending() == TextFile::Ending::too_long) fail("a line longer than 1 MiB");
    cut_off_ = file_.ending() == TextFile::Ending::damaged;
    return false;
  }
  Coordinates coordinates = Coordinates::direct;
  if (!frame_mark(line, coordinates)) {
    // Anything else is the comment line of a repeated head.
    if (!read_head() || !file_.next_line(line)) return cut_off_ = true, false;
    if (!frame_mark(line, coordinates)) fail("expected 'Direct configuration=' after the lattice");
  }
  cell = cell_;
  if (!read_positions(coordinates, positions)) return cut_off_ = true, false;
  ++index_;
  return true;
}

bool XdatcarReader::frame_mark(std::string_view line, Coordinates& coordinates) {
  const std::string_view text = trimmed(line);
  Cursor number(text);
  configuration_ = number.skip_past("=") ? number.integer() : std::nullopt;
  const bool cartesian = text.starts_with("Cartesian") || text.starts_with("cartesian");
  coordinates = cartesian ? Coordinates::cartesian : Coordinates::direct;
  return text.empty() || cartesian || text.starts_with("Direct") || text.starts_with("direct");
}

/// Everything of a head after its comment line; false at the end of the file.
bool XdatcarReader::read_head() {
  std::string_view line;
  if (!file_.next_line(line)) return false;
  const RealField scale = Cursor(line).real();
  if (!scale.ok() || scale.value == 0) fail("expected the scale of the lattice");
  Mat3 vectors;
  for (int k = 0; k < 3; ++k) {
    if (!file_.next_line(line)) return false;
    if (Cursor(line).vec3(vectors[k]) != FieldState::number) {
      if (!file_.line_was_terminated()) return false;
      fail("expected a lattice vector");
    }
  }
  scale_ = scale.value > 0 ? scale.value : std::cbrt(-scale.value / std::abs(determinant(vectors)));
  vectors *= scale_;
  if (!file_.line_was_terminated()) return false;
  try {
    cell_ = Cell(vectors);
  } catch (const InputError& error) {
    fail(error.summary());
  }
  return read_atoms();
}

bool XdatcarReader::read_atoms() {
  std::string_view line;
  if (!file_.next_line(line) || !file_.line_was_terminated()) return false;
  std::vector<int> species;
  Cursor symbols(line);
  for (std::string_view word = symbols.word(); !word.empty(); word = symbols.word()) {
    species.push_back(element_of_potential(word));
    if (species.back() == 0) fail(fmt::format("'{}' is no element", word.substr(0, 40)));
  }
  if (!file_.next_line(line) || !file_.line_was_terminated()) return false;
  Cursor counts(line);
  std::vector<std::pair<int, Index>> kinds;
  Index atoms = 0;
  for (const int number : species) {
    const auto count = counts.integer();
    if (!count || *count < 0 || *count > most_atoms - atoms) fail("expected one count for each element");
    atoms += *count;
    if (*count > 0) kinds.emplace_back(number, *count);
  }
  if (atoms == 0) fail("there are no atoms");
  if (kinds_.empty()) kinds_ = kinds;
  if (kinds != kinds_) fail("the atoms differ from those of the first frame");
  return true;
}

bool XdatcarReader::read_positions(Coordinates coordinates, std::vector<Vec3>& positions) {
  positions.clear();
  std::string_view line;
  Index atoms = 0;
  for (const auto& [number, count] : kinds_) atoms += count;
  for (Index atom = 0; atom < atoms; ++atom) {
    if (!file_.next_line(line)) return false;
    Vec3 value;
    const FieldState state = Cursor(line).vec3(value);
    if (state != FieldState::number) {
      // The last line of a file that VASP was writing when it stopped may be cut anywhere.
      if (!file_.next_line(line)) return false;
      fail(fmt::format("a coordinate on the line before is {}", field_state_name(state)));
    }
    positions.push_back(coordinates == Coordinates::direct ? cell_.to_cartesian(value) : scale_ * value);
  }
  if (!file_.line_was_terminated()) return false;
  // Atoms that a head claims are believed when a frame has shown them.
  if (numbers_.empty())
    for (const auto& [number, count] : kinds_) numbers_.insert(numbers_.end(), static_cast<std::size_t>(count), number);
  return true;
}

}  // namespace haven
