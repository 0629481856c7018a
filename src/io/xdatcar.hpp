#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/cell.hpp"
#include "core/types.hpp"
#include "io/text_file.hpp"

namespace haven {

/// Streams a VASP XDATCAR (plain or compressed): a head (comment, scale, lattice, symbols, counts), then frames that
/// begin with "Direct configuration=" (or a blank line in old files). With a variable cell the head is repeated before
/// every frame. Positions only, wrapped into the cell: it serves transport, not training.
class XdatcarReader {
 public:
  /// @throws InputError for anything that is no XDATCAR of VASP 5 or later.
  explicit XdatcarReader(const std::string& path);
  /// Atomic numbers, in all frames. Valid when next() has delivered one.
  [[nodiscard]] const std::vector<int>& numbers() const { return numbers_; }
  /// The next frame; false at the end. @throws InputError with the line for a damaged file.
  bool next(Cell& cell, std::vector<Vec3>& positions);
  [[nodiscard]] Index frames() const { return index_; }  ///< delivered so far
  /// Number that the file gives the last frame: VASP's ionic step. Nothing in old files, which have a blank line there.
  [[nodiscard]] std::optional<Index> configuration() const { return configuration_; }
  /// Not empty: the file ends inside a frame, which is left out. Valid when next() has returned false.
  [[nodiscard]] std::string ending() const;
  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  enum class Coordinates { direct, cartesian };
  [[noreturn]] void fail(const std::string& what) const;
  bool frame_mark(std::string_view line, Coordinates& coordinates);
  bool read_head();
  bool read_atoms();
  bool read_positions(Coordinates coordinates, std::vector<Vec3>& positions);

  TextFile file_;
  std::vector<std::pair<int, Index>> kinds_;  ///< element and number of atoms, as the head states them
  std::vector<int> numbers_;
  double scale_ = 1;
  Cell cell_;
  Index index_ = 0;
  std::optional<Index> configuration_;
  bool cut_off_ = false;
};

}  // namespace haven
