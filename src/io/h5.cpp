#define H5_USE_110_API
#include "io/h5.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "io/h5_driver.hpp"

namespace haven::h5 {

static_assert(std::is_same_v<hid_t, std::int64_t>);

// Members are destroyed from below: the library's handle goes before what it writes to or reads from.
struct Context {
  std::string path;
  Index size = std::numeric_limits<Index>::max();  ///< bytes of the file when it was opened for reading
  std::unique_ptr<MemoryFileSystem> memory;
  std::unique_ptr<DrivenFile> driven;
  Id file;
};

namespace {

constexpr const char* damaged_remedy = "The file is damaged or was not made by Haven; remake it or use a copy.";

/// Once per process: quiet, no plugins, and no clean-up at exit, which could only write to files that failed.
void prepare_library() {
  [[maybe_unused]] static const bool done = [] {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLset_loading_state(0);
    return true;
  }();
}

/// The library's most specific message for the failure that has just happened.
std::string library_message() {
  std::string text;
  const auto take = [](unsigned /*n*/, const H5E_error2_t* error, void* out) -> herr_t {
    if (error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, take, &text);  // the last one visited lies deepest
  return text.empty() ? "no message from HDF5" : text;
}

/// A file that failed once swallows further writes (h5_driver.hpp): success means nothing any more.
bool failed(const Context& context) { return context.driven && context.driven->failure; }

[[noreturn]] void raise(const Context& context, const std::string& what) {
  const std::string reason = library_message();
  if (failed(context)) std::rethrow_exception(context.driven->failure);
  throw Error(fmt::format("{}: {}", what, reason), context.path, std::string(damaged_remedy));
}
[[noreturn]] void refuse(const Context& context, const std::string& what) {
  throw Error(what, context.path, std::string(damaged_remedy));
}
void check(const Context& context, herr_t status, const std::string& what) {
  if (status < 0 || failed(context)) raise(context, what);
}
Id checked(const Context& context, hid_t id, const std::string& what) {
  Id owner(id);
  if (id < 0 || failed(context)) raise(context, what);
  return owner;
}

hid_t library_type(Type type) {
  switch (type) {
    case Type::f64:
      return H5T_IEEE_F64LE;
    case Type::i64:
      return H5T_STD_I64LE;
    case Type::i32:
      return H5T_STD_I32LE;
    case Type::u32:
      return H5T_STD_U32LE;
    case Type::u8:
      return H5T_STD_U8LE;
  }
  return -1;
}

Id text_type(std::size_t size) {
  Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), std::max<std::size_t>(size, 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Id space_of(const Shape& shape) {
  if (shape.empty()) return Id(H5Screate(H5S_SCALAR));
  std::vector<hsize_t> extent(shape.begin(), shape.end());
  return Id(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
}

/// Bytes of each text at a fixed length. Texts must not contain NUL, which pads them.
std::pair<std::vector<char>, std::size_t> padded(const std::vector<std::string>& texts, const std::string& where) {
  std::size_t width = 1;
  for (const std::string& text : texts) {
    if (text.find('\0') != std::string::npos) throw InternalError("a text to be stored contains a zero byte", where);
    width = std::max(width, text.size());
  }
  std::vector<char> bytes(width * texts.size(), '\0');
  for (std::size_t k = 0; k < texts.size(); ++k)
    std::copy(texts[k].begin(), texts[k].end(), bytes.begin() + static_cast<std::ptrdiff_t>(k * width));
  return {std::move(bytes), width};
}

std::vector<std::string> unpadded(const std::vector<char>& bytes, std::size_t width) {
  std::vector<std::string> texts;
  for (std::size_t begin = 0; begin + width <= bytes.size(); begin += width) {
    const char* text = bytes.data() + begin;
    texts.emplace_back(text, strnlen(text, width));
  }
  return texts;
}

/// Width of a fixed-length string type, 0 for any other type.
std::size_t text_width(hid_t type) {
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) return 0;
  return H5Tget_size(type);
}

/// Extents of a simple or scalar data space with at most max_rank dimensions whose product fits into memory counts.
Shape checked_shape(const Context& context, hid_t space, const std::string& where) {
  const H5S_class_t kind = H5Sget_simple_extent_type(space);
  if (kind == H5S_SCALAR) return {};
  const int rank = H5Sget_simple_extent_ndims(space);
  if (kind != H5S_SIMPLE || rank < 1 || rank > max_rank)
    refuse(context, fmt::format("{} has a shape that is not allowed", where));
  hsize_t extent[max_rank];
  if (H5Sget_simple_extent_dims(space, extent, nullptr) < 0)
    raise(context, fmt::format("cannot read the shape of {}", where));
  Shape shape;
  Index product = 1;
  for (int k = 0; k < rank; ++k) {
    const auto limit = static_cast<hsize_t>(std::numeric_limits<Index>::max() / 16 / std::max<Index>(product, 1));
    if (extent[k] > limit) refuse(context, fmt::format("{} claims an impossible size", where));
    shape.push_back(static_cast<Index>(extent[k]));
    product *= std::max<Index>(shape.back(), 1);
  }
  return shape;
}

Index product_of(const Shape& shape) {
  Index product = 1;
  for (const Index extent : shape) product *= extent;
  return product;
}

/// Access to files: latest format, no locks of the library's own, handles must be closed before the file.
Id access_list(const Context& context) {
  Id list = checked(context, H5Pcreate(H5P_FILE_ACCESS), "cannot prepare file access");
  check(context, H5Pset_libver_bounds(list.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), "cannot prepare file access");
  check(context, H5Pset_fclose_degree(list.get(), H5F_CLOSE_SEMI), "cannot prepare file access");
  check(context, H5Pset_file_locking(list.get(), 0, 1), "cannot prepare file access");
  return list;
}

}  // namespace

Index size_of(Type type) {
  switch (type) {
    case Type::f64:
    case Type::i64:
      return 8;
    case Type::i32:
    case Type::u32:
      return 4;
    case Type::u8:
      return 1;
  }
  return 0;
}

bool is_plain_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), plain) &&
         name.find_first_not_of('.') != std::string::npos;
}

