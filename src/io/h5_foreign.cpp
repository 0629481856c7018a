#include "io/h5_foreign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "io/h5_library.hpp"

namespace haven::h5 {
namespace {

/// Deflate packs zeros 1030 times at best.
constexpr Index most_packing = 1100;
constexpr std::size_t longest_text = 4096;

/// Every step of the path is there, and none leads out of the file.
bool reachable(const Context& context, const std::string& object) {
  for (std::size_t end = object.find('/', 1);; end = object.find('/', end + 1)) {
    const std::string part = object.substr(0, end);
    if (part != "/") {
      if (H5Lexists(context.file.get(), part.c_str(), H5P_DEFAULT) <= 0) return false;
      H5L_info_t link;
      check(context, H5Lget_info(context.file.get(), part.c_str(), &link, H5P_DEFAULT), "cannot inspect " + part);
      if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT)
        refuse(context, part + " is a link to another file");
      if (H5Oexists_by_name(context.file.get(), part.c_str(), H5P_DEFAULT) <= 0) return false;
    }
    if (end == std::string::npos) return true;
  }
}

/// The library must not allocate a chunk larger than what the file can hold unpacked.
void check_storage(const Context& context, const Id& dataset, const Shape& shape, const std::string& where) {
  const Id type = checked(context, H5Dget_type(dataset.get()), "cannot read the type of " + where);
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT && kind != H5T_ENUM) refuse(context, where + " holds no numbers");
  const auto size = static_cast<Index>(H5Tget_size(type.get()));
  const Index limit = context.size * most_packing;
  const Id list = checked(context, H5Dget_create_plist(dataset.get()), "cannot inspect " + where);
  if (H5Pget_external_count(list.get()) != 0 || H5Pget_layout(list.get()) == H5D_VIRTUAL)
    refuse(context, where + " is stored in another file");
  if (product_of(shape) > limit / size) refuse(context, where + " claims more numbers than the file can hold");
  if (H5Pget_layout(list.get()) != H5D_CHUNKED) return;
  hsize_t chunk[max_rank];
  const int rank = H5Pget_chunk(list.get(), max_rank, chunk);
  Index elements = 1;
  for (int k = 0; k < rank && k < max_rank; ++k) {
    if (chunk[k] > static_cast<hsize_t>(limit / size / elements)) refuse(context, where + " has impossible chunks");
    elements *= static_cast<Index>(chunk[k]);
  }
}

}  // namespace

bool ForeignFile::has(const std::string& object) const { return reachable(*file_.context_, object); }

bool ForeignFile::is_dataset(const std::string& object) const {
  if (!has(object)) return false;
  H5O_info_t info;
  check(*file_.context_,
        H5Oget_info_by_name2(file_.context_->file.get(), object.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT),
        "cannot inspect " + object);
  return info.type == H5O_TYPE_DATASET;
}

std::vector<std::string> ForeignFile::members(const std::string& group) const {
  if (!has(group) || is_dataset(group)) return {};
  const Context& context = *file_.context_;
  const Id id = checked(context, H5Gopen2(context.file.get(), group.c_str(), H5P_DEFAULT), "cannot open " + group);
  return member_names(context, id, 1000, group);
}

Id ForeignFile::open_dataset(const std::string& dataset) const {
  const Context& context = *file_.context_;
  if (!is_dataset(dataset)) refuse(context, dataset + " is missing");
  return checked(context, H5Dopen2(context.file.get(), dataset.c_str(), H5P_DEFAULT), "cannot open " + dataset);
}

Shape ForeignFile::shape(const std::string& dataset) const {
  const Id id = open_dataset(dataset);
  const Id space = checked(*file_.context_, H5Dget_space(id.get()), "cannot read the shape of " + dataset);
  return checked_shape(*file_.context_, space.get(), dataset);
}

std::vector<double> ForeignFile::read(const Id& id, Shape selected, Index first, const std::string& where) const {
  const Context& context = *file_.context_;
  const Id space = checked(context, H5Dget_space(id.get()), "cannot read the shape of " + where);
  check_storage(context, id, selected, where);
  std::vector<double> values(static_cast<std::size_t>(product_of(selected)));
  if (selected.empty()) {
    check(context, H5Dread(id.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          "cannot read " + where);
    return values;
  }
  std::vector<hsize_t> start(selected.size(), 0);
  start[0] = static_cast<hsize_t>(first);
  const std::vector<hsize_t> extent(selected.begin(), selected.end());
  check(context, H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr),
        "cannot select rows of " + where);
  const Id memory = space_of(selected);
  check(context, H5Dread(id.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, values.data()),
        "cannot read " + where);
  return values;
}

