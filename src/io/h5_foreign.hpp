#pragma once
#include <map>
#include <string>
#include <vector>

#include "io/h5.hpp"

namespace haven::h5 {

/// An HDF5 file that another program wrote, with what File refuses: single precision, compression by deflate, text of
/// variable length, links inside the file. Objects are named by their path. Every read is bounded by what the file can
/// hold. Failures are h5::Error.
class ForeignFile {
 public:
  explicit ForeignFile(const std::string& path) : file_(File::open(path)) {}

  [[nodiscard]] bool has(const std::string& object) const;
  [[nodiscard]] bool is_dataset(const std::string& object) const;
  [[nodiscard]] std::vector<std::string> members(const std::string& group) const;
  [[nodiscard]] Shape shape(const std::string& dataset) const;
  /// Rows [first, first + count) along the first axis, of any numeric type, as doubles.
  [[nodiscard]] std::vector<double> rows(const std::string& dataset, Index first, Index count) const;
  /// All of a small dataset (a scalar included).
  [[nodiscard]] std::vector<double> all(const std::string& dataset) const;
  /// Names of the values of an enumerated type; empty for any other.
  [[nodiscard]] std::map<std::int64_t, std::string> enumeration(const std::string& dataset) const;
  /// A text attribute, one or several words; empty when there is none.
  [[nodiscard]] std::vector<std::string> texts(const std::string& object, const std::string& attribute) const;
  [[nodiscard]] std::string text(const std::string& object, const std::string& attribute) const;

 private:
  [[nodiscard]] Id open_dataset(const std::string& dataset) const;
  [[nodiscard]] std::vector<double> read(const Id& id, Shape shape, Index first, const std::string& where) const;
  File file_;
};

/// Keeps some rows of a dataset of a file that lives longer, so that chunks of many rows are decompressed once.
class RowCache {
 public:
  RowCache(const ForeignFile& file, std::string dataset);
  [[nodiscard]] Index rows() const { return shape_[0]; }
  [[nodiscard]] std::span<const double> row(Index index);
  [[nodiscard]] const Shape& shape() const { return shape_; }

 private:
  const ForeignFile* file_;
  std::string dataset_;
  Shape shape_;
  Index row_size_ = 1, first_ = 0, count_ = 0;
  std::vector<double> values_;
};

}  // namespace haven::h5
