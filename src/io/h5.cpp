#include "io/h5.hpp"

#include <fmt/format.h>

#include "io/h5_library.hpp"

/// Groups and files.
namespace haven::h5 {

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

/// Creation properties of the root group (H5P_FILE_CREATE) or another one (H5P_GROUP_CREATE), without time stamps.
static Id without_times(const Context& context, hid_t kind) {
  Id list = checked(context, H5Pcreate(kind), "cannot prepare a group");
  check(context, H5Pset_obj_track_times(list.get(), 0), "cannot prepare a group");
  return list;
}

static std::string joined(const std::string& location, const std::string& name) {
  return (location == "/" ? "" : location) + "/" + name;
}

Group Group::create_group(const std::string& name) {
  Id id = checked(
      *context_,
      H5Gcreate2(id_.get(), name.c_str(), H5P_DEFAULT, without_times(*context_, H5P_GROUP_CREATE).get(), H5P_DEFAULT),
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

Dataset Group::create_fixed(const std::string& name, Type type, const Shape& shape) {
  const std::string where = joined(location_, name), what = "cannot make " + where;
  const Id space = space_of(shape), list = creation_list(*context_, H5D_CONTIGUOUS);
  Id id = checked(
      *context_,
      H5Dcreate2(id_.get(), name.c_str(), library_type(type), space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT), what);
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

/// Once per process: quiet, no plugins, and no clean-up at exit, which could only write to files that failed.
static void prepare_library() {
  [[maybe_unused]] static const bool done = [] {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLset_loading_state(0);
    return true;
  }();
}

/// Access to files: latest format, no locks of the library's own, handles must be closed before the file.
static Id access_list(const Context& context) {
  Id list = checked(context, H5Pcreate(H5P_FILE_ACCESS), "cannot prepare file access");
  check(context, H5Pset_libver_bounds(list.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST), "cannot prepare file access");
  check(context, H5Pset_fclose_degree(list.get(), H5F_CLOSE_SEMI), "cannot prepare file access");
  check(context, H5Pset_file_locking(list.get(), 0, 1), "cannot prepare file access");
  return list;
}

/// What a file being written keeps in memory. By default the library would hold 521 chunks of each dataset and let its
/// cache of the index grow to 32 MB, which a long run feels as memory that grows with every frame. Rows are only
/// appended, so the last chunk is all that is needed again. (Set for the file: those of a dataset do not survive the
/// beginning of SWMR.)
static void limit_caches(const Context& context, const Id& access) {
  constexpr std::size_t chunks = 7, chunk_bytes = 32 * 1024, index_bytes = 256 * 1024;
  check(context, H5Pset_cache(access.get(), 0, chunks, chunk_bytes, 1.0), "cannot prepare file access");
  H5AC_cache_config_t cache{};
  cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
  check(context, H5Pget_mdc_config(access.get(), &cache), "cannot prepare file access");
  cache.set_initial_size = 1;
  cache.initial_size = cache.max_size = cache.min_size = index_bytes;
  cache.incr_mode = H5C_incr__off;
  cache.flash_incr_mode = H5C_flash_incr__off;
  cache.decr_mode = H5C_decr__off;
  check(context, H5Pset_mdc_config(access.get(), &cache), "cannot prepare file access");
}

/// Opens or makes the file of a context whose bytes pass through `files`.
static void attach(Context& context, FileSystem& files, OpenMode mode) {
  context.driven = std::make_unique<DrivenFile>(files, context.path, mode);
  const Id access = access_list(context);
  if (!use_driver(access.get(), *context.driven)) raise(context, "cannot prepare file access");
  const char* name = context.path.c_str();
  if (mode == OpenMode::create) {
    limit_caches(context, access);
    context.file =
        checked(context, H5Fcreate(name, H5F_ACC_TRUNC, without_times(context, H5P_FILE_CREATE).get(), access.get()),
                "cannot make the file");
  } else {
    refuse_driver_block(context, context.driven->file);
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

File File::open(const std::string& path, Access mode) { return open_as(path, path, mode); }

File File::open_as(const std::string& name, const std::string& path, Access mode) {
  prepare_library();
  PosixFileSystem system;
  auto context = std::make_shared<Context>();
  context->path = name;
  OutputFile file(system, path, OpenMode::read);  // errors with errno come from here
  context->size = file.size();
  refuse_driver_block(*context, file);
  const Id access = access_list(*context);
  // A reader that follows repeats reads of metadata whose checksum fails, waiting 1, 2, 4, ... ns: these are 4 ms in
  // all, enough for a writer's change to arrive. The library's own 100 repeats would never end on a damaged file.
  constexpr unsigned attempts = 22;
  check(*context, H5Pset_metadata_read_attempts(access.get(), attempts), "cannot prepare file access");
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
