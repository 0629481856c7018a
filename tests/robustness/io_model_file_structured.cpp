// T56: model files changed through the HDF5 library, object by object: every dataset and attribute is deleted, linked
// elsewhere, and replaced by others of impossible size, other type or storage, or by numbers that are none.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "io/h5_library.hpp"
#include "io/model_file.hpp"
#include "support/file_bytes.hpp"
#include "support/model_files.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::expect_within_limits;
using testing::NamedModel;
using testing::TemporaryFolder;
using testing::TimeLimit;

struct Names {
  std::vector<std::string> datasets, groups;
  std::vector<std::pair<std::string, std::string>> attributes;  // object, name
};

herr_t note_attribute(hid_t, const char* name, const H5A_info_t*, void* out) {
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
}

herr_t note_object(hid_t file, const char* name, const H5O_info_t* info, void* out) {
  auto& names = *static_cast<Names*>(out);
  const std::string path = std::string(name) == "." ? "/" : "/" + std::string(name);
  if (info->type == H5O_TYPE_DATASET) names.datasets.push_back(path);
  if (info->type == H5O_TYPE_GROUP && path != "/") names.groups.push_back(path);
  std::vector<std::string> attributes;
  const hid_t object = H5Oopen(file, path.c_str(), H5P_DEFAULT);
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, note_attribute, &attributes);
  H5Oclose(object);
  for (const std::string& attribute : attributes) names.attributes.emplace_back(path, attribute);
  return 0;
}

void add_dataset(hid_t file, const std::string& name, hid_t type, const std::vector<hsize_t>& extent,
                 const void* values = nullptr, hid_t creation = H5P_DEFAULT) {
  const hid_t space = H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr);
  const hid_t data = H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  if (values != nullptr) H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(data);
  H5Sclose(space);
}

using Change = std::function<void(hid_t file, const std::string& name)>;