std::vector<double> ForeignFile::rows(const std::string& dataset, Index first, Index count) const {
  Shape selected = shape(dataset);
  if (selected.empty() || first < 0 || count < 1 || first > selected[0] - count)
    refuse(*file_.context_, fmt::format("{} has no row {}", dataset, first + count - 1));
  const Id id = open_dataset(dataset);
  check_storage(*file_.context_, id, selected, dataset);
  selected[0] = count;
  return read(id, selected, first, dataset);
}

std::vector<double> ForeignFile::all(const std::string& dataset) const {
  return read(open_dataset(dataset), shape(dataset), 0, dataset);
}

std::map<std::int64_t, std::string> ForeignFile::enumeration(const std::string& dataset) const {
  const Context& context = *file_.context_;
  const Id id = open_dataset(dataset);
  const Id type = checked(context, H5Dget_type(id.get()), "cannot read the type of " + dataset);
  if (H5Tget_class(type.get()) != H5T_ENUM) return {};
  const Id native = checked(context, H5Tget_native_type(type.get(), H5T_DIR_ASCEND), "cannot read " + dataset);
  const Id base = checked(context, H5Tget_super(native.get()), "cannot read " + dataset);
  std::map<std::int64_t, std::string> names;
  const int count = H5Tget_nmembers(native.get());
  for (int k = 0; k < count; ++k) {
    std::int64_t value = 0;
    check(context, H5Tget_member_value(native.get(), static_cast<unsigned>(k), &value), "cannot read " + dataset);
    check(context, H5Tconvert(base.get(), H5T_NATIVE_INT64, 1, &value, nullptr, H5P_DEFAULT), "cannot read " + dataset);
    char* name = H5Tget_member_name(native.get(), static_cast<unsigned>(k));
    if (name == nullptr) raise(context, "cannot read " + dataset);
    names[value] = name;
    H5free_memory(name);
  }
  return names;
}

std::vector<std::string> ForeignFile::texts(const std::string& object, const std::string& attribute) const {
  const Context& context = *file_.context_;
  if (!has(object)) return {};
  if (H5Aexists_by_name(context.file.get(), object.c_str(), attribute.c_str(), H5P_DEFAULT) <= 0) return {};
  const std::string where = fmt::format("the attribute {} of {}", attribute, object);
  const Id id = checked(
      context, H5Aopen_by_name(context.file.get(), object.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT), where);
  const Id type = checked(context, H5Aget_type(id.get()), where);
  const Id space = checked(context, H5Aget_space(id.get()), where);
  const Index count = product_of(checked_shape(context, space.get(), where));
  if (H5Tget_class(type.get()) != H5T_STRING || count > 64) return {};
  const Id memory = checked(context, H5Tcopy(type.get()), where);
  std::vector<std::string> result;
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> values(static_cast<std::size_t>(count), nullptr);
    check(context, H5Aread(id.get(), memory.get(), values.data()), "cannot read " + where);
    for (const char* value : values)
      result.emplace_back(value == nullptr ? "" : std::string(value, strnlen(value, longest_text)));
    check(context, H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, values.data()), "cannot read " + where);
    return result;
  }
  const std::size_t width = H5Tget_size(type.get());
  if (width == 0 || width > longest_text) return {};
  std::vector<char> bytes(width * static_cast<std::size_t>(count));
  check(context, H5Aread(id.get(), memory.get(), bytes.data()), "cannot read " + where);
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
    std::string value(bytes.data() + k * width, strnlen(bytes.data() + k * width, width));
    while (!value.empty() && value.back() == ' ') value.pop_back();
    result.push_back(std::move(value));
  }
  return result;
}

std::string ForeignFile::text(const std::string& object, const std::string& attribute) const {
  const std::vector<std::string> words = texts(object, attribute);
  return words.empty() ? "" : words[0];
}

RowCache::RowCache(const ForeignFile& file, std::string dataset)
    : file_(&file), dataset_(std::move(dataset)), shape_(file.shape(dataset_)) {
  if (shape_.empty()) throw Error("a series of frames is a single number", dataset_, "Use another copy of the file.");
  for (std::size_t k = 1; k < shape_.size(); ++k) row_size_ *= shape_[k];
}

std::span<const double> RowCache::row(Index index) {
  constexpr Index most_values = Index{2} << 20U;
  if (index < first_ || index >= first_ + count_) {
    first_ = index;
    count_ = std::clamp<Index>(most_values / std::max<Index>(row_size_, 1), 1, std::max<Index>(shape_[0] - index, 1));
    values_ = file_->rows(dataset_, first_, count_);
  }
  return std::span<const double>(values_).subspan(static_cast<std::size_t>((index - first_) * row_size_),
                                                  static_cast<std::size_t>(row_size_));
}

}  // namespace haven::h5
