#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/transport_output.hpp"
#include "io/extxyz.hpp"
#include "physics/analysis_walks.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

/// Analysis commands as a user calls them.
namespace haven {
namespace {

using nlohmann::json;
using testing::haven_program;
using testing::run_program;

/// Twelve walking Li over four S at rest in a box of 12 A, unwrapped, as extended XYZ.
void write_walk(const std::string& path, std::uint64_t seed) {
  testing::FastRandom random(seed);
  std::vector<Vec3> r(16);
  for (std::size_t i = 0; i < 16; ++i) r[i] = {3.0 * static_cast<double>(i % 4), 3.0 * static_cast<double>(i / 4), 6.0};
  std::ofstream file(path);
  for (int t = 0; t < 500; ++t) {
    file << "16\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n";
    for (std::size_t i = 0; i < 16; ++i) {
      if (i < 12) r[i] += 0.5 * Vec3{random.normal(), random.normal(), random.normal()};
      file << fmt::format("{} {:.8f} {:.8f} {:.8f}\n", i < 12 ? "Li" : "S", r[i].x, r[i].y, r[i].z);
    }
  }
}

/// The walk as VASP's molecular dynamics leaves it: every fifth step in the XDATCAR, every step in the OSZICAR, at
/// 620 +- 40 K.
void write_vasp_walk(const testing::TemporaryFolder& folder, int last_step) {
  testing::FastRandom random(3);
  std::vector<Vec3> r(16);
  for (std::size_t i = 0; i < 16; ++i)
    r[i] = {0.25 * static_cast<double>(i % 4), 0.25 * static_cast<double>(i / 4), 0.5};
  std::ofstream xdatcar(folder.file("XDATCAR")), oszicar(folder.file("OSZICAR"));
  xdatcar << "walk\n1.0\n12 0 0\n0 12 0\n0 0 12\nLi S\n12 4\n";
  for (int step = 1; step <= 2500; ++step) {
    if (step <= last_step)
      oszicar << fmt::format(
          "DAV:   1 -0.5E+02 -0.5E+02 -0.1E+01 10 0.1E+01\n{:7} T={:6.0f}. E= -.50000000E+02 F= "
          "-.51{:06}E+02 E0= -.51000000E+02  EK= 0.1E+01 SP= 0.00E+00 SK= 0.00E+00\n",
          step, 620 + 40 * random.normal(), step);
    if (step % 5 != 0) continue;
    xdatcar << fmt::format("Direct configuration= {:5}\n", step);
    for (std::size_t i = 0; i < 16; ++i) {
      if (i < 12) r[i] += 0.04 * Vec3{random.normal(), random.normal(), random.normal()};
      for (int k = 0; k < 3; ++k) r[i][k] -= std::floor(r[i][k]);
      xdatcar << fmt::format("{:.8f} {:.8f} {:.8f}\n", r[i].x, r[i].y, r[i].z);
    }
  }
}

}  // namespace

/// The OSZICAR beside an XDATCAR knows the temperature that the run had.
TEST(AnalysisCommands, TheTemperatureOfAVaspRunIsCheckedAgainstItsOszicar) {
  const testing::TemporaryFolder folder;
  write_vasp_walk(folder, 2500);
  const auto transport = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{haven_program(), "transport", "haven",  "XDATCAR",   "--frame-interval",
                                   "100",           "--mobile",  "Li",     "--charges", "Li=1",
                                   "--hop-length",  "3",         "--json", "-"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words, folder.path().string());
  };
  const auto codes = [](const json& result) {
    std::set<std::string> found;
    for (const json& warning : result.at("warnings")) found.insert(warning.at("code").get<std::string>());
    return found;
  };
  const auto measured = transport({});
  ASSERT_EQ(measured.code, 0) << measured.err;
  const json result = json::parse(measured.out);
  EXPECT_NEAR(result.at("temperature_K").get<double>(), 620, 5 * 40 / std::sqrt(500.0));
  EXPECT_TRUE(codes(result).contains("TR006")) << measured.err;
  EXPECT_FALSE(codes(result).contains("TR033"));
  const auto right = transport({"--temperature", "620"});
  ASSERT_EQ(right.code, 0) << right.err;
  EXPECT_FALSE(codes(json::parse(right.out)).contains("TR006")) << right.err;
  EXPECT_FALSE(codes(json::parse(right.out)).contains("TR033")) << right.err;
  const auto wrong = transport({"--temperature", "580"});
  ASSERT_EQ(wrong.code, 0) << wrong.err;
  EXPECT_TRUE(codes(json::parse(wrong.out)).contains("TR033")) << wrong.err;
  EXPECT_NE(wrong.err.find("not 580.0 K"), std::string::npos) << wrong.err;
  // An OSZICAR of another run is no measure.
  write_vasp_walk(folder, 600);
  const auto other = transport({"--temperature", "600"});
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_FALSE(codes(json::parse(other.out)).contains("TR033"));
  EXPECT_NE(other.err.find("is it of another run? Its temperatures were not used"), std::string::npos) << other.err;
  EXPECT_EQ(transport({}).code, 2);
}

