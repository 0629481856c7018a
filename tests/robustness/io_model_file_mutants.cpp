#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/h5_library.hpp"
#include "io/model_file.hpp"
#include "support/file_bytes.hpp"
#include "support/model_files.hpp"
#include "support/shared_data.hpp"

/// Model files that are damaged, or made to do harm.
namespace haven {
namespace {

using testing::bytes_of;
using testing::example_model;
using testing::expect_within_limits;
using testing::made_up_n2p2_compact;
using testing::put;
using testing::TemporaryFolder;
using testing::TimeLimit;

/// One to four changes: a flipped bit, a random byte, a run of equal bytes, a cut, a copied block.
std::string mutant_of(std::string bytes, std::uint64_t seed) {
  RandomSequence random(seed, Stream::test, 2);
  const auto changes = 1 + random.below(4);
  for (std::uint64_t k = 0; k < changes && !bytes.empty(); ++k) {
    const std::size_t at = random.below(bytes.size());
    switch (random.below(6)) {
      case 0:
      case 1:
        bytes[at] ^= static_cast<char>(1 << random.below(8));
        break;
      case 2:
        bytes[at] = static_cast<char>(random.below(256));
        break;
      case 3:
        for (std::size_t i = at; i < std::min(bytes.size(), at + 8); ++i)
          bytes[i] = static_cast<char>(random.below(2) * 255);
        break;
      case 4:
        bytes.resize(at);
        break;
      default: {
        const std::size_t from = random.below(bytes.size()),
                          count = std::min(bytes.size() - std::max(at, from), std::size_t{16});
        const std::string block = bytes.substr(from, count);
        bytes.replace(at, count, block);
      }
    }
  }
  return bytes;
}

/// A file and what it says.
struct GoodFile {
  std::string bytes, hash;
};

std::vector<GoodFile> good_files(const TemporaryFolder& folder) {
  std::vector<GoodFile> files;
  for (const auto& [name, model] : testing::models_of_every_kind()) {
    write_model(folder.file("good.haven"), model);
    files.push_back({bytes_of(folder.file("good.haven")), model_payload_hash(model)});
  }
  return files;
}

// T56: no signal anywhere in the library, and none from the limit on time.
TEST(ModelFileMutants, RandomDamageIsRefusedOrMeansNothing) {
  constexpr std::uint64_t mutants = 20000;
  const TemporaryFolder folder;
  const std::vector<GoodFile> files = good_files(folder);
  expect_within_limits([&] {
    std::uint64_t refused = 0;
    for (std::uint64_t seed = 0; seed < mutants; ++seed) {
      const GoodFile& good = files[seed % files.size()];
      put(folder.file("bad.haven"), mutant_of(good.bytes, seed));
      const TimeLimit limit;
      try {
        ASSERT_EQ(model_payload_hash(read_model(folder.file("bad.haven"))), good.hash)
            << "mutant " << seed << " was accepted as another model";
      } catch (const ModelError&) {
        ++refused;
      }
    }
    EXPECT_GT(2 * refused, mutants) << "most were accepted";
  });
}

/// A good model file changed through the HDF5 library, so that all of its own checksums fit.
class CraftedModel : public ::testing::Test {
 protected:
  void expect_refused(const std::string& what, const std::function<void(hid_t file)>& change) {
    const std::string path = folder_.file("crafted.haven");
    write_model(path, example_model());
    ASSERT_NO_THROW(static_cast<void>(read_model(path)));
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
    ASSERT_GE(file, 0);
    change(file);
    ASSERT_GE(H5Fclose(file), 0);
    H5Pclose(access);
    SCOPED_TRACE(what);
    expect_within_limits([&] {
      const TimeLimit limit;
      try {
        static_cast<void>(read_model(path));
        ADD_FAILURE() << what << " was accepted";
      } catch (const ModelError& error) {
        EXPECT_EQ(error.where(), path);
        EXPECT_EQ(error.exit_code(), ExitCode::rejected);
      }
    });
  }

  /// Puts another dataset in the place of one.
  static void replace(hid_t file, const char* name, hid_t type, std::vector<hsize_t> extent,
                      hid_t creation = H5P_DEFAULT, const void* values = nullptr) {
    H5Ldelete(file, name, H5P_DEFAULT);
    const hid_t space = extent.empty() ? H5Screate(H5S_SCALAR)
                                       : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr);
    const hid_t data = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ASSERT_GE(data, 0);
    if (values != nullptr) H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(data);
    H5Sclose(space);
  }

