#include "io/calculation_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "io/cursor.hpp"

namespace haven {
namespace {

/// Words with one blank between them; control characters count as blanks.
std::string one_line(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= 0x20;
    if (!blank) result += c == ';' ? ',' : c;
    if (blank && !result.empty() && result.back() != ' ') result += ' ';
  }
  return std::string(trimmed(result));
}

bool is_minor(std::string_view name) {
  constexpr std::array<std::string_view, 3> minor{"PREC", "LREAL", "ADDGRID"};
  return std::find(minor.begin(), minor.end(), name) != minor.end();
}

/// Half a unit of the last digit that an OUTCAR prints; a vasprun.xml has more digits.
double rounding_of(std::string_view name) {
  if (name == "ENCUT" || name.starts_with("LDAU")) return 0.05;
  if (name == "SIGMA") return 0.005;
  return name == "AEXX" || name == "HFSCREEN" ? 5e-5 : 0.0;
}

bool same_value(std::string_view name, const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto x = parse_real(a), y = parse_real(b);
  const double rounding = rounding_of(name) * (1 + 1e-6);
  return x && y && std::abs(*x - *y) <= std::max(rounding, 1e-6 * std::max(std::abs(*x), std::abs(*y)));
}

/// Tetrahedron methods (-4, -5) do not use SIGMA.
bool uses_sigma(const CalculationSettings& settings) {
  const auto smearing = settings.find("ISMEAR");
  const auto value = smearing ? parse_integer(*smearing) : std::nullopt;
  return !value || *value > -4;
}

}  // namespace

void CalculationSettings::set(std::string_view name, std::string_view value) {
  std::string key = one_line(name), text = one_line(value);
  std::replace(key.begin(), key.end(), '=', '_');
  if (!key.empty() && !text.empty()) values_.insert_or_assign(std::move(key), std::move(text));
}

void CalculationSettings::set_number(std::string_view name, double value) {
  if (std::isfinite(value)) set(name, fmt::format("{}", value + 0.0));
}

void CalculationSettings::set_flag(std::string_view name, bool value) { set(name, value ? "T" : "F"); }

std::optional<std::string> CalculationSettings::find(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::nullopt : std::optional(at->second);
}

std::string CalculationSettings::text() const {
  std::string result;
  for (const auto& [name, value] : values_) result += fmt::format("{} = {}\n", name, value);
  return result;
}

CalculationSettings CalculationSettings::from_text(std::string_view text) {
  CalculationSettings settings;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const std::size_t equals = line.find('='); equals != line.npos)
      settings.set(line.substr(0, equals), line.substr(equals + 1));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return settings;
}

std::vector<SettingDifference> differences(const CalculationSettings& a, const CalculationSettings& b) {
  std::vector<SettingDifference> found;
  const bool compare_sigma = a.find("ISMEAR") == b.find("ISMEAR") && uses_sigma(a);
  for (const auto& [name, value] : a.values()) {
    const auto other = b.find(name);
    if (!other || same_value(name, value, *other) || name == "KPOINTS" || (name == "SIGMA" && !compare_sigma)) continue;
    found.push_back(
        {.name = name,
         .first = value,
         .second = *other,
         .weight = is_minor(name) ? SettingDifference::Weight::minor : SettingDifference::Weight::decisive});
  }
  return found;
}

std::shared_ptr<const std::string> shared_text(const CalculationSettings& settings) {
  return settings.empty() ? nullptr : std::make_shared<const std::string>(settings.text());
}

}  // namespace haven
