#pragma once
#include <optional>
#include <string>

#include "core/types.hpp"
#include "io/text_file.hpp"

namespace haven {

/// One ionic step as an OSZICAR states it.
struct OszicarStep {
  Index run = 0;     ///< 0-based; counts how often the numbers have begun again (files of several runs put together)
  Index number = 0;  ///< VASP's number of the step in its run, from 1
  std::optional<double> temperature_K{};  ///< of this moment (T=); molecular dynamics only
  std::optional<double> free_energy{};    ///< eV (F=), the energy that the forces belong to
};

/// Streams the ionic steps of a VASP OSZICAR (plain or compressed); lines of SCF steps are passed over. A last line
/// without its end is left out.
class OszicarReader {
 public:
  /// @throws InputError when there is no such file; IoError
  explicit OszicarReader(const std::string& path) : file_(path, TextFile::LongLine::skip) {}
  /// The next ionic step; nothing at the end. Fields that cannot be read (asterisks) are absent.
  std::optional<OszicarStep> next();
  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  TextFile file_;
  OszicarStep last_{};
};

/// The OSZICAR of the run that wrote the XDATCAR at `path`: beside it, with "OSZICAR" where its name has "XDATCAR",
/// plain or compressed. Empty when there is none.
[[nodiscard]] std::string oszicar_beside(const std::string& path);

}  // namespace haven
