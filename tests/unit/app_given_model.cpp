#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "io/model_file.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* input = R"(
name = "given"
[model]
file = "given.haven"
[system]
structure = "POSCAR"
charges = { Li = 1, Cl = -1 }
mobile = ["Li"]
[md.ladder]
temperatures = [80]
[md.guards]
host = "flag"
[[md.stage]]
name = "prod"
ps = 0.05
transport = true
trajectory = { every_fs = 5 }
)";

class GivenModel : public ::testing::Test {
 protected:
  void SetUp() override {
    write_model(folder_.file("given.haven"), tiny_model());
    write("POSCAR", tiny_poscar);
    write("haven.toml", input);
  }
  ProgramResult haven(std::vector<std::string> words) const {
    words.insert(words.begin(), haven_program());
    return run_program(words, folder_.path().string());
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_.file(name)) << text; }
  TemporaryFolder folder_;
};

TEST_F(GivenModel, RunsDynamicsWithoutDataOrTraining) {
  const ProgramResult result = haven({"md", "haven.toml"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder_.file("run/md/T80/r0/run.json")));
  EXPECT_FALSE(fs::exists(folder_.file("run/data.h5")));
  EXPECT_FALSE(fs::exists(folder_.file("run/model")));
  const ProgramResult again = haven({"md", "haven.toml"});
  EXPECT_NE((again.out + again.err).find("md: done already"), std::string::npos) << again.err;
}

TEST_F(GivenModel, ChangingItRepeatsTheDynamics) {
  ASSERT_EQ(haven({"md", "haven.toml"}).code, 0);
  Model other = tiny_model();
  other.provenance["remark"] = "another file with the same numbers";
  write_model(folder_.file("given.haven"), other);
  const ProgramResult same = haven({"md", "haven.toml"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_NE((same.out + same.err).find("md: done already"), std::string::npos)
      << "only what the model computes counts\n"
      << same.err;
}

TEST_F(GivenModel, IsNotTrained) {
  const ProgramResult result = haven({"train", "haven.toml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("model.file"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder_.file("run")));
}

TEST_F(GivenModel, ContradictsASourceOfData) {
  write("haven.toml", std::string("data = { sources = [ { path = \"a.xyz\" } ] }\n") + input);
  const ProgramResult result = haven({"run", "haven.toml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("model.file"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace haven::testing
