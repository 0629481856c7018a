#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"
#include "io/file_system.hpp"

/// RAII over the serial HDF5 C API, which only h5*.cpp use. Every return value is checked; failures are
/// h5::Error (an IoError naming the file, and errno where the operating system gave one).
///
/// Policy for all files: latest format (its metadata are checksummed), no filters, no variable-length data, hard links
/// only, no plugins, no file locks of HDF5's own, no time stamps. What is read is checked against this before anything
/// is allocated, and sizes are bounded by the size of the file.
namespace haven::h5 {

using Error = IoError;
using Shape = std::vector<Index>;
inline constexpr int max_rank = 4;

enum class Type { f64, i64, i32, u32, u8 };
template <class T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, double>) return Type::f64;
  if constexpr (std::is_same_v<T, std::int64_t>) return Type::i64;
  if constexpr (std::is_same_v<T, std::int32_t>) return Type::i32;
  if constexpr (std::is_same_v<T, std::uint32_t>) return Type::u32;
  if constexpr (std::is_same_v<T, std::uint8_t>) return Type::u8;
}
[[nodiscard]] Index size_of(Type type);
/// Whether a name can be a member's: 1 to 255 letters, digits, `_`, `.`, `-`, and not only dots.
[[nodiscard]] bool is_plain_name(const std::string& name);

/// What File, Group and Dataset share: the library's file handle, path, size and error record.
struct Context;

/// An identifier of the library, closed with the object.
class Id {
 public:
  Id() = default;
  explicit Id(std::int64_t value) : value_(value) {}
  Id(Id&& o) noexcept : value_(std::exchange(o.value_, -1)) {}
  Id& operator=(Id&& o) noexcept;
  ~Id() { close(); }
  [[nodiscard]] std::int64_t get() const { return value_; }
  bool close();  ///< false when the library reports a failure

 private:
  std::int64_t value_ = -1;
};

/// Attributes of a group or dataset. Text is fixed-length UTF-8, but for units.
class Object {
 public:
  void set(const std::string& name, const std::string& text) { set_texts(name, {text}, {}); }
  void set(const std::string& name, const char* text) { set(name, std::string(text)); }
  void set(const std::string& name, double value) { set_numbers(name, Type::f64, {}, &value); }
  void set(const std::string& name, std::int64_t value) { set_numbers(name, Type::i64, {}, &value); }
  void set(const std::string& name, const std::vector<std::int64_t>& values) {
    set_numbers(name, Type::i64, {static_cast<Index>(values.size())}, values.data());
  }
  void set(const std::string& name, const std::vector<std::string>& texts) {
    set_texts(name, texts, {static_cast<Index>(texts.size())});
  }
  /// The attribute "unit", of variable length: h5py gives any other text as bytes, and programs made with it
  /// (MDAnalysis) look for a string.
  void set_unit(const std::string& unit);
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name) const;
  [[nodiscard]] std::int64_t integer(const std::string& name) const;
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  [[nodiscard]] bool has_attribute(const std::string& name) const;
  [[nodiscard]] Index attribute_count() const;
  [[nodiscard]] const std::string& location() const { return location_; }  ///< path in the file, for messages

 protected:
  Object(std::shared_ptr<Context> context, Id id, std::string location);
  void set_numbers(const std::string& name, Type type, const Shape& shape, const void* values);
  void set_texts(const std::string& name, const std::vector<std::string>& texts, const Shape& shape);
  void get_numbers(const std::string& name, Type type, Index count, void* values) const;
  [[nodiscard]] Id open_attribute(const std::string& name) const;
  std::shared_ptr<Context> context_;
  Id id_;
  std::string location_;
};

