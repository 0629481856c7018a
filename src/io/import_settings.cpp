#include "io/import_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "io/cursor.hpp"

namespace haven {
namespace {

bool is_decisive(const SettingDifference& difference) {
  return difference.weight == SettingDifference::Weight::decisive;
}

std::string paths_text(const std::vector<std::string>& paths) {
  if (paths.empty()) return "frames in memory";
  return paths.size() == 1 ? paths.front() : fmt::format("{} and {} more", paths.front(), paths.size() - 1);
}

}  // namespace

AllowedMixing::AllowedMixing(const std::string& text) {
  if (text == "error") return;
  all_ = text == "allow";
  std::string blanks = text;
  std::replace(blanks.begin(), blanks.end(), ',', ' ');
  Cursor cursor(blanks);
  for (auto word = cursor.word(); !word.empty() && !all_; word = cursor.word()) names_.emplace(word);
  if (!any())
    throw ConfigError("says nothing", "data.mixed_settings",
                      "Write \"error\", \"allow\", or names of settings such as \"ISMEAR, SIGMA\".");
}

std::string SettingsLedger::Conflict::text() const {
  std::string result;
  for (const SettingDifference& d : differences)
    result += fmt::format("{}{} {} or {}", result.empty() ? "" : ", ", d.name, d.first, d.second);
  return fmt::format("{} ({}; {})", result, paths_text(first), paths_text(second));
}

void SettingsLedger::join(Group& group, const CalculationSettings& settings, const std::string& path) {
  for (const SettingDifference& d : differences(group.settings, settings)) {
    const auto known = [&](const Conflict& c) { return c.differences.front().name == d.name; };
    if (std::none_of(minor_.begin(), minor_.end(), known)) minor_.push_back({group.paths, {path}, {d}});
  }
  for (const auto& [name, value] : settings.values())
    if (!group.settings.find(name)) group.settings.set(name, value);
  if (group.paths.empty() || group.paths.back() != path) group.paths.push_back(path);
}

void SettingsLedger::sample(const CalculationSettings& settings, const Frame& frame) {
  const std::string divisions = settings.find("KPOINTS").value_or("");
  const Vec3 heights = frame.structure.cell.heights();
  Cursor cursor(divisions);
  double length = std::numeric_limits<double>::infinity();
  for (int axis = 0; axis < 3; ++axis) {
    const auto count = cursor.integer();
    if (!count || *count < 1) return;  // a list of points, or no mesh at all
    length = std::min(length, static_cast<double>(*count) * heights[axis]);
  }
  if (coarsest_.length == 0 || length < coarsest_.length) coarsest_ = {length, frame.source.path};
  if (length > densest_.length) densest_ = {length, frame.source.path};
}

std::optional<std::string> SettingsLedger::k_point_difference() const {
  if (densest_.length <= 2 * coarsest_.length) return std::nullopt;
  return fmt::format("{:.1f} A ({}) and {:.1f} A ({})", coarsest_.length, coarsest_.path, densest_.length,
                     densest_.path);
}

void SettingsLedger::add(const Frame& frame) {
  const FrameSource& source = frame.source;
  if (!source.settings) {
    ++unknown_;
    return;
  }
  if (source.settings == last_ && source.path == last_path_) return;
  last_ = source.settings;
  last_path_ = source.path;
  if (!seen_.insert({source.path, *source.settings}).second) return;
  const CalculationSettings settings = CalculationSettings::from_text(*source.settings);
  sample(settings, frame);
  for (Group& group : groups_) {
    const auto found = differences(group.settings, settings);
    if (std::none_of(found.begin(), found.end(), is_decisive)) return join(group, settings, source.path);
  }
  groups_.push_back({settings, {source.path}});
}

std::vector<SettingsLedger::Conflict> SettingsLedger::conflicts() const {
  std::vector<Conflict> result;
  for (std::size_t k = 1; k < groups_.size(); ++k) {
    Conflict conflict{groups_.front().paths, groups_[k].paths, {}};
    for (const SettingDifference& d : differences(groups_.front().settings, groups_[k].settings))
      if (is_decisive(d)) conflict.differences.push_back(d);
    // A group may contradict another one than the first.
    for (std::size_t j = 1; j < k && conflict.differences.empty(); ++j) {
      conflict.first = groups_[j].paths;
      for (const SettingDifference& d : differences(groups_[j].settings, groups_[k].settings))
        if (is_decisive(d)) conflict.differences.push_back(d);
    }
    if (!conflict.differences.empty()) result.push_back(std::move(conflict));
  }
  return result;
}

}  // namespace haven