Id& Id::operator=(Id&& o) noexcept {
  if (this == &o) return *this;
  close();
  value_ = std::exchange(o.value_, -1);
  return *this;
}
bool Id::close() {
  const hid_t id = std::exchange(value_, -1);
  if (id < 0) return true;
  switch (H5Iget_type(id)) {
    case H5I_FILE:
      return H5Fclose(id) >= 0;
    case H5I_GROUP:
      return H5Gclose(id) >= 0;
    case H5I_DATASET:
      return H5Dclose(id) >= 0;
    case H5I_DATATYPE:
      return H5Tclose(id) >= 0;
    case H5I_DATASPACE:
      return H5Sclose(id) >= 0;
    case H5I_ATTR:
      return H5Aclose(id) >= 0;
    case H5I_GENPROP_LST:
      return H5Pclose(id) >= 0;
    default:
      return false;
  }
}

// ---------------------------------------------------------------------------------------------------------- attributes

Object::Object(std::shared_ptr<Context> context, Id id, std::string location)
    : context_(std::move(context)), id_(std::move(id)), location_(std::move(location)) {}

void Object::set_numbers(const std::string& name, Type type, const Shape& shape, const void* values) {
  const std::string what = fmt::format("cannot write the attribute {} of {}", name, location_);
  const Id space = space_of(shape);
  const Id attribute = checked(
      *context_, H5Acreate2(id_.get(), name.c_str(), library_type(type), space.get(), H5P_DEFAULT, H5P_DEFAULT), what);
  check(*context_, H5Awrite(attribute.get(), library_type(type), values), what);
}

void Object::set_texts(const std::string& name, const std::vector<std::string>& texts, const Shape& shape) {
  const std::string what = fmt::format("cannot write the attribute {} of {}", name, location_);
  const auto [bytes, width] = padded(texts, name);
  const Id type = text_type(width), space = space_of(shape);
  const Id attribute =
      checked(*context_, H5Acreate2(id_.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), what);
  check(*context_, H5Awrite(attribute.get(), type.get(), bytes.data()), what);
}

bool Object::has_attribute(const std::string& name) const { return H5Aexists(id_.get(), name.c_str()) > 0; }

Index Object::attribute_count() const {
  H5O_info_t info;
  check(*context_, H5Oget_info2(id_.get(), &info, H5O_INFO_NUM_ATTRS), fmt::format("cannot inspect {}", location_));
  return static_cast<Index>(info.num_attrs);
}

Id Object::open_attribute(const std::string& name) const {
  if (!has_attribute(name)) refuse(*context_, fmt::format("{} has no attribute {}", location_, name));
  return checked(*context_, H5Aopen(id_.get(), name.c_str(), H5P_DEFAULT),
                 fmt::format("cannot open the attribute {} of {}", name, location_));
}