TEST(AnalysisCommands, ExportPutsEnergiesAndTemperaturesOfAnOszicarIntoExtendedXyz) {
  const testing::TemporaryFolder folder;
  write_vasp_walk(folder, 2500);
  const auto exported = [&] {
    return run_program({haven_program(), "export", "XDATCAR", "--frame-interval", "10", "-o", "walk.xyz"},
                       folder.path().string());
  };
  const auto result = exported();
  ASSERT_EQ(result.code, 0) << result.err;
  ExtxyzReader reader(folder.file("walk.xyz"));
  for (int frame = 1; frame <= 500; ++frame) {
    const auto read = reader.next();
    ASSERT_TRUE(read) << frame;
    EXPECT_NEAR(read->energy.value(), -51.0 - 5e-6 * frame, 1e-9);
    EXPECT_NEAR(read->temperature.value(), 620, 240);
  }
  EXPECT_FALSE(reader.next());
  std::filesystem::remove(folder.file("walk.xyz"));
  write_vasp_walk(folder, 600);
  const auto refused = exported();
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.err.find("is it of another run?"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(folder.file("walk.xyz")));
}

TEST(AnalysisCommands, LayersGiveJsonCsvAndAFigure) {
  const testing::TemporaryFolder folder;
  write_walk(folder.file("walk.xyz"), 1);
  const auto run =
      run_program({haven_program(), "transport", "layers", "walk.xyz", "--frame-interval", "100", "--mobile", "Li",
                   "--axis", "b", "--layers", "3", "--lag-ps", "0.3", "-o", "out", "--json", "-"},
                  folder.path().string());
  ASSERT_EQ(run.code, 0) << run.err;
  const json result = json::parse(run.out);
  EXPECT_EQ(result.at("planes"), (json{0, 1, 0}));
  ASSERT_EQ(result.at("layers").size(), 3U);
  double ions = 0;
  for (const json& layer : result.at("layers")) ions += layer.at("ions").get<double>();
  EXPECT_NEAR(ions, 12, 1e-9);
  for (const char* name : {"layers.json", "layers.csv", "layers.svg"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / name)) << name;
  const auto wrong = run_program({haven_program(), "transport", "layers", "walk.xyz", "--frame-interval", "100",
                                  "--mobile", "Li", "--edges", "0.5", "0.2", "--lag-ps", "0.3"},
                                 folder.path().string());
  EXPECT_EQ(wrong.code, 2) << wrong.err;
  EXPECT_NE(wrong.err.find("--edges"), std::string::npos) << wrong.err;
}

TEST(AnalysisCommands, RegionsGiveJsonAndCsv) {
  const testing::TemporaryFolder folder;
  write_walk(folder.file("walk.xyz"), 1);
  const auto run = run_program({haven_program(),
                                "transport",
                                "regions",
                                "walk.xyz",
                                "--frame-interval",
                                "100",
                                "--mobile",
                                "Li",
                                "--spheres",
                                "0",
                                "0",
                                "0",
                                "4",
                                "0.5",
                                "0.5",
                                "0.5",
                                "5",
                                "--cylinders",
                                "0.5",
                                "0",
                                "0",
                                "0",
                                "0",
                                "1",
                                "2",
                                "--lag-ps",
                                "0.3",
                                "-o",
                                "out",
                                "--json",
                                "-"},
                               folder.path().string());
  ASSERT_EQ(run.code, 0) << run.err;
  const json result = json::parse(run.out);
  ASSERT_EQ(result.at("regions").size(), 4U);
  double ions = 0, weight = 0;
  for (const json& region : result.at("regions"))
    ions += region.at("ions").get<double>(), weight += region.at("weight").at(0).get<double>();
  EXPECT_NEAR(ions, 12, 1e-9);
  EXPECT_NEAR(weight, 1, 1e-9);
  for (const char* name : {"regions.json", "regions.csv"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / name)) << name;
  const auto wrong = run_program({haven_program(), "transport", "regions", "walk.xyz", "--frame-interval", "100",
                                  "--mobile", "Li", "--spheres", "0.5", "0.2", "--lag-ps", "0.3"},
                                 folder.path().string());
  EXPECT_EQ(wrong.code, 2) << wrong.err;
  EXPECT_NE(wrong.err.find("--spheres"), std::string::npos) << wrong.err;
}

