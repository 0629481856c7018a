#include "io/oszicar.hpp"

#include <filesystem>

#include "io/cursor.hpp"

namespace haven {
namespace {

std::optional<double> field(std::string_view line, std::string_view mark) {
  Cursor cursor(line);
  if (!cursor.skip_past(mark)) return std::nullopt;
  const RealField value = cursor.real();
  return value.ok() ? std::optional(value.value) : std::nullopt;
}

}  // namespace

std::optional<OszicarStep> OszicarReader::next() {
  std::string_view line;
  while (file_.next_line(line)) {
    // "   12 T=   803. E= -.5E+03 F= -.5E+03 E0= ...", without T and E in a relaxation.
    Cursor cursor(line);
    const std::string_view word = cursor.word();
    const bool overflow = !word.empty() && word.find_first_not_of('*') == std::string_view::npos;
    const auto number = overflow ? std::optional(last_.number + 1) : parse_integer(word);
    if (!number || line.find(" F=") == std::string_view::npos || line.find(" E0=") == std::string_view::npos) continue;
    if (!file_.line_was_terminated()) break;
    const bool again = last_.number > 0 && *number <= last_.number;
    last_ = {.run = last_.run + (again ? 1 : 0),
             .number = *number,
             .temperature_K = field(line, " T="),
             .free_energy = field(line, " F=")};
    return last_;
  }
  return std::nullopt;
}

std::string oszicar_beside(const std::string& path) {
  const std::filesystem::path file(path);
  std::string name = file.filename().string();
  const auto at = name.find("XDATCAR");
  if (at == std::string::npos) return {};
  name.replace(at, 7, "OSZICAR");
  for (const std::string_view end : {".gz", ".bz2", ".xz"})
    if (name.ends_with(end)) name.erase(name.size() - end.size());
  for (const char* end : {"", ".gz", ".bz2", ".xz"}) {
    const auto found = file.parent_path() / (name + end);
    std::error_code error;
    if (std::filesystem::is_regular_file(found, error)) return found.string();
  }
  return {};
}

}  // namespace haven
