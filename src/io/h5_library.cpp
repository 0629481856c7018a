#include "io/h5_library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace haven::h5 {

static constexpr const char* damaged_remedy = "The file is damaged or was not made by Haven; remake it or use a copy.";

/// The library's most specific message for the failure that has just happened.
static std::string library_message() {
  std::string text;
  const auto take = [](unsigned /*n*/, const H5E_error2_t* error, void* out) -> herr_t {
    if (error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, take, &text);  // the last one visited lies deepest
  return text.empty() ? "no message from HDF5" : text;
}

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

std::size_t text_width(hid_t type) {
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) return 0;
  return H5Tget_size(type);
}

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

}  // namespace haven::h5