TEST(AnalysisCommands, SizeComparesCellsOfOneTemperature) {
  const testing::TemporaryFolder folder;
  write_walk(folder.file("walk.xyz"), 1);
  const auto small =
      run_program({haven_program(), "transport", "haven", "walk.xyz", "--frame-interval", "100", "--mobile", "Li",
                   "--charges", "Li=1", "--temperature", "600", "--hop-length", "3", "-o", "small"},
                  folder.path().string());
  ASSERT_EQ(small.code, 0) << small.err;
  std::filesystem::create_directories(folder.path() / "large");
  std::ifstream in(folder.path() / "small" / "transport.json");
  json large = json::parse(in);
  (large.contains("temperatures") ? large["temperatures"][0] : large)["n_ions"] = 96;
  std::ofstream(folder.path() / "large" / "transport.json") << large.dump();
  const auto both = run_program({haven_program(), "transport", "size", "small", "large", "-o", "out", "--json", "-"},
                                folder.path().string());
  ASSERT_EQ(both.code, 0) << both.err;
  const json study = json::parse(both.out).at("temperatures").at(0);
  EXPECT_EQ(study.at("n_ions"), (json{12, 96}));
  EXPECT_EQ(study.at("quantities").at(0).at("standard_scores"), (json{0.0, 0.0}));
  for (const char* name : {"size.json", "size.csv", "size_T600.svg"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / name)) << name;
  const auto solid =
      run_program({haven_program(), "transport", "size", "small", "large", "--viscosity", "1"}, folder.path().string());
  EXPECT_EQ(solid.code, 2) << solid.err;
  EXPECT_NE(solid.err.find("solid"), std::string::npos) << solid.err;
  EXPECT_EQ(run_program({haven_program(), "transport", "size", "small", "small"}, folder.path().string()).code, 2);
}

TEST(AnalysisCommands, CommitteeKeepsTheLayersOfErrorApart) {
  const testing::TemporaryFolder folder;
  for (const std::string run : {"a", "b"}) {
    write_walk(folder.file(run + ".xyz"), run == "a" ? 1 : 2);
    const auto one =
        run_program({haven_program(), "transport", "haven", run + ".xyz", "--frame-interval", "100", "--mobile", "Li",
                     "--charges", "Li=1", "--temperature", "600", "--hop-length", "3", "-o", run},
                    folder.path().string());
    ASSERT_EQ(one.code, 0) << one.err;
  }
  const auto both = run_program({haven_program(), "transport", "committee", "a", "b", "-o", "out", "--json", "-"},
                                folder.path().string());
  ASSERT_EQ(both.code, 0) << both.err;
  const json result = json::parse(both.out);
  EXPECT_EQ(result.at("potentials"), (json{"a", "b"}));
  int determined = 0;
  for (const json& quantity : result.at("quantities")) {
    if (quantity.at("value").is_null()) continue;  // the fits over temperatures: there is one only
    ++determined;
    EXPECT_LT(quantity.at("total").at("ci95").at(0), quantity.at("statistical").at("ci95").at(0));
    EXPECT_GE(quantity.at("model").at("upper_bound95"), quantity.at("model").at("relative_spread"));
  }
  EXPECT_EQ(determined, 4);  // D*, D_sigma, H_R, sigma at 600 K
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / "committee.svg"));
  EXPECT_NE(run_program({haven_program(), "transport", "committee", "a"}, folder.path().string()).code, 0);
}

/// Eight Li that jump now and then on a lattice of 27 sites, 4 A apart, between S at rest; and the crystal.
static void write_hops(const testing::TemporaryFolder& folder) {
  testing::FastRandom random(8);
  std::vector<Vec3> li(8), s;
  for (std::size_t k = 0; k < 27; ++k)
    s.push_back(4.0 * Vec3{static_cast<double>(k / 9) + 0.5, static_cast<double>(k / 3 % 3) + 0.5,
                           static_cast<double>(k % 3) + 0.5});
  const auto frame = [](std::ofstream& file, std::size_t atoms) {
    file << fmt::format("{}\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n", atoms);
  };
  const auto row = [](std::ofstream& file, const char* element, const Vec3& r) {
    file << fmt::format("{} {:.6f} {:.6f} {:.6f}\n", element, r.x, r.y, r.z);
  };
  std::ofstream file(folder.file("hops.xyz")), crystal(folder.file("crystal.xyz"));
  frame(crystal, 54);
  for (const Vec3& r : s) row(crystal, "S", r), row(crystal, "Li", r - 4.0 * Vec3{0.5, 0.5, 0.5});
  for (int t = 0; t < 1500; ++t) {
    frame(file, 35);
    for (Vec3& r : li) {
      if (random.uniform() < 0.05) r[static_cast<int>(random.below(3))] += random.uniform() < 0.5 ? 4.0 : -4.0;
      row(file, "Li", r + 0.2 * Vec3{random.normal(), random.normal(), random.normal()});
    }
    for (const Vec3& r : s) row(file, "S", r);
  }
}

