#pragma once
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "core/types.hpp"

namespace haven {

/// Rows of a NumPy `.npy` array (format 1.0 to 3.0), read one after the other in constant memory.
///
/// Only plain little-endian numbers in C order are read (f4, f8, i4, i8); the shape is checked against the size of the
/// file before anything is allocated. Pickled objects are never opened.
class NpyRows {
 public:
  /// @throws InputError for a damaged, cut-off or unsupported file, with the remedy; IoError.
  explicit NpyRows(const std::string& path);
  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index row_size() const { return row_size_; }  ///< numbers of a row: the product of all further extents
  [[nodiscard]] bool is_integer() const { return integer_; }
  [[nodiscard]] bool is_single_precision() const { return !integer_ && item_size_ == 4; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The next row; integers arrive as the same whole numbers. @throws InputError past the end or beyond 2^53
  void next(std::vector<double>& row);

 private:
  void read_header();
  void parse_header(const std::string& text);
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const;

  std::string path_;
  std::ifstream file_;
  Index rows_ = 0, row_size_ = 1, delivered_ = 0;
  std::size_t item_size_ = 8;
  bool integer_ = false;
  std::vector<char> bytes_;
};

}  // namespace haven