void Object::get_numbers(const std::string& name, Type type, Index count, void* values) const {
  const std::string where = fmt::format("the attribute {} of {}", name, location_);
  const Id attribute = open_attribute(name);
  const Id stored(H5Aget_type(attribute.get())), space(H5Aget_space(attribute.get()));
  if (H5Tequal(stored.get(), library_type(type)) <= 0) refuse(*context_, where + " has an unexpected type");
  const Shape shape = checked_shape(*context_, space.get(), where);
  if (product_of(shape) != count) refuse(*context_, where + " has an unexpected size");
  check(*context_, H5Aread(attribute.get(), library_type(type), values), "cannot read " + where);
}

double Object::number(const std::string& name) const {
  double value = 0;
  get_numbers(name, Type::f64, 1, &value);
  return value;
}
std::int64_t Object::integer(const std::string& name) const {
  std::int64_t value = 0;
  get_numbers(name, Type::i64, 1, &value);
  return value;
}
std::vector<std::int64_t> Object::integers(const std::string& name) const {
  const Id attribute = open_attribute(name), space(H5Aget_space(attribute.get()));
  const Index count = product_of(checked_shape(*context_, space.get(), name));
  if (count > 4096) refuse(*context_, fmt::format("the attribute {} of {} is too long", name, location_));
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  get_numbers(name, Type::i64, count, values.data());
  return values;
}
std::vector<std::string> Object::texts(const std::string& name) const {
  const std::string where = fmt::format("the attribute {} of {}", name, location_);
  const Id attribute = open_attribute(name);
  const Id type(H5Aget_type(attribute.get())), space(H5Aget_space(attribute.get()));
  const std::size_t width = text_width(type.get());
  const Index count = product_of(checked_shape(*context_, space.get(), where));
  constexpr Index limit = 1 << 16;
  if (width == 0 || width > limit || count > limit) refuse(*context_, where + " is not a short fixed-length text");
  std::vector<char> bytes(width * static_cast<std::size_t>(count));
  const Id memory = text_type(width);
  check(*context_, H5Aread(attribute.get(), memory.get(), bytes.data()), "cannot read " + where);
  return unpadded(bytes, width);
}
std::string Object::text(const std::string& name) const {
  const std::vector<std::string> all = texts(name);
  if (all.size() != 1) refuse(*context_, fmt::format("the attribute {} of {} is not one text", name, location_));
  return all.front();
}

// ------------------------------------------------------------------------------------------------------------ datasets

Shape Dataset::shape() const {
  const Id space = checked(*context_, H5Dget_space(id_.get()), "cannot read the shape of " + location_);
  return checked_shape(*context_, space.get(), location_);
}

Type Dataset::type() const {
  const Id stored = checked(*context_, H5Dget_type(id_.get()), "cannot read the type of " + location_);
  for (const Type type : {Type::f64, Type::i64, Type::i32, Type::u32, Type::u8})
    if (H5Tequal(stored.get(), library_type(type)) > 0) return type;
  refuse(*context_, location_ + " has a type that is not allowed");
}

Index Dataset::checked_count(Type expected) const {
  if (type() != expected) refuse(*context_, location_ + " has an unexpected type");
  const Index count = product_of(shape());
  const Id list = checked(*context_, H5Dget_create_plist(id_.get()), "cannot inspect " + location_);
  if (H5Pget_layout(list.get()) == H5D_CHUNKED) refuse(*context_, location_ + " has an unexpected storage layout");
  const Index bytes = count * size_of(expected);
  if (bytes > context_->size || static_cast<Index>(H5Dget_storage_size(id_.get())) != bytes)
    refuse(*context_, location_ + " is larger than what the file holds");
  return count;
}

void Dataset::read_all(Type type, void* values) const {
  check(*context_, H5Dread(id_.get(), library_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values),
        "cannot read " + location_);
}

