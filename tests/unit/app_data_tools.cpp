#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/data_statistics.hpp"
#include "io/dataset_file.hpp"
#include "io/extxyz.hpp"
#include "io/text_file.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// haven data check, stats, split, select and export as a user runs them.
namespace haven {
namespace {

using testing::made_up_frames;
using testing::outcar_text;

class DataTools : public ::testing::Test {
 protected:
  testing::ProgramResult haven(std::vector<std::string> words) {
    words.insert(words.begin(), {testing::haven_program(), "data"});
    return testing::run_program(words, folder_.path().string());
  }
  static nlohmann::json json(const testing::ProgramResult& result) { return nlohmann::json::parse(result.out); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    write_text(folder_.file(name), text);
  }
  std::vector<Frame> write_set(const std::string& name, Index count, unsigned seed) {
    auto frames = made_up_frames(count, seed);
    for (Index k = 0; k < count; ++k) {
      frames[static_cast<std::size_t>(k)].trajectory = "run";
      frames[static_cast<std::size_t>(k)].group = "aimd";
      frames[static_cast<std::size_t>(k)].source = {.path = "OUTCAR", .index = k, .code = "VASP 6.4.2"};
    }
    write_dataset(folder_.file(name), frames, {.created_by = "test", .import_report = "{}"});
    return frames;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(DataTools, CheckSaysWhatAnImportWouldSayAndWritesNothing) {
  write("a/OUTCAR", outcar_text(made_up_frames(3, 201), {.nelm = 9, .unconverged = {1}}));
  const auto good = haven({"check", "a", "--json", "-"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(json(good)["safe"], true);
  EXPECT_EQ(json(good)["reports"][0]["report"]["files"][0]["counts"]["DI001"], 1);
  write("b/OUTCAR", outcar_text(made_up_frames(2, 202), {.energies = {.encut = 300}}));
  const auto mixed = haven({"check", "a", "b", "--json", "-"});
  EXPECT_EQ(mixed.code, 3) << mixed.err;
  EXPECT_EQ(json(mixed)["reports"][0]["report"]["problems"][0]["code"], "DI203");
  EXPECT_NE(mixed.err.find("not safe to train on"), std::string::npos) << mixed.err;
  EXPECT_EQ(haven({"check", "a", "b", "--allow-mixed-settings"}).code, 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
    EXPECT_TRUE(entry.is_directory() || entry.path().filename() == "OUTCAR") << entry.path();
}

TEST_F(DataTools, CheckOfADatasetFindsWhatAnImportWouldReject) {
  auto frames = write_set("good.h5", 4, 203);
  EXPECT_EQ(haven({"check", "good.h5"}).code, 0);
  frames[2].forces[1] = {50, 0, 0};
  write_dataset(folder_.file("bad.h5"), frames, {.created_by = "test", .import_report = "{}"});
  const auto bad = haven({"check", "bad.h5", "--json", "-"});
  EXPECT_EQ(bad.code, 3);
  EXPECT_EQ(json(bad)["reports"][0]["report"]["decisions"][0]["code"], "DI005");
  EXPECT_EQ(haven({"check", "bad.h5", "--set", "data.max_force=60"}).code, 0);
  EXPECT_EQ(haven({"check", "absent.h5"}).code, 6);
  write("damaged.h5", "no HDF5");
  EXPECT_EQ(haven({"check", "damaged.h5"}).code, 3);
}

TEST_F(DataTools, ImportRefusesMixedSettingsUnlessAllowed) {
  write("a/OUTCAR", outcar_text(made_up_frames(2, 204), {}));
  write("b/OUTCAR", outcar_text(made_up_frames(2, 205), {.energies = {.gga = "PS"}}));
  const auto refused = haven({"import", "a", "b", "-o", "set.h5"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.err.find("DI203"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(folder_.file("set.h5")));
  EXPECT_EQ(haven({"import", "a", "b", "-o", "set.h5", "--allow-mixed-settings"}).code, 0);
  EXPECT_EQ(haven({"import", "a", "b", "-o", "set2.h5", "--set", "data.mixed_settings=\"GGA\""}).code, 0);
}

TEST_F(DataTools, StatsWriteOneSelfContainedPage) {
  write_set("set.h5", 6, 206);
  const auto result = haven({"stats", "set.h5", "-o", "stats", "--json", "-"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto root = json(result);
  EXPECT_EQ(root["all"]["n_frames"], 6);
  EXPECT_EQ(root["groups"]["aimd"]["n_with_stress"], 6);
  EXPECT_EQ(root["elements"]["Li"]["n_atoms"], 18);
  EXPECT_EQ(root["codes"]["VASP 6.4.2"], 6);
  EXPECT_NEAR(root["all"]["energy_residual_meV_per_atom"]["mean"].get<double>(), 0.0, 1e-6);
  const std::string page = read_text(folder_.file("stats/statistics.html"));
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("href=\"http"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder_.file("stats/force.svg")));
}

TEST_F(DataTools, SplitWritesPartsThatKeepTheirDistance) {
  const auto frames = write_set("set.h5", 200, 207);
  const auto result = haven({"split", "set.h5", "-o", "parts", "--gap", "2", "--json", "-"});
  ASSERT_EQ(result.code, 0) << result.err;
  std::size_t total = json(result)["n_left_out"].get<std::size_t>();
  std::map<std::string, std::vector<Frame>> parts;
  for (const char* part : {"train", "valid", "test"}) {
    const Dataset set = read_dataset(folder_.file(std::string("parts/") + part + ".h5"));
    EXPECT_EQ(set.hash, json(result)["parts"][part]["sha256"]);
    EXPECT_NE(set.info.provenance.at("split").find("gap_steps"), std::string::npos);
    total += set.frames.size();
    parts[part] = set.frames;
  }
  EXPECT_EQ(total, frames.size());
  for (const Frame& a : parts["train"])
    for (const char* other : {"valid", "test"})
      for (const Frame& b : parts[other]) EXPECT_GT(std::abs(a.source.index - b.source.index), 2);
  const auto again = haven({"split", "set.h5", "-o", "parts2", "--gap", "2", "--json", "-"});
  EXPECT_EQ(json(again)["parts"]["train"]["sha256"], json(result)["parts"]["train"]["sha256"]);
  EXPECT_EQ(haven({"split", "set.h5", "-o", "parts3", "--valid", "0.9", "--test", "0.2"}).code, 2);
}

TEST_F(DataTools, SelectKeepsTheOddFrameAndSaysWhatIsLeft) {
  auto frames = write_set("set.h5", 20, 208);
  for (std::size_t k = 1; k < frames.size(); ++k) {
    frames[k].structure = frames[0].structure;
    frames[k].structure.positions[1].x += 1e-3 * static_cast<double>(k);
  }
  frames[13].structure.positions[1] += Vec3{0.5, 0.5, -0.4};
  write_dataset(folder_.file("set.h5"), frames, {.created_by = "test", .import_report = "{}"});
  const auto result = haven({"select", "set.h5", "-k", "3", "-o", "few.h5", "--json", "-"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto chosen = json(result)["frames"].get<std::vector<Index>>();
  ASSERT_EQ(chosen.size(), 3U);
  EXPECT_EQ(chosen[1], 13);
  const Dataset few = read_dataset(folder_.file("few.h5"));
  ASSERT_EQ(few.frames.size(), 3U);
  EXPECT_TRUE(few.frames[0].source.index < few.frames[1].source.index);
  const auto rest = haven({"select", "set.h5", "-k", "1", "--known", "few.h5", "-o", "more.h5", "--json", "-"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(std::count(chosen.begin(), chosen.end(), json(rest)["frames"][0].get<Index>()), 0);
  EXPECT_EQ(haven({"select", "set.h5", "-k", "21", "-o", "no.h5"}).code, 2);
}

TEST_F(DataTools, ExportAndImportAgainGiveTheSameFrames) {
  const auto frames = write_set("set.h5", 5, 209);
  ASSERT_EQ(haven({"export", "set.h5", "-o", "out/set.xyz"}).code, 0);
  ExtxyzReader reader(folder_.file("out/set.xyz"));
  for (const Frame& frame : frames) {
    const auto again = reader.next();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->energy, frame.energy);
    EXPECT_EQ(again->forces, frame.forces);
    EXPECT_EQ(again->stress, frame.stress);
  }
  const auto lost = haven({"export", "set.h5", "-o", "input.data", "--json", "-"});
  EXPECT_EQ(lost.code, 0);
  EXPECT_EQ(json(lost)["warnings"][0]["code"], "DE001");
  EXPECT_EQ(haven({"export", "set.h5", "-o", "systems", "--format", "deepmd"}).code, 0);
  EXPECT_EQ(haven({"export", "set.h5", "-o", "systems", "--format", "deepmd"}).code, 2);
  EXPECT_EQ(haven({"export", "set.h5", "-o", "what"}).code, 2);
}

TEST(DataStatistics, DistributionsAreWhatTheySay) {
  const Distribution d = distribution_of({4, 1, 3, 2});
  EXPECT_EQ(d.count, 4);
  EXPECT_DOUBLE_EQ(d.mean, 2.5);
  EXPECT_DOUBLE_EQ(d.deviation, std::sqrt(1.25));
  EXPECT_EQ(d.smallest, 1);
  EXPECT_EQ(d.largest, 4);
  EXPECT_EQ(d.median, 2);  // nearest rank
  Index total = 0;
  for (const Index count : histogram_of(d, 7).counts) total += count;
  EXPECT_EQ(total, 4);
  EXPECT_EQ(distribution_of({}).count, 0);
  EXPECT_TRUE(histogram_of(distribution_of({})).counts.empty());
  EXPECT_EQ(histogram_of(distribution_of({5, 5, 5}), 3).counts, (std::vector<Index>{0, 3, 0}));
}

TEST(DataStatistics, ReferenceEnergiesAreRecoveredWhereTheCompositionsDetermineThem) {
  auto frames = made_up_frames(3, 210);
  frames[1].structure.numbers[0] = 16;  // another composition
  frames[2].structure.numbers[0] = frames[2].structure.numbers[1] = 16;
  for (Frame& frame : frames) {
    frame.energy = 0;
    for (const int number : frame.structure.numbers) *frame.energy += number == 3 ? -1.5 : -4.25;
  }
  const DatasetStatistics statistics = dataset_statistics(frames);
  EXPECT_NEAR(statistics.elements.at("Li").reference_energy, -1.5, 1e-9);
  EXPECT_NEAR(statistics.elements.at("S").reference_energy, -4.25, 1e-9);
  EXPECT_NEAR(statistics.all.residual.largest, 0, 1e-6);
}

TEST(DataStatistics, PressureIsPositiveWhenTheSystemPushesOutwards) {
  auto frames = made_up_frames(1, 211);
  frames[0].stress = (-0.01) * Mat3::identity();  // compressed: stress negative
  EXPECT_NEAR(dataset_statistics(frames).all.pressure.mean, 1.602176634, 1e-9);
}

}  // namespace
}  // namespace haven
