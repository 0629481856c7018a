#include <fmt/format.h>

#include <algorithm>

#include "core/species.hpp"
#include "io/extxyz.hpp"

namespace haven {
namespace {

std::string nine_numbers(const Mat3& m) {
  std::string text;
  for (int i = 0; i < 3; ++i) text += fmt::format("{}{} {} {}", i == 0 ? "" : " ", m[i].x, m[i].y, m[i].z);
  return text;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' || c == '\r' ? ' ' : c;
  }
  return result + "\"";
}

void append_vector(std::string& text, const Vec3& v) {
  fmt::format_to(std::back_inserter(text), " {} {} {}", v.x, v.y, v.z);
}

std::string comment_line(const Frame& frame) {
  const Structure& s = frame.structure;
  const auto& periodic = s.cell.periodic();
  std::string text =
      fmt::format("Lattice=\"{}\" pbc=\"{} {} {}\" Properties=species:S:1:pos:R:3", nine_numbers(s.cell.vectors()),
                  periodic[0] ? 'T' : 'F', periodic[1] ? 'T' : 'F', periodic[2] ? 'T' : 'F');
  if (!s.velocities.empty()) text += ":vel:R:3";
  if (!frame.forces.empty()) text += ":forces:R:3";
  if (frame.energy) text += fmt::format(" energy={}", *frame.energy);
  if (frame.stress) text += fmt::format(" stress=\"{}\"", nine_numbers(*frame.stress));
  if (!frame.group.empty()) text += " config_type=" + quoted(frame.group);
  if (!frame.trajectory.empty()) text += " trajectory=" + quoted(frame.trajectory);
  if (frame.temperature) text += fmt::format(" temperature_K={}", *frame.temperature);
  if (frame.weight != 1.0) text += fmt::format(" weight={}", frame.weight);
  if (!frame.source.path.empty())
    text += fmt::format(" source_path={} source_index={}", quoted(frame.source.path), frame.source.index);
  if (!frame.source.code.empty()) text += " source_code=" + quoted(frame.source.code);
  return text;
}

}  // namespace

std::string extxyz_text(const Frame& frame) {
  const Structure& s = frame.structure;
  std::string text = fmt::format("{}\n{}\n", s.size(), comment_line(frame));
  for (std::size_t k = 0; k < s.numbers.size(); ++k) {
    text += element_symbol(s.numbers[k]);
    append_vector(text, s.positions[k]);
    if (!s.velocities.empty()) append_vector(text, s.velocities[k]);
    if (!frame.forces.empty()) append_vector(text, frame.forces[k]);
    text += '\n';
  }
  return text;
}

void write_extxyz(const std::string& path, std::span<const Frame> frames) {
  std::string text;
  for (const Frame& frame : frames) text += extxyz_text(frame);
  write_text(path, text);
}

}  // namespace haven
