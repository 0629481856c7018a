// haven model convert: from another program's files to a model file that says where it came from.
#include <gtest/gtest.h>

#include <fstream>

#include "app/model_convert.hpp"
#include "app/model_text.hpp"
#include "core/error.hpp"
#include "io/model_file.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

/// One element, l up to 2 with the 4-body invariant, one neuron: 1 + 3 features, (4 + 2) + 1 + 2 + 4 numbers.
std::string tiny_nep(const TemporaryFolder& folder) {
  const std::string path = folder.file("nep.txt");
  std::ofstream file(path);
  file << "nep4 1 Li\ncutoff 5 4 50 20\nn_max 0 0\nbasis_size 1 1\nl_max 2 2 0\nANN 1 0\n";
  for (int k = 1; k <= 6 + 1 + 4 + 4; ++k) file << 0.05 * k << '\n';
  return path;
}

TEST(ModelConvert, WritesAModelThatReadsBackEqual) {
  const TemporaryFolder folder;
  const Model model = import_potential({.paths = {tiny_nep(folder)}});
  EXPECT_EQ(model.kind, "nep");
  EXPECT_EQ(model.provenance.at("converted_from"), "nep");
  EXPECT_NE(model.provenance.at("source_files").find("nep.txt sha256 "), std::string::npos);
  write_model(folder.file("m.haven"), model);
  EXPECT_EQ(model_hash(read_model(folder.file("m.haven"))), model_hash(model));
}

TEST(ModelConvert, InfoSaysWhatThePotentialIsMadeOf) {
  const TemporaryFolder folder;
  const std::string text = model_text(import_potential({.paths = {tiny_nep(folder)}}), "m.haven");
  for (const char* part : {"kind nep", "cut-off 5 A", "4 features", "l up to 2", "1 products", "1 tanh, 1 identity",
                           "training range is not known", "converted_from: nep"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(ModelConvert, RecognisesTheProgramByTheFiles) {
  const TemporaryFolder folder;
  EXPECT_EQ(potential_format({.paths = {tiny_nep(folder)}}), "nep");
  EXPECT_THROW(static_cast<void>(potential_format({.paths = {folder.path().string()}})), InputError);
  std::ofstream(folder.file("input.nn")) << "elements Li\n";
  EXPECT_EQ(potential_format({.paths = {folder.path().string()}}), "n2p2");
  std::ofstream(folder.file("Li.nn"), std::ios::binary).write("\x04\0\0\0\x04\0\0\0\x04\0\0\0", 12);
  EXPECT_EQ(potential_format({.paths = {folder.file("Li.nn")}}), "aenet");
}

TEST(ModelConvert, AsksForTheUnitsOfN2p2Files) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("input.nn")) << "elements Li\n";
  EXPECT_THROW(static_cast<void>(import_potential({.paths = {folder.path().string()}})), ConfigError);
  EXPECT_THROW(static_cast<void>(import_potential({.paths = {folder.path().string(), "b"}, .units = "bohr-hartree"})),
               ConfigError);
}

}  // namespace
}  // namespace haven::testing
