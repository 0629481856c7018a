#include "io/vasp_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/species.hpp"
#include "io/cursor.hpp"

namespace haven {
namespace {

constexpr std::size_t longest_value = 1000;  // an INCAR line is shorter; damage may not be
constexpr std::size_t most_types = 1000;

constexpr std::array<std::string_view, 25> wanted{
    "ENCUT", "ENMAX", "GGA",   "LEXCH", "METAGGA", "LHFCALC", "AEXX",   "HFSCREEN", "LUSE_VDW",
    "IVDW",  "LVDW",  "ISPIN", "LASPH", "LSORBIT", "ISMEAR",  "SIGMA",  "LDAU",     "LDAUTYPE",
    "LDAUL", "LDAUU", "LDAUJ", "PREC",  "LREAL",   "ADDGRID", "KPOINTS"};

std::string first_word(std::string_view text) {
  Cursor cursor(text);
  return std::string(cursor.word());
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// VASP looks at the first letter only.
std::string precision_name(const std::string& word) {
  constexpr std::array<std::string_view, 6> names{"accurate", "normal", "single", "medium", "high", "low"};
  for (const std::string_view name : names)
    if (!word.empty() && std::tolower(static_cast<unsigned char>(word[0])) == name[0]) return std::string(name);
  return word;
}

/// The functional that a potential was made with and that GGA = -- stands for.
std::string functional_of_potential(std::string_view title) {
  const std::string kind = first_word(title);
  if (kind == "PAW_PBE") return "PE";
  if (kind == "PAW_GGA") return "91";
  if (kind == "PAW" || kind == "PAW_LDA") return "CA";
  return "";
}

}  // namespace

void VaspSettingsCollector::take(std::string_view tag, std::string_view value) {
  if (std::find(wanted.begin(), wanted.end(), tag) == wanted.end() || value.size() > longest_value) return;
  value = trimmed(value);
  if (!value.empty()) values_.insert_or_assign(std::string(tag == "ENMAX" ? "ENCUT" : tag), std::string(value));
}

/// "ENCUT  =  500.0 eV", "ISMEAR =     0;   SIGMA  =   0.05  broadening", "U (eV)   for each species LDAUU = 0.0  5.0":
/// the word before "=" is the tag.
void VaspSettingsCollector::take_line(std::string_view text) {
  constexpr std::string_view grid = "generate k-points for:";
  if (text.starts_with(grid)) {
    take("KPOINTS", text.substr(grid.size()));
    return;
  }
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) return;
  const std::string_view before = trimmed(text.substr(0, equals));
  const std::string_view tag = before.substr(std::min(before.size(), before.find_last_of(" \t") + 1));
  std::string_view value = text.substr(equals + 1);
  if (tag == "ISMEAR")
    if (const std::size_t more = value.find("SIGMA"); more != value.npos) take_line(value.substr(more));
  value = value.substr(0, value.find(';'));
  if (tag == "ENMAX") return;  // of a potential; the run's line says ENCUT
  if (tag == "LDAUTYPE") take("LDAU", "T");
  if (tag == "LEXCH" && !parse_integer(first_word(value))) return;  // of a potential, not of the run
  if (tag == "METAGGA" && upper(first_word(value)) == "F") return;  // an old switch of the same name
  take(tag, value);
}

void VaspSettingsCollector::add_type(int number, std::string_view title) {
  if (types_.size() < most_types) types_.push_back({number, std::string(trimmed(title.substr(0, longest_value)))});
}

std::string VaspSettingsCollector::value(std::string_view tag) const {
  const auto at = values_.find(tag);
  return at == values_.end() ? "" : at->second;
}

bool VaspSettingsCollector::is_on(std::string_view tag) const {
  const std::string text = upper(first_word(value(tag)));
  return !text.empty() && text != "F" && text != ".F." && text != "FALSE" && text != ".FALSE.";
}

void VaspSettingsCollector::settle_functional(CalculationSettings& out) const {
  std::string functional = upper(first_word(value("GGA")));
  if (functional == "--") functional.clear();
  if (functional.empty()) {
    const auto code = parse_integer(first_word(value("LEXCH")));
    if (code == 2) functional = "CA";
    if (code == 7) functional = "91";
    if (code == 8) functional = "PE";
    if (functional.empty() && code) functional = fmt::format("LEXCH {}", *code);
  }
  if (functional.empty() && !types_.empty()) functional = functional_of_potential(types_.front().title);
  out.set("GGA", functional);
  const std::string meta = upper(first_word(value("METAGGA"))).substr(0, 5);
  out.set("METAGGA", meta.empty() || meta == "--" || meta == "NONE" ? "none" : meta);
  out.set_flag("LHFCALC", is_on("LHFCALC"));
  if (is_on("LHFCALC"))
    for (const char* tag : {"AEXX", "HFSCREEN"})
      if (const auto number = parse_real(first_word(value(tag)))) out.set_number(tag, *number);
  if (!value("LUSE_VDW").empty()) out.set_flag("LUSE_VDW", is_on("LUSE_VDW"));
  const auto kind = parse_integer(first_word(value("IVDW")));
  if (kind) out.set_number("IVDW", static_cast<double>(*kind));
  out.set_flag("DISPERSION", dispersion_ || kind.value_or(0) > 0 || is_on("LVDW"));
}

void VaspSettingsCollector::settle_hubbard(CalculationSettings& out) const {
  out.set_flag("LDAU", is_on("LDAU"));
  if (!is_on("LDAU")) return;
  if (const auto type = parse_integer(first_word(value("LDAUTYPE"))))
    out.set_number("LDAUTYPE", static_cast<double>(*type));
  for (const char* tag : {"LDAUL", "LDAUU", "LDAUJ"}) {
    const std::string list = value(tag);
    Cursor cursor(list);
    for (const Type& type : types_) {
      const RealField field = cursor.real();
      if (!field.ok() || type.number == 0) break;
      const std::string name = fmt::format("{} {}", tag, element_symbol(type.number));
      const std::string text = fmt::format("{}", field.value + 0.0);
      const auto earlier = out.find(name);  // an element may have several types
      out.set(name, earlier && *earlier != text ? *earlier + " | " + text : text);
    }
  }
}

CalculationSettings VaspSettingsCollector::settings() const {
  CalculationSettings out;
  out.set("program", "VASP");
  for (const char* tag : {"ENCUT", "SIGMA"})
    if (const auto number = parse_real(first_word(value(tag)))) out.set_number(tag, *number);
  for (const char* tag : {"ISPIN", "ISMEAR"})
    if (const auto number = parse_integer(first_word(value(tag)))) out.set_number(tag, static_cast<double>(*number));
  for (const char* tag : {"LASPH", "LSORBIT", "LREAL", "ADDGRID"})
    if (!value(tag).empty()) out.set_flag(tag, is_on(tag));
  out.set("PREC", precision_name(first_word(value("PREC"))));
  out.set("KPOINTS", value("KPOINTS"));
  settle_functional(out);
  settle_hubbard(out);
  for (const Type& type : types_) {
    if (type.number == 0) continue;
    const std::string name = fmt::format("POTCAR {}", element_symbol(type.number));
    const auto earlier = out.find(name);
    if (!earlier)
      out.set(name, type.title);
    else if (earlier->find(type.title) == std::string::npos)
      out.set(name, *earlier + " | " + type.title);
  }
  return out;
}

}  // namespace haven