std::vector<std::string> Dataset::read_texts() const {
  const Id type = checked(*context_, H5Dget_type(id_.get()), "cannot read the type of " + location_);
  const std::size_t width = text_width(type.get());
  const Index count = product_of(shape());
  const auto stored = static_cast<std::uint64_t>(H5Dget_storage_size(id_.get()));
  if (width == 0 || stored > static_cast<std::uint64_t>(context_->size) || stored % width != 0 ||
      stored / width != static_cast<std::uint64_t>(count))
    refuse(*context_, location_ + " is not a fixed-length text");
  std::vector<char> bytes(static_cast<std::size_t>(stored));
  const Id memory = text_type(width);
  check(*context_, H5Dread(id_.get(), memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
        "cannot read " + location_);
  return unpadded(bytes, width);
}

std::string Dataset::read_text() const {
  if (!shape().empty()) refuse(*context_, location_ + " is not one text");
  return read_texts().front();
}

Index Dataset::rows() const {
  const Shape all = shape();
  if (all.empty()) refuse(*context_, location_ + " has no rows");
  return all.front();
}

/// Selects rows of an extendible dataset in its (fresh) data space; returns the number of elements selected.
static Index select_rows(const Context& context, hid_t space, std::pair<Index, Index> rows, const std::string& where) {
  const auto [first, count] = rows;
  Shape shape = checked_shape(context, space, where);
  if (shape.empty() || first < 0 || count < 1 || first > shape[0] - count)
    refuse(context, fmt::format("{} has no row {}", where, first + count - 1));
  std::vector<hsize_t> start(shape.size(), 0);
  start[0] = static_cast<hsize_t>(first);
  shape[0] = count;
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  check(context, H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr),
        "cannot select rows of " + where);
  return product_of(shape);
}

void Dataset::append_row(Type type, const void* values) {
  const std::string what = "cannot append to " + location_;
  const Shape old = shape();
  HAVEN_ASSERT(!old.empty());
  std::vector<hsize_t> extent(old.begin(), old.end());
  ++extent[0];
  check(*context_, H5Dset_extent(id_.get(), extent.data()), what);
  const Id space = checked(*context_, H5Dget_space(id_.get()), what);
  const Id memory = space_of({select_rows(*context_, space.get(), {old[0], 1}, location_)});
  check(*context_, H5Dwrite(id_.get(), library_type(type), memory.get(), space.get(), H5P_DEFAULT, values), what);
}

void Dataset::read_rows(Index first, Index count, Type expected, std::span<std::byte> out) const {
  if (type() != expected) refuse(*context_, location_ + " has an unexpected type");
  const Id space = checked(*context_, H5Dget_space(id_.get()), "cannot read the shape of " + location_);
  const Index elements = select_rows(*context_, space.get(), {first, count}, location_);
  if (elements * size_of(expected) != static_cast<Index>(out.size()))
    refuse(*context_, location_ + " has rows of unexpected size");
  const Id memory = space_of({elements});
  check(*context_, H5Dread(id_.get(), library_type(expected), memory.get(), space.get(), H5P_DEFAULT, out.data()),
        fmt::format("cannot read row {} of {}", first, location_));
}

void Dataset::refresh() { check(*context_, H5Drefresh(id_.get()), "cannot refresh " + location_); }
void Dataset::flush() { check(*context_, H5Dflush(id_.get()), "cannot flush " + location_); }

// -------------------------------------------------------------------------------------------------------------- groups

/// Creation properties of all datasets: no time stamps, so that equal content makes equal files; no fill values to
/// write.
static Id creation_list(const Context& context, H5D_layout_t layout) {
  Id list = checked(context, H5Pcreate(H5P_DATASET_CREATE), "cannot prepare a dataset");
  check(context, H5Pset_obj_track_times(list.get(), 0), "cannot prepare a dataset");
  check(context, H5Pset_layout(list.get(), layout), "cannot prepare a dataset");
  if (layout == H5D_CONTIGUOUS)
    check(context, H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER), "cannot prepare a dataset");
  return list;
}

static std::string joined(const std::string& location, const std::string& name) {
  return (location == "/" ? "" : location) + "/" + name;
}