TEST(AnalysisCommands, StructureWritesHopsAndCorrelationFactors) {
  const testing::TemporaryFolder folder;
  write_hops(folder);
  const auto result = run_program({haven_program(), "transport", "structure", "hops.xyz", "--frame-interval", "1000",
                                   "--mobile", "Li", "--sites", "crystal.xyz", "-o", "out", "--json", "-"},
                                  folder.path().string());
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* name : {"hops.csv", "hops.svg", "ions.csv", "ions.svg", "structure.json", "sites.csv"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / name)) << name;
  const json structure = json::parse(result.out);
  EXPECT_NEAR(structure.at("hops").at("hops_per_ion").get<double>(), 75, 4 * std::sqrt(75.0 / 8));
  const json& d = structure.at("coefficients").at("D_hop_cm2_per_s");
  EXPECT_LT(d.at("ci95")[0].get<double>(), 0.05 * 16 / 6 * 1e-4);
  EXPECT_GT(d.at("ci95")[1].get<double>(), 0.05 * 16 / 6 * 1e-4);
  EXPECT_TRUE(structure.at("coefficients").at("f").at("value").is_number()) << result.err;
  EXPECT_NE(result.err.find("f = D*/D_hop"), std::string::npos) << result.err;
}

/// Occupations are taken from the structure.json beside each transport.json.
TEST(AnalysisCommands, ArrheniusTellsHowOccupationsChangeAtABreak) {
  const testing::TemporaryFolder folder;
  std::vector<std::string> words{haven_program(), "transport", "arrhenius", "--json", "-"};
  constexpr double boltzmann = 8.617333e-5;
  for (const double t : {500.0, 550.0, 600.0, 650.0, 750.0, 850.0, 950.0, 1050.0}) {
    TransportResult r;
    r.label = fmt::format("T{:g}", t), r.temperature_K = t, r.n_ions = 100, r.volume_A3 = 2000;
    const double y = -(t < 700 ? 0.9 : 0.2) / boltzmann * (1 / t - 1 / 700.0);
    r.sigma = log_normal_estimate(std::exp(y - 5) / t, 0.03),
    r.tracer.iso = log_normal_estimate(std::exp(y - 12), 0.03);
    std::filesystem::create_directory(folder.path() / r.label);
    std::ofstream(folder.path() / r.label / "transport.json") << transport_ladder_json({&r, 1}, nullptr);
    const std::string none = estimate_json(refused_estimate("not asked for"));
    std::ofstream(folder.path() / r.label / "structure.json") << fmt::format(
        R"({{"temperature_K": {0}, "remarks": [], "hops": {{"hops_per_ion": 1, "variance_over_mean": 1, "p_poisson": 1,
        "share_of_ions_with_half_of_the_hops": 0.5, "share_of_ions_with_half_of_the_hops_poisson": 0.5, "msd_lag_ps": 1,
        "msd_A2": 1, "msd_relative_spread": 1, "msd_relative_spread_equal_ions": 1}}, "coefficients": {{
        "D_hop_cm2_per_s": {1}, "D_tracer_cm2_per_s": {1}, "D_sigma_cm2_per_s": {1}, "f": {1}, "f_I": {1},
        "haven_ratio": {1}}}, "network": {{"types": [{{"sites": 48, "occupation": {2}, "occupation_sd": 0.004}}]}}}})",
        t, none, t < 700 ? 0.5 : 0.4);
    words.push_back(r.label);
  }
  const auto result = run_program(words, folder.path().string());
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("-0.100 +- 0.008 (type 0, 48 sites)"), std::string::npos) << result.err;
  const json at_break = json::parse(result.out).at("at_break");
  EXPECT_NEAR(at_break.at("ions_per_site_departure")[0].at("change").get<double>(), -0.1, 1e-9);
  std::filesystem::remove(folder.path() / "T750" / "structure.json");
  const auto without = run_program(words, folder.path().string());
  EXPECT_NE(without.err.find("site occupations are not measured"), std::string::npos) << without.err;
}

}  // namespace haven
