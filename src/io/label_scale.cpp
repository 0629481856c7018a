#include "io/label_scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace haven {
namespace {

constexpr double largest_displacement = 0.5;  // A; beyond, the trapezoidal rule says nothing
constexpr double smallest_force = 0.05;       // eV/A, rms; near a minimum both sides are noise
constexpr double usual_scatter = 0.2;
constexpr double most_scatter = 10.0, least_scatter = 0.002;

/// What a factor between energy differences and work of the forces means.
struct UnitFactor {
  double slope;
  std::string_view meaning;
};
constexpr std::array unit_factors{
    UnitFactor{1 / 27.2114, "energies in hartree"},  UnitFactor{1 / 13.6057, "energies in rydberg"},
    UnitFactor{13.6057, "forces in Ry/A"},           UnitFactor{23.0605, "energies in kcal/mol"},
    UnitFactor{25.7110, "forces in Ry/bohr"},        UnitFactor{27.2114, "forces in hartree/A"},
    UnitFactor{51.4221, "forces in hartree/bohr"},   UnitFactor{96.4853, "energies in kJ/mol"},
    UnitFactor{1 / 23.0605, "forces in kcal/mol/A"}, UnitFactor{1 / 96.4853, "forces in kJ/mol/A"},
    UnitFactor{1 / 964.853, "forces in kJ/mol/nm"},  UnitFactor{1000.0, "energies in meV"},
    UnitFactor{1 / 1000.0, "forces in meV/A"},
};

/// The explanation whose factor is nearest, when it lies within 15 %; `atoms` is that of a frame.
std::string explanation(double slope, double atoms) {
  std::string best;
  double nearest = std::log(1.15);
  const auto offer = [&](double factor, std::string_view meaning) {
    const double distance = std::abs(std::log(slope / factor));
    if (distance >= nearest) return;
    nearest = distance;
    best = meaning;
  };
  for (const UnitFactor& unit : unit_factors) offer(unit.slope, unit.meaning);
  offer(1 / atoms, "energies per atom, not of the whole cell");
  return best;
}

std::string origin_of(const Frame& frame) {
  return frame.group + '\n' + frame.trajectory + '\n' + frame.source.code + '\n' +
         (frame.source.settings ? *frame.source.settings : "");
}

double mean_square(const std::vector<Vec3>& vectors) {
  double sum = 0;
  for (const Vec3& v : vectors) sum += norm2(v);
  return sum / static_cast<double>(vectors.size());
}

}  // namespace

std::optional<double> stress_beyond_physics(const Frame& frame) {
  if (!frame.stress) return std::nullopt;
  double largest = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) largest = std::max(largest, std::abs((*frame.stress)[i][j]));
  return largest > largest_stress ? std::optional(largest) : std::nullopt;
}

std::optional<double> energy_beyond_physics(const Frame& frame) {
  if (!frame.energy || frame.structure.numbers.empty()) return std::nullopt;
  const auto atoms = static_cast<double>(frame.structure.numbers.size());
  const double energy = *frame.energy / atoms;
  // 5 % for relativity, which the heaviest atoms feel; 50 eV for an own zero.
  double lowest = lowest_vasp_energy;
  if (!frame.source.code.starts_with("VASP"))
    for (const int number : frame.structure.numbers) lowest -= 1.05 * 20.9 * std::pow(number, 7.0 / 3.0) / atoms;
  return energy > highest_energy || energy < lowest ? std::optional(energy) : std::nullopt;
}

void LabelScale::add(const Frame& frame) {
  if (!frame.energy || frame.forces.empty() || frame.forces.size() != frame.structure.numbers.size()) return;
  const std::string origin = origin_of(frame);
  const bool same = previous_ && previous_->origin == origin &&
                    previous_->structure.numbers == frame.structure.numbers &&
                    previous_->structure.cell.vectors() == frame.structure.cell.vectors();
  if (same)
    compare(frame);
  else
    close_stretch();
  collect(frame);
  previous_ = Previous{origin, frame.structure, frame.forces, *frame.energy};
}