Group Group::create_group(const std::string& name) {
  Id id = checked(*context_, H5Gcreate2(id_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                  "cannot make the group " + joined(location_, name));
  return {context_, std::move(id), joined(location_, name)};
}

Id Group::open_checked(const std::string& name, EntryKind kind) const {
  const std::string where = joined(location_, name);
  if (!has(name)) refuse(*context_, fmt::format("{} is missing", where));
  H5L_info_t link;
  check(*context_, H5Lget_info(id_.get(), name.c_str(), &link, H5P_DEFAULT), "cannot inspect " + where);
  if (link.type != H5L_TYPE_HARD) refuse(*context_, where + " is a link that is not allowed");
  H5O_info_t info;
  check(*context_, H5Oget_info_by_name2(id_.get(), name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT),
        "cannot inspect " + where);
  if (info.type != (kind == EntryKind::group ? H5O_TYPE_GROUP : H5O_TYPE_DATASET))
    refuse(*context_, fmt::format("{} is not a {}", where, kind == EntryKind::group ? "group" : "dataset"));
  return checked(*context_, H5Oopen(id_.get(), name.c_str(), H5P_DEFAULT), "cannot open " + where);
}

Group Group::group(const std::string& name) const {
  return {context_, open_checked(name, EntryKind::group), joined(location_, name)};
}

Dataset Group::dataset(const std::string& name) const {
  Dataset result{context_, open_checked(name, EntryKind::dataset), joined(location_, name)};
  const std::string& where = result.location();
  const Id list = checked(*context_, H5Dget_create_plist(result.id_.get()), "cannot inspect " + where);
  const H5D_layout_t layout = H5Pget_layout(list.get());
  const bool plain = layout == H5D_COMPACT || layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED;
  if (!plain || H5Pget_nfilters(list.get()) != 0 || H5Pget_external_count(list.get()) != 0)
    refuse(*context_, where + " uses filters, external or virtual storage, which is not allowed");
  const Id type = checked(*context_, H5Dget_type(result.id_.get()), "cannot read the type of " + where);
  if (H5Tcommitted(type.get()) != 0) refuse(*context_, where + " has a type that is not allowed");
  if (text_width(type.get()) == 0) static_cast<void>(result.type());
  return result;
}

bool Group::has(const std::string& name) const { return H5Lexists(id_.get(), name.c_str(), H5P_DEFAULT) > 0; }

std::vector<Entry> Group::entries() const {
  H5G_info_t group;
  check(*context_, H5Gget_info(id_.get(), &group), "cannot list " + location_);
  constexpr hsize_t most_members = 100000;
  constexpr ssize_t longest_name = 1024;
  if (group.nlinks > most_members) refuse(*context_, location_ + " has too many members");
  std::vector<Entry> result;
  for (hsize_t k = 0; k < group.nlinks; ++k) {
    char name[longest_name + 1] = {};
    const ssize_t length =
        H5Lget_name_by_idx(id_.get(), ".", H5_INDEX_NAME, H5_ITER_INC, k, name, sizeof name, H5P_DEFAULT);
    if (length < 0) raise(*context_, "cannot list " + location_);
    const std::string where = joined(location_, name);
    if (length < 1 || length > longest_name) refuse(*context_, location_ + " has a member with an impossible name");
    H5L_info_t link;
    check(*context_, H5Lget_info(id_.get(), name, &link, H5P_DEFAULT), "cannot inspect " + where);
    if (link.type != H5L_TYPE_HARD) refuse(*context_, where + " is a link that is not allowed");
    H5O_info_t info;
    check(*context_, H5Oget_info_by_name2(id_.get(), name, &info, H5O_INFO_BASIC, H5P_DEFAULT),
          "cannot inspect " + where);
    const bool known = info.type == H5O_TYPE_GROUP || info.type == H5O_TYPE_DATASET;
    if (!known || info.rc != 1) refuse(*context_, where + " is an object that is not allowed");
    result.push_back({name, info.type == H5O_TYPE_GROUP ? EntryKind::group : EntryKind::dataset});
  }
  return result;
}

Dataset Group::write_all(const std::string& name, Type type, const Shape& shape, const void* values, Index count) {
  HAVEN_ASSERT(product_of(shape) == count && static_cast<int>(shape.size()) <= max_rank);
  const std::string where = joined(location_, name), what = "cannot write " + where;
  const Id space = space_of(shape), list = creation_list(*context_, H5D_CONTIGUOUS);
  Id id = checked(
      *context_,
      H5Dcreate2(id_.get(), name.c_str(), library_type(type), space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT), what);
  if (count > 0) check(*context_, H5Dwrite(id.get(), library_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), what);
  return {context_, std::move(id), where};
}

Dataset Group::write_padded(const std::string& name, const std::vector<std::string>& texts, const Shape& shape) {
  const std::string where = joined(location_, name), what = "cannot write " + where;
  const auto [bytes, width] = padded(texts, where);
  const Id type = text_type(width), space = space_of(shape), list = creation_list(*context_, H5D_CONTIGUOUS);
  Id id =
      checked(*context_,
              H5Dcreate2(id_.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT), what);
  if (!texts.empty())
    check(*context_, H5Dwrite(id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), what);
  return {context_, std::move(id), where};
}
Dataset Group::write_text(const std::string& name, const std::string& text) { return write_padded(name, {text}, {}); }
Dataset Group::write_texts(const std::string& name, const std::vector<std::string>& texts) {
  return write_padded(name, texts, {static_cast<Index>(texts.size())});
}

Dataset Group::create_extendible(const std::string& name, Type type, const Shape& row_shape, Index chunk_rows) {
  const std::string where = joined(location_, name), what = "cannot make " + where;
  std::vector<hsize_t> extent{0}, most{H5S_UNLIMITED}, chunk{static_cast<hsize_t>(chunk_rows)};
  for (const Index size : row_shape)
    for (auto* list : {&extent, &most, &chunk}) list->push_back(static_cast<hsize_t>(size));
  const int rank = static_cast<int>(extent.size());
  const Id space = checked(*context_, H5Screate_simple(rank, extent.data(), most.data()), what);
  const Id list = creation_list(*context_, H5D_CHUNKED);
  check(*context_, H5Pset_chunk(list.get(), rank, chunk.data()), what);
  Id id = checked(
      *context_,
      H5Dcreate2(id_.get(), name.c_str(), library_type(type), space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT), what);
  return {context_, std::move(id), where};
}

void Group::link(const std::string& target, const std::string& name) {
  check(*context_, H5Lcreate_hard(id_.get(), target.c_str(), id_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
        "cannot link " + joined(location_, name));
}

// --------------------------------------------------------------------------------------------------------------- files

File::File(std::shared_ptr<Context> context) : context_(std::move(context)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;
File::~File() = default;

/// Opens or makes the file of a context whose bytes pass through `files`.
static void attach(Context& context, FileSystem& files, OpenMode mode) {
  context.driven = std::make_unique<DrivenFile>(files, context.path, mode);
  const Id access = access_list(context);
  if (!use_driver(access.get(), *context.driven)) raise(context, "cannot prepare file access");
  const char* name = context.path.c_str();
  if (mode == OpenMode::create) {
    context.file = checked(context, H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), "cannot make the file");
  } else {
    context.file = checked(context, H5Fopen(name, H5F_ACC_RDONLY, access.get()), "cannot read the file");
  }
}

File File::create(FileSystem& files, const std::string& path) {
  prepare_library();
  auto context = std::make_shared<Context>();
  context->path = path;
  attach(*context, files, OpenMode::create);
  return File(context);
}

File File::create_in_memory(const std::string& name) {
  prepare_library();
  auto context = std::make_shared<Context>();
  context->path = name;
  context->memory = std::make_unique<MemoryFileSystem>();
  attach(*context, *context->memory, OpenMode::create);
  return File(context);
}

File File::open(const std::string& path, Access mode) {
  prepare_library();
  PosixFileSystem system;
  auto context = std::make_shared<Context>();
  context->path = path;
  context->size = OutputFile(system, path, OpenMode::read).size();  // errors with errno come from here
  const Id access = access_list(*context);
  const unsigned flags = H5F_ACC_RDONLY | (mode == Access::follow ? H5F_ACC_SWMR_READ : 0U);
  context->file = checked(*context, H5Fopen(path.c_str(), flags, access.get()), "cannot read the file");
  return File(context);
}

File File::open_image(std::span<const std::byte> bytes, const std::string& name) {
  prepare_library();
  auto context = std::make_shared<Context>();
  context->path = name;
  context->size = static_cast<Index>(bytes.size());
  context->memory = std::make_unique<MemoryFileSystem>();
  context->memory->bytes.assign(bytes.begin(), bytes.end());
  attach(*context, *context->memory, OpenMode::read);
  return File(context);
}

Group File::root() const {
  return {context_, checked(*context_, H5Gopen2(context_->file.get(), "/", H5P_DEFAULT), "cannot open the root group"),
          "/"};
}

void File::publish(const std::string& path) {
  HAVEN_ASSERT(context_->driven != nullptr);
  check(*context_, H5Fstart_swmr_write(context_->file.get()), "cannot let readers follow the file");
  sync();
  context_->driven->file.rename(path);
  context_->path = path;
}

void File::flush() { check(*context_, H5Fflush(context_->file.get(), H5F_SCOPE_LOCAL), "cannot flush the file"); }

void File::sync() {
  flush();
  if (context_->driven) context_->driven->file.sync();
}

void File::close() {
  if (!context_->file.close()) raise(*context_, "cannot close the file");
  if (!context_->driven) return;
  if (failed(*context_)) std::rethrow_exception(context_->driven->failure);
  context_->driven->file.close();
}

std::vector<std::byte> File::image() && {
  HAVEN_ASSERT(context_->memory != nullptr);
  close();
  return std::move(context_->memory->bytes);
}

const std::string& File::path() const { return context_->path; }

}  // namespace haven::h5