/// What is put in the place of a dataset that has been deleted; the first entry leaves nothing.
std::vector<std::pair<const char*, Change>> replacements() {
  static const std::vector<double> bad(64, std::nan("")), endless(64, std::numeric_limits<double>::infinity());
  const auto numbers = [](hid_t type, std::vector<hsize_t> extent, const void* values = nullptr) -> Change {
    return [=](hid_t file, const std::string& name) { add_dataset(file, name, type, extent, values); };
  };
  const auto stored = [](const std::function<void(hid_t)>& set) -> Change {
    return [=](hid_t file, const std::string& name) {
      const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
      set(list);
      add_dataset(file, name, H5T_IEEE_F64LE, {2, 3}, nullptr, list);
      H5Pclose(list);
    };
  };
  static constexpr hsize_t chunk[] = {1, 3};
  return {
      {"nothing", [](hid_t, const std::string&) {}},
      {"2^60 numbers", numbers(H5T_IEEE_F64LE, {hsize_t{1} << 30, hsize_t{1} << 30})},
      {"a long list", numbers(H5T_IEEE_F64LE, {hsize_t{1} << 40})},
      {"five dimensions", numbers(H5T_IEEE_F64LE, {1, 1, 1, 1, 1}, bad.data())},
      {"NaN", numbers(H5T_IEEE_F64LE, {8, 8}, bad.data())},
      {"infinity", numbers(H5T_IEEE_F64LE, {64}, endless.data())},
      {"floats", numbers(H5T_IEEE_F32LE, {4, 3}, bad.data())},
      {"big-endian numbers", numbers(H5T_IEEE_F64BE, {4, 3}, bad.data())},
      {"integers", numbers(H5T_STD_I64LE, {4, 3}, bad.data())},
      {"references", numbers(H5T_STD_REF_OBJ, {2})},
      {"chunks", stored([](hid_t list) { H5Pset_chunk(list, 2, chunk); })},
      {"a filter", stored([](hid_t list) { H5Pset_chunk(list, 2, chunk), H5Pset_shuffle(list); })},
      {"another file's bytes", stored([](hid_t list) { H5Pset_external(list, "/etc/passwd", 0, 48); })},
      {"a soft link",
       [](hid_t file, const std::string& name) {
         H5Lcreate_soft("/contract", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
       }},
      {"an external link",
       [](hid_t file, const std::string& name) {
         H5Lcreate_external("/etc/passwd", "/x", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
       }},
      {"the root below itself",
       [](hid_t file, const std::string& name) {
         H5Lcreate_hard(file, "/", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
       }},
      {"a group",
       [](hid_t file, const std::string& name) {
         H5Gclose(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
       }},
  };
}

/// Every layout of a file: with a committee, with nets in the descriptor, with a wall, and of other programs.
std::vector<NamedModel> models_to_change() {
  std::vector<NamedModel> chosen;
  for (const NamedModel& named : testing::models_of_every_kind())
    for (const char* name : {"committee", "deeppot_se", "deeppot_se_r", "moment_wall", "nep"})
      if (named.name == name) chosen.push_back(named);
  // An empty group in the place of an empty group is no change.
  for (NamedModel& named : chosen) named.model.provenance["licence"] = "none";
  return chosen;
}

class StructuredMutants : public ::testing::TestWithParam<NamedModel> {
 protected:
  void SetUp() override {
    const Model& model = GetParam().model;
    write_model(path_, model);
    bytes_ = testing::bytes_of(path_);
    hash_ = model_payload_hash(model);
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, note_object, &names_, H5O_INFO_BASIC);
    H5Fclose(file);
    ASSERT_GT(names_.datasets.size(), 10U);
    ASSERT_GT(names_.attributes.size(), 10U);
  }

  void expect_refused(const std::string& what, const std::function<void(hid_t file)>& change) {
    testing::put(path_, bytes_);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, access);
    ASSERT_GE(file, 0);
    change(file);
    H5Fclose(file);
    H5Pclose(access);
    ++mutants_;
    const TimeLimit limit;
    try {
      EXPECT_EQ(model_payload_hash(read_model(path_)), hash_) << what << " was accepted as another model";
    } catch (const ModelError&) {
      ++refused_;
    }
  }

  void replace_each(const std::vector<std::string>& objects) {
    for (const std::string& name : objects)
      for (const auto& [what, put_there] : replacements())
        expect_refused(std::string(what) + " for " + name, [&, put = &put_there](hid_t file) {
          H5Ldelete(file, name.c_str(), H5P_DEFAULT);
          (*put)(file, name);
        });
  }

  void change_each_attribute() {
    const double bad = std::nan("");
    const std::int64_t negative = -1;
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 8);
    struct Value {
      hid_t type;
      const void* value;
    };
    for (const auto& [object, name] : names_.attributes) {
      const std::string where = object + " " + name;
      expect_refused("no " + where,
                     [&](hid_t file) { H5Adelete_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT); });
      for (const Value& v :
           {Value{H5T_IEEE_F64LE, &bad}, Value{H5T_STD_I64LE, &negative}, Value{text, "x\0\0\0\0\0\0"}})
        expect_refused("another " + where, [&](hid_t file) {
          H5Adelete_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT);
          const hid_t space = H5Screate(H5S_SCALAR);
          const hid_t attribute = H5Acreate_by_name(file, object.c_str(), name.c_str(), v.type, space, H5P_DEFAULT,
                                                    H5P_DEFAULT, H5P_DEFAULT);
          H5Awrite(attribute, v.type, v.value);
          H5Aclose(attribute);
          H5Sclose(space);
        });
    }
    H5Tclose(text);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("m.haven"), bytes_, hash_;
  Names names_;
  int mutants_ = 0, refused_ = 0;
};

TEST_P(StructuredMutants, NothingInThePlaceOfADatasetIsTakenForAModel) {
  expect_within_limits([&] {
    replace_each(names_.datasets);
    EXPECT_GE(mutants_, 200);
    EXPECT_EQ(refused_, mutants_);
  });
}

TEST_P(StructuredMutants, NothingInThePlaceOfAGroupIsTakenForAModel) {
  expect_within_limits([&] {
    replace_each(names_.groups);
    EXPECT_EQ(refused_, mutants_);
  });
}

TEST_P(StructuredMutants, NoOtherAttributeIsTakenForTheRightOne) {
  expect_within_limits([&] {
    change_each_attribute();
    EXPECT_EQ(refused_, mutants_);
  });
}

INSTANTIATE_TEST_SUITE_P(Models, StructuredMutants, ::testing::ValuesIn(models_to_change()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace haven
