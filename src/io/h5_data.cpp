#include <fmt/format.h>

#include "io/h5.hpp"
#include "io/h5_library.hpp"

/// Attributes and datasets.
namespace haven::h5 {

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

void Object::set_unit(const std::string& unit) {
  const std::string what = fmt::format("cannot write the attribute unit of {}", location_);
  const Id type(H5Tcopy(H5T_C_S1)), space = space_of({});
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const Id attribute =
      checked(*context_, H5Acreate2(id_.get(), "unit", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), what);
  const char* text = unit.c_str();
  check(*context_, H5Awrite(attribute.get(), type.get(), &text), what);
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
  // As stored: foreign files may pad with blanks or say ASCII, which the library does not convert.
  check(*context_, H5Dread(id_.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
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

/// Selects rows of an extendible dataset in its (fresh) data space; returns their shape. Memory is described by the
/// same shape: for others the library copies element by element, many times slower.
static Shape select_rows(const Context& context, hid_t space, std::pair<Index, Index> rows, const std::string& where) {
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
  return shape;
}

void Dataset::write_rows(Index first, Index count, Type type, const void* values) {
  const std::string what = "cannot write " + location_;
  const Id space = checked(*context_, H5Dget_space(id_.get()), what);
  const Id memory = space_of(select_rows(*context_, space.get(), {first, count}, location_));
  check(*context_, H5Dwrite(id_.get(), library_type(type), memory.get(), space.get(), H5P_DEFAULT, values), what);
}

void Dataset::append_row(Type type, const void* values) {
  const std::string what = "cannot append to " + location_;
  const Shape old = shape();
  HAVEN_ASSERT(!old.empty());
  std::vector<hsize_t> extent(old.begin(), old.end());
  ++extent[0];
  check(*context_, H5Dset_extent(id_.get(), extent.data()), what);
  const Id space = checked(*context_, H5Dget_space(id_.get()), what);
  const Id memory = space_of(select_rows(*context_, space.get(), {old[0], 1}, location_));
  check(*context_, H5Dwrite(id_.get(), library_type(type), memory.get(), space.get(), H5P_DEFAULT, values), what);
}

void Dataset::read_rows(Index first, Index count, Type expected, std::span<std::byte> out) const {
  if (type() != expected) refuse(*context_, location_ + " has an unexpected type");
  const Id space = checked(*context_, H5Dget_space(id_.get()), "cannot read the shape of " + location_);
  const Shape selected = select_rows(*context_, space.get(), {first, count}, location_);
  if (product_of(selected) * size_of(expected) != static_cast<Index>(out.size()))
    refuse(*context_, location_ + " has rows of unexpected size");
  const Id memory = space_of(selected);
  check(*context_, H5Dread(id_.get(), library_type(expected), memory.get(), space.get(), H5P_DEFAULT, out.data()),
        fmt::format("cannot read row {} of {}", first, location_));
}

void Dataset::refresh() { check(*context_, H5Drefresh(id_.get()), "cannot refresh " + location_); }
void Dataset::flush() { check(*context_, H5Dflush(id_.get()), "cannot flush " + location_); }

}  // namespace haven::h5