class Dataset : public Object {
 public:
  [[nodiscard]] Shape shape() const;
  [[nodiscard]] Type type() const;  ///< @throws Error for any type but those above
  /// Contiguous or compact data of exactly this type, complete in the file.
  template <class T>
  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> values(static_cast<std::size_t>(checked_count(type_of<T>())));
    read_all(type_of<T>(), values.data());
    return values;
  }
  /// Text written by Group::write_text.
  [[nodiscard]] std::string read_text() const;
  [[nodiscard]] std::vector<std::string> read_texts() const;

  /// Part of what Group::create_fixed() made.
  void write_rows(Index first, Index count, Type type, const void* values);
  // Extendible datasets [rows][row shape], one row at a time.
  void append_row(Type type, const void* values);  ///< values: one row
  void read_rows(Index first, Index count, Type type, std::span<std::byte> out) const;
  [[nodiscard]] Index rows() const;
  void refresh();  ///< sees what a writer of the same file added
  void flush();    ///< readers can see the rows appended so far

 private:
  friend class Group;
  using Object::Object;
  [[nodiscard]] Index checked_count(Type type) const;
  void read_all(Type type, void* values) const;
};

enum class EntryKind { group, dataset };
struct Entry {
  std::string name;
  EntryKind kind;
};

class Group : public Object {
 public:
  [[nodiscard]] Group create_group(const std::string& name);
  [[nodiscard]] Group group(const std::string& name) const;
  [[nodiscard]] Dataset dataset(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const;
  /// All members in order of name. @throws Error for a link that is not hard, an object with several names, or one that
  /// is neither group nor dataset.
  [[nodiscard]] std::vector<Entry> entries() const;

  template <class T>
  Dataset write(const std::string& name, std::span<const T> values, const Shape& shape) {
    return write_all(name, type_of<T>(), shape, values.data(), static_cast<Index>(values.size()));
  }
  template <class T>
  Dataset write(const std::string& name, const std::vector<T>& values) {
    return write(name, std::span<const T>(values), {static_cast<Index>(values.size())});
  }
  /// Contiguous dataset that is filled by Dataset::write_rows(); every row must be written.
  Dataset create_fixed(const std::string& name, Type type, const Shape& shape);
  /// One text as a scalar fixed-length string. @throws InternalError when it contains NUL.
  Dataset write_text(const std::string& name, const std::string& text);
  Dataset write_texts(const std::string& name, const std::vector<std::string>& texts);
  /// Empty dataset [0][row_shape...] that grows by rows; `chunk_rows` rows are stored together.
  Dataset create_extendible(const std::string& name, Type type, const Shape& row_shape, Index chunk_rows);
  /// A second name for an object below this group.
  void link(const std::string& target, const std::string& name);

 private:
  friend class File;
  using Object::Object;
  Dataset write_all(const std::string& name, Type type, const Shape& shape, const void* values, Index count);
  Dataset write_padded(const std::string& name, const std::vector<std::string>& texts, const Shape& shape);
  [[nodiscard]] Id open_checked(const std::string& name, EntryKind kind) const;
};

enum class Access {
  plain,
  follow,  ///< a file that is being written, or whose writer was killed (SWMR)
};

class File {
 public:
  /// A new file at `path`, all of whose writes go through `files`.
  [[nodiscard]] static File create(FileSystem& files, const std::string& path);
  /// A new file in memory; take it with image().
  [[nodiscard]] static File create_in_memory(const std::string& name);
  [[nodiscard]] static File open(const std::string& path, Access access = Access::plain);
  /// The same; messages call it `name`.
  [[nodiscard]] static File open_as(const std::string& name, const std::string& path, Access access = Access::plain);
  /// A file given as bytes; `name` is for messages.
  [[nodiscard]] static File open_image(std::span<const std::byte> bytes, const std::string& name);
  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();  ///< closes without a word

  [[nodiscard]] Group root() const;
  /// Lets readers follow (SWMR) and gives the file, with all so far on the disk, its final name. No object or attribute
  /// can be added from here on; datasets made before stay usable. Only for files from create().
  void publish(const std::string& path);
  void flush();
  void sync();  ///< flush, and the operating system's sync
  /// All objects must be gone. @throws Error when not everything could be written
  void close();
  /// Closes a file made in memory and gives its bytes.
  [[nodiscard]] std::vector<std::byte> image() &&;
  [[nodiscard]] const std::string& path() const;

 private:
  friend class ForeignFile;
  explicit File(std::shared_ptr<Context> context);
  std::shared_ptr<Context> context_;
};

}  // namespace haven::h5
