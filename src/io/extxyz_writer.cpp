#include <fmt/format.h>

#include <algorithm>

#include "core/species.hpp"
#include "io/cursor.hpp"
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

std::string comment_line(const Frame& frame, XyzDialect dialect) {
  const Structure& s = frame.structure;
  const auto& periodic = s.cell.periodic();
  std::string text =
      fmt::format("Lattice=\"{}\" pbc=\"{} {} {}\" Properties=species:S:1:pos:R:3", nine_numbers(s.cell.vectors()),
                  periodic[0] ? 'T' : 'F', periodic[1] ? 'T' : 'F', periodic[2] ? 'T' : 'F');
  if (!s.velocities.empty()) text += ":vel:R:3";
  if (!frame.forces.empty()) text += dialect == XyzDialect::gpumd ? ":force:R:3" : ":forces:R:3";
  if (frame.energy) text += fmt::format(" energy={}", *frame.energy);
  if (frame.stress && dialect == XyzDialect::ase) text += fmt::format(" stress=\"{}\"", nine_numbers(*frame.stress));
  if (frame.stress && dialect == XyzDialect::gpumd)
    text += fmt::format(" virial=\"{}\"", nine_numbers(-s.cell.volume() * *frame.stress));
  const std::string origin = frame_comment(frame);
  return origin.empty() ? text : text + " " + origin;
}

}  // namespace

std::string frame_comment(const Frame& frame) {
  std::string text;
  if (!frame.group.empty()) text += " config_type=" + quoted(frame.group);
  if (!frame.trajectory.empty()) text += " trajectory=" + quoted(frame.trajectory);
  if (frame.temperature) text += fmt::format(" temperature_K={}", *frame.temperature);
  if (frame.weight != 1.0) text += fmt::format(" weight={}", frame.weight);
  if (!frame.source.path.empty())
    text += fmt::format(" source_path={} source_index={}", quoted(frame.source.path), frame.source.index);
  if (!frame.source.code.empty()) text += " source_code=" + quoted(frame.source.code);
  if (!frame.source.sha256.empty()) text += " source_sha256=" + quoted(frame.source.sha256);
  if (frame.source.settings) {
    std::string settings(trimmed(*frame.source.settings));
    for (std::size_t at = 0; (at = settings.find('\n', at)) != settings.npos; at += 2) settings.replace(at, 1, "; ");
    text += " source_settings=" + quoted(settings);
  }
  return std::string(trimmed(text));
}

std::string extxyz_text(const Frame& frame, XyzDialect dialect) {
  const Structure& s = frame.structure;
  std::string text = fmt::format("{}\n{}\n", s.size(), comment_line(frame, dialect));
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