void LabelScale::compare(const Frame& frame) {
  const Cell& cell = frame.structure.cell;
  double work = 0, moved = 0;
  for (std::size_t atom = 0; atom < frame.forces.size(); ++atom) {
    Vec3 d = cell.to_fractional(frame.structure.positions[atom] - previous_->structure.positions[atom]);
    for (int k = 0; k < 3; ++k)
      if (cell.periodic()[static_cast<std::size_t>(k)]) d[k] -= std::round(d[k]);
    const Vec3 u = cell.to_cartesian(d);
    moved = std::max(moved, norm2(u));
    work -= 0.5 * dot(frame.forces[atom] + previous_->forces[atom], u);
  }
  if (moved == 0 || moved > largest_displacement * largest_displacement) return;
  const double difference = *frame.energy - previous_->energy;
  const auto atoms = static_cast<double>(frame.forces.size());
  // Both sides grow with the square root of the number of atoms: every pair counts alike.
  xx_ += work * work / atoms;
  yy_ += difference * difference / atoms;
  xy_ += work * difference / atoms;
  atoms_ += atoms;
  ++pairs_;
}

ForceCheck LabelScale::forces() const {
  ForceCheck check{.pairs = pairs_};
  if (pairs_ < fewest_pairs || xx_ <= 0 || yy_ <= 0) return check;
  check.correlation = xy_ / std::sqrt(xx_ * yy_);
  check.slope = xy_ / xx_;
  const double size = std::abs(check.slope);
  if (std::abs(check.correlation) < 0.9) return check;
  if (size > 10 || size < 0.1) {
    check.verdict = StressCheck::Verdict::wrong_unit;
    check.likely = explanation(size, atoms_ / static_cast<double>(pairs_));
  } else if (size > 0.6 && size < 1.6) {
    check.verdict = check.slope > 0 ? StressCheck::Verdict::right : StressCheck::Verdict::wrong_sign;
  }
  return check;
}

void LabelScale::collect(const Frame& frame) {
  if (!frame.stress) return;
  const double volume = frame.structure.cell.volume();
  ++stretch_.frames;
  const double weight = 1.0 / static_cast<double>(stretch_.frames);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const double value = volume * (*frame.stress)[i][j], before = value - stretch_.mean[i][j];
      stretch_.mean[i][j] += weight * before;
      stretch_.squares[i][j] += before * (value - stretch_.mean[i][j]);
    }
  stretch_.forces += mean_square(frame.forces);
  stretch_.atoms = static_cast<double>(frame.forces.size());
  stretch_.length = std::cbrt(volume / stretch_.atoms);
}

StressScatter LabelScale::scatter(const Stretch& stretch) {
  StressScatter result{.frames = stretch.frames};
  if (stretch.frames < fewest_frames) return result;
  const auto count = static_cast<double>(stretch.frames);
  const double force = std::sqrt(stretch.forces / count);
  if (force < smallest_force) return result;
  double squares = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) squares += stretch.squares[i][j] / (9 * count);
  result.ratio = std::sqrt(squares) / (std::sqrt(stretch.atoms) * force * stretch.length);
  if (result.ratio == 0) return result;  // one stress for all frames: nothing scatters
  const bool usual = result.ratio > least_scatter && result.ratio < most_scatter;
  result.verdict = usual ? StressCheck::Verdict::right : StressCheck::Verdict::wrong_unit;
  return result;
}

void LabelScale::close_stretch() {
  worst_ = stress();
  stretch_ = {};
}

StressScatter LabelScale::stress() const {
  const auto strangeness = [](const StressScatter& s) {
    return s.ratio > 0 ? std::abs(std::log(s.ratio / usual_scatter)) : -1.0;
  };
  const StressScatter now = scatter(stretch_);
  return strangeness(now) > strangeness(worst_) ? now : worst_;
}

}  // namespace haven
