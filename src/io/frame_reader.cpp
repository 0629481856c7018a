#include "io/frame_reader.hpp"

namespace haven {

std::optional<FileUnits> file_units(std::string_view name) {
  if (name.empty()) return FileUnits::unstated;
  if (name == "angstrom-ev") return FileUnits::angstrom_ev;
  if (name == "bohr-hartree") return FileUnits::bohr_hartree;
  return std::nullopt;
}

}  // namespace haven
