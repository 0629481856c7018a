// haven model merge: models with one descriptor become a committee, whose deviation haven predict writes.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/model_text.hpp"
#include "core/error.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "support/shared_data.hpp"
#include "support/structures.hpp"

namespace haven::testing {
namespace {

class ModelMerge : public ::testing::Test {
 protected:
  std::string model(const std::string& name, const RandomModel& options) {
    write_model(folder_.file(name), random_model(options));
    return folder_.file(name);
  }
  nlohmann::json json_of(const std::string& path) { return nlohmann::json::parse(std::ifstream(path)); }

  TemporaryFolder folder_;
  std::unique_ptr<Communicator> world_ = make_serial_communicator();
  Log log_;
  Session session_{*world_, log_};
};

TEST_F(ModelMerge, MakesACommitteeThatSaysWhatItIsMadeOf) {
  const std::string a = model("a.haven", {.kind = "chebyshev", .seed = 1}),
                    b = model("b.haven", {.kind = "chebyshev", .seed = 2}), out = folder_.file("c.haven");
  ASSERT_EQ(model_merge(session_, {.models = {a, b}, .output = out, .json = folder_.file("c.json")}), ExitCode::ok);
  EXPECT_EQ(json_of(folder_.file("c.json")).at("members"), 2);
  const Model committee = read_model(out);
  EXPECT_EQ(committee.members(), 2);
  EXPECT_NE(committee.provenance.at("committee").find("b.haven model hash " + model_hash(read_model(b))),
            std::string::npos);
  EXPECT_NE(model_text(committee, out).find("a committee of 2"), std::string::npos);
}

TEST_F(ModelMerge, PredictSaysHowFarTheMembersAreApart) {
  const std::string a = model("a.haven", {.kind = "chebyshev", .seed = 1}),
                    b = model("b.haven", {.kind = "chebyshev", .seed = 2}), out = folder_.file("c.haven");
  ASSERT_EQ(model_merge(session_, {.models = {a, b}, .output = out, .json = folder_.file("c.json")}), ExitCode::ok);
  std::vector<Frame> frames(1);
  frames[0].structure = random_structure({.atoms = 10, .elements = {3}, .seed = 3});
  write_extxyz(folder_.file("s.xyz"), frames);
  PredictArguments arguments;
  arguments.model = out;
  arguments.structures = {folder_.file("s.xyz")};
  arguments.output = folder_.file("p.xyz");
  arguments.json = folder_.file("p.json");
  ASSERT_EQ(predict(session_, arguments), ExitCode::ok);
  const auto structure = json_of(arguments.json).at("structures").at(0);
  ASSERT_EQ(structure.at("force_deviations_eV_per_A").size(), 10U);
  double largest = 0;
  for (const double deviation : structure.at("force_deviations_eV_per_A")) largest = std::max(largest, deviation);
  EXPECT_EQ(structure.at("max_force_deviation_eV_per_A"), largest);
  EXPECT_GT(largest, 0);
  EXPECT_GT(structure.at("energy_deviation_eV"), 0);
  arguments.model = a;
  ASSERT_EQ(predict(session_, arguments), ExitCode::ok);
  EXPECT_FALSE(json_of(arguments.json).at("structures").at(0).contains("force_deviations_eV_per_A"));
}

TEST_F(ModelMerge, RefusesModelsThatDoNotShareADescriptor) {
  const std::string a = model("a.haven", {.kind = "chebyshev", .seed = 1}),
                    b = model("b.haven", {.kind = "chebyshev", .cutoff = 4.5, .seed = 2});
  try {
    static_cast<void>(model_merge(session_, {.models = {a, b}, .output = folder_.file("c.haven")}));
    ADD_FAILURE() << "two cut-offs were merged";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("b.haven: its cut-off"), std::string::npos) << error.what();
    EXPECT_EQ(error.exit_code(), ExitCode::rejected);
  }
  EXPECT_THROW(static_cast<void>(model_merge(session_, {.models = {a}, .output = folder_.file("c.haven")})), Error);
}

}  // namespace
}  // namespace haven::testing