  static void replace_attribute(hid_t file, const char* object, const char* name, hid_t type, const void* value) {
    H5Adelete_by_name(file, object, name, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ASSERT_GE(attribute, 0);
    H5Awrite(attribute, type, value);
    H5Aclose(attribute);
    H5Sclose(space);
  }

  TemporaryFolder folder_;
};

constexpr const char* mixing = "/parameters/mixing_0";
constexpr const char* bias = "/elements/000_Li/network/layer_000/bias";

TEST_F(CraftedModel, LinksAreRefused) {
  expect_refused("an external link", [](hid_t file) {
    H5Ldelete(file, mixing, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", file, mixing, H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("a soft link", [](hid_t file) {
    H5Ldelete(file, mixing, H5P_DEFAULT);
    H5Lcreate_soft("/parameters/channels", file, mixing, H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("a dangling soft link",
                 [](hid_t file) { H5Lcreate_soft("/nowhere", file, "/parameters/extra", H5P_DEFAULT, H5P_DEFAULT); });
  expect_refused("a second name",
                 [](hid_t file) { H5Lcreate_hard(file, mixing, file, "/parameters/again", H5P_DEFAULT, H5P_DEFAULT); });
  expect_refused("a cycle of groups", [](hid_t file) {
    H5Lcreate_hard(file, "/elements", file, "/elements/003_H", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("the root below itself", [](hid_t file) {
    H5Ldelete(file, "/elements/000_Li/network", H5P_DEFAULT);
    H5Lcreate_hard(file, "/", file, "/elements/000_Li/network", H5P_DEFAULT, H5P_DEFAULT);
  });
}

TEST_F(CraftedModel, ForeignStorageIsRefused) {
  expect_refused("external storage", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "/etc/passwd", 0, 48);
    replace(file, mixing, H5T_IEEE_F64LE, {2, 3}, list);
    H5Pclose(list);
  });
  expect_refused("a filter", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {2, 3};
    const std::vector<double> values(6, 0.5);
    H5Pset_chunk(list, 2, chunk);
    H5Pset_shuffle(list);
    replace(file, mixing, H5T_IEEE_F64LE, {2, 3}, list, values.data());
    H5Pclose(list);
  });
  expect_refused("chunked storage", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {2, 3};
    const std::vector<double> values(6, 0.5);
    H5Pset_chunk(list, 2, chunk);
    replace(file, mixing, H5T_IEEE_F64LE, {2, 3}, list, values.data());
    H5Pclose(list);
  });
  expect_refused("a virtual dataset", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t extent[] = {2, 3};
    const hid_t space = H5Screate_simple(2, extent, nullptr);
    H5Pset_virtual(list, space, "/etc/passwd", "/x", space);
    replace(file, mixing, H5T_IEEE_F64LE, {2, 3}, list);
    H5Sclose(space);
    H5Pclose(list);
  });
}

TEST_F(CraftedModel, ImpossibleSizesAreRefusedBeforeAllocation) {
  expect_refused("2^60 numbers that are not there", [](hid_t file) {
    replace(file, mixing, H5T_IEEE_F64LE, {hsize_t{1} << 30, hsize_t{1} << 30});
  });
  expect_refused("a terabyte that is not there",
                 [](hid_t file) { replace(file, bias, H5T_IEEE_F64LE, {hsize_t{1} << 37}); });
  expect_refused("an overflowing product", [](hid_t file) {
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[] = {1, 1, 1};
    H5Pset_chunk(list, 3, chunk);
    replace(file, mixing, H5T_IEEE_F64LE, {hsize_t{1} << 20, hsize_t{1} << 20, hsize_t{1} << 20}, list);
    H5Pclose(list);
  });
  expect_refused("five dimensions", [](hid_t file) {
    const double one = 1;
    replace(file, mixing, H5T_IEEE_F64LE, {1, 1, 1, 1, 1}, H5P_DEFAULT, &one);
  });
  expect_refused("no extent at all", [](hid_t file) {
    H5Ldelete(file, mixing, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_NULL);
    H5Dclose(H5Dcreate2(file, mixing, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  });
}

TEST_F(CraftedModel, UnexpectedTypesAreRefused) {
  const std::vector<char> zeros(256, 0);
  for (const hid_t type : {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I64LE, H5T_STD_U8LE, H5T_STD_REF_OBJ})
    expect_refused("another number type", [&](hid_t file) {
      replace(file, mixing, type, {2, 3}, H5P_DEFAULT, zeros.data());
    });
  expect_refused("variable-length text", [](hid_t file) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const char* text = "x";
    replace(file, "/provenance/licence", type, {}, H5P_DEFAULT, &text);
    H5Tclose(type);
  });
  expect_refused("variable-length numbers", [](hid_t file) {
    const hid_t type = H5Tvlen_create(H5T_IEEE_F64LE);
    replace(file, mixing, type, {1});
    H5Tclose(type);
  });
  expect_refused("a compound type", [](hid_t file) {
    const hid_t type = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(type, "x", 0, H5T_IEEE_F64LE);
    replace(file, mixing, type, {1});
    H5Tclose(type);
  });
  expect_refused("a named type", [](hid_t file) {
    const hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    H5Tcommit2(file, "/parameters/type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Tclose(type);
  });
  expect_refused("a group for a dataset", [](hid_t file) {
    H5Ldelete(file, mixing, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(file, mixing, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  });
}

TEST_F(CraftedModel, UnknownAndMissingObjectsAreRefused) {
  for (const char* name : {"/contract", "/units", bias, "/elements/001_S", "/elements/000_Li/feature_shift"})
    expect_refused(std::string("a file without ") + name, [&](hid_t file) { H5Ldelete(file, name, H5P_DEFAULT); });
  for (const char* name : {"/code", "/contract/x", "/elements/000_Li/script", "/elements/000_Li/network/layer_009"})
    expect_refused(std::string("an unknown group ") + name,
                   [&](hid_t file) { H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); });
  expect_refused("a surplus parameter", [](hid_t file) {
    const double one = 1;
    replace(file, "/parameters/surplus", H5T_IEEE_F64LE, {1}, H5P_DEFAULT, &one);
  });
  expect_refused("an attribute that is not known", [](hid_t file) {
    const double one = 1;
    replace_attribute(file, "/contract", "surplus", H5T_IEEE_F64LE, &one);
  });
  expect_refused("a strange name", [](hid_t file) {
    const double one = 1;
    replace(file, "/parameters/a b", H5T_IEEE_F64LE, {1}, H5P_DEFAULT, &one);
  });
}

TEST_F(CraftedModel, ValuesOutOfRangeAreRefused) {
  for (const double bad : {std::nan(""), 1.0 / 0.0, -1.0, 0.0, 2000.0})
    expect_refused("a cut-off out of range",
                   [&](hid_t file) { replace_attribute(file, "/contract", "cutoff", H5T_IEEE_F64LE, &bad); });
  for (const std::int64_t bad :
       {std::int64_t{-3}, std::int64_t{0}, std::int64_t{119}, std::int64_t{1} << 40, std::int64_t{16}})
    expect_refused("an element out of range",
                   [&](hid_t file) { replace_attribute(file, "/elements/000_Li", "number", H5T_STD_I64LE, &bad); });
  expect_refused("NaN in the weights", [](hid_t file) {
    const std::vector<double> values(3, std::nan(""));
    replace(file, bias, H5T_IEEE_F64LE, {3}, H5P_DEFAULT, values.data());
  });
  expect_refused("a changed weight", [](hid_t file) {
    const std::vector<double> values(3, 0.25);
    replace(file, bias, H5T_IEEE_F64LE, {3}, H5P_DEFAULT, values.data());
  });
  expect_refused("a bias of the wrong length", [](hid_t file) {
    const std::vector<double> values(4, 0.25);
    replace(file, bias, H5T_IEEE_F64LE, {4}, H5P_DEFAULT, values.data());
  });
  expect_refused("a changed energy", [](hid_t file) {
    const double energy = -1;
    replace_attribute(file, "/elements/000_Li", "reference_energy", H5T_IEEE_F64LE, &energy);
  });
}

/// The datasets of a file with their extents; text is left out.
struct NumberArray {
  std::string name;
  std::vector<hsize_t> extent;
};
std::vector<NumberArray> number_arrays(hid_t file) {
  std::vector<NumberArray> all;
  const auto visit = [](hid_t root, const char* name, const H5O_info_t* info, void* out) -> herr_t {
    if (info->type != H5O_TYPE_DATASET) return 0;
    const hid_t data = H5Dopen2(root, name, H5P_DEFAULT), type = H5Dget_type(data), space = H5Dget_space(data);
    if (H5Tget_class(type) == H5T_FLOAT) {
      NumberArray found{.name = std::string("/") + name,
                        .extent = std::vector<hsize_t>(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)))};
      H5Sget_simple_extent_dims(space, found.extent.data(), nullptr);
      static_cast<std::vector<NumberArray>*>(out)->push_back(std::move(found));
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(data);
    return 0;
  };
  EXPECT_GE(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &all, H5O_INFO_BASIC), 0);
  return all;
}

// T56: every array of two files damaged in every one of these ways, 200 files and more.
TEST_F(CraftedModel, EveryArrayDamagedInEveryWayIsRefused) {
  using Damage = std::function<void(hid_t file, const NumberArray& array, const std::vector<double>& values)>;
  const auto with_extent = [](std::size_t change) {
    return [change](hid_t file, const NumberArray& array, const std::vector<double>& values) {
      std::vector<hsize_t> extent = array.extent;
      if (extent.empty()) extent.push_back(1);  // a single number
      if (change == 0) extent.at(0) += 1;
      if (change == 1) extent.push_back(1);
      if (change == 2) extent.at(0) = hsize_t{1} << 50;
      replace(file, array.name.c_str(), H5T_IEEE_F64LE, extent, H5P_DEFAULT, change == 2 ? nullptr : values.data());
    };
  };
  const auto with_value = [](double value) {
    return [value](hid_t file, const NumberArray& array, std::vector<double> values) {
      values.at(0) = value;
      replace(file, array.name.c_str(), H5T_IEEE_F64LE, array.extent, H5P_DEFAULT, values.data());
    };
  };
  const std::vector<Damage> damages{
      [](hid_t file, const NumberArray& array, const auto&) { H5Ldelete(file, array.name.c_str(), H5P_DEFAULT); },
      [](hid_t file, const NumberArray& array, const auto&) {
        H5Ldelete(file, array.name.c_str(), H5P_DEFAULT);
        H5Gclose(H5Gcreate2(file, array.name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      },
      [](hid_t file, const NumberArray& array, const auto&) {
        H5Lmove(file, array.name.c_str(), file, "/moved", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_soft("/moved", file, array.name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      },
      [](hid_t file, const NumberArray& array, const std::vector<double>& values) {
        replace(file, array.name.c_str(), H5T_STD_I64LE, array.extent, H5P_DEFAULT, values.data());
      },
      with_extent(0),
      with_extent(1),
      with_extent(2),
      with_value(std::nan("")),
      with_value(1.0 / 0.0),
      with_value(1.25e7)};
  const std::string good = folder_.file("good.haven"), bad = folder_.file("bad.haven");
  expect_within_limits([&] {
    int mutants = 0;
    for (const Model& model : {example_model(), made_up_n2p2_compact()}) {
      write_model(good, model);
      const hid_t original = H5Fopen(good.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
      const std::vector<NumberArray> arrays = number_arrays(original);
      H5Fclose(original);
      for (const NumberArray& array : arrays) {
        hsize_t size = 1;
        for (const hsize_t n : array.extent) size *= n;
        if (size == 0) continue;
        for (std::size_t d = 0; d < damages.size(); ++d, ++mutants) {
          std::filesystem::copy_file(good, bad, std::filesystem::copy_options::overwrite_existing);
          const hid_t file = H5Fopen(bad.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
          ASSERT_GE(file, 0);
          damages[d](file, array, std::vector<double>(2 * static_cast<std::size_t>(size) + 64, 0.5));
          ASSERT_GE(H5Fclose(file), 0);
          const TimeLimit limit;
          EXPECT_THROW(static_cast<void>(read_model(bad)), ModelError) << array.name << ", damage " << d;
        }
      }
    }
    EXPECT_GE(mutants, 200);
  });
}

}  // namespace
}  // namespace haven
