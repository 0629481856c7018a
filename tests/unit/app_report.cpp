#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "analysis/report.hpp"
#include "analysis/report_data.hpp"
#include "analysis/report_html.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "support/shared_data.hpp"

namespace haven::report {
namespace {

TEST(ReportHtml, EscapesWhatComesFromFiles) { EXPECT_EQ(escaped("<b> & \"x\""), "&lt;b&gt; &amp; &quot;x&quot;"); }

TEST(ReportHtml, WritesPowersOfTenOnlyForNumbers) {
  EXPECT_EQ(scientific("2.31(8)e-05"), "2.31(8)&thinsp;&times;&thinsp;10<sup>&minus;5</sup>");
  EXPECT_EQ(scientific("1e+10"), "1&thinsp;&times;&thinsp;10<sup>10</sup>");
  EXPECT_EQ(scientific("finite-size, the-5, 3 e 4"), "finite-size, the-5, 3 e 4");
}

TEST(ReportHtml, ShowsABoundOrADashForARefusedEstimate) {
  EXPECT_NE(
      estimate_cell(refused_estimate("too few hops", 3e-7)).find("&lt; 3&thinsp;&times;&thinsp;10<sup>&minus;7</sup>"),
      std::string::npos);
  const std::string refused = estimate_cell(refused_estimate("a \"reason\""));
  EXPECT_NE(refused.find("&mdash;"), std::string::npos);
  EXPECT_NE(refused.find("a &quot;reason&quot;"), std::string::npos);
}

TEST(ReportHtml, IntervalsShareOnePowerOfTen) {
  EXPECT_EQ(interval_text({.value = 5e-5, .ci95 = {4.5e-5, 1.2e-4}}),
            "(0.45 &hellip; 1.2)&thinsp;&times;&thinsp;10<sup>&minus;4</sup>");
  EXPECT_EQ(interval_text({.value = 0.4, .ci95 = {0.32, 0.53}}), "0.32 &hellip; 0.53");
}

class RunFolder : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << text;
  }
  [[nodiscard]] ReportPage page() const { return make_run_report(folder_.path().string()); }
  testing::TemporaryFolder folder_;
};

TEST_F(RunFolder, ThatHoldsNoRunIsRejected) { EXPECT_THROW(static_cast<void>(page()), InputError); }

TEST_F(RunFolder, WithNothingButItsBeginningStillGivesAPage) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "<script>alert(1)</script>"})");
  const std::string html = page().html;
  EXPECT_NE(html.find("no results yet"), std::string::npos);
  EXPECT_EQ(html.find("<script>alert"), std::string::npos) << "names are escaped";
  EXPECT_EQ(html.find("id=\"transport\""), std::string::npos) << "parts that do not exist are left out";
}

TEST_F(RunFolder, WithADamagedFileIsRejectedByName) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "x"})");
  write("model/errors.json", "{\"train\": ");
  try {
    static_cast<void>(page());
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(error.where().find("errors.json"), std::string::npos);
  }
}

TEST_F(RunFolder, ShowsErrorsOfTheModelWithTheirIntervals) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "x"})");
  write("model/errors.json",
        R"({"test": {"n_structures": 40, "energy_rmse_meV_per_atom": 2.5, "energy_rmse_meV_per_atom_ci95": [2.1, 3.25],
    "force_rmse_meV_per_A": 61, "force_rmse_meV_per_A_ci95": null, "stress_rmse_GPa": 0.2, "stress_rmse_GPa_ci95": [0.15, 0.31],
    "rmse_intervals": {"resampled": "blocks", "n": 20}, "by_group": {}, "by_element": {}}})");
  const std::string html = page().html;
  for (const char* words :
       {"2.5<small>95&thinsp;%: 2.1 &hellip; 3.25</small>", "<td>61</td>",
        "0.2<small>95&thinsp;%: 0.15 &hellip; 0.31</small>", "<td>20 blocks</td>", "studentised bootstrap"})
    EXPECT_NE(html.find(words), std::string::npos) << words;
}

TEST_F(RunFolder, ShowsWhyFramesWereRejected) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "x"})");
  write(
      "data_report.json",
      R"({"energy": "free", "n_kept": 10, "n_rejected": 2, "files": [{"path": "a/OUTCAR", "format": "outcar", "code": "VASP 5.4.4",
    "group": "a", "n_frames": 12, "n_kept": 10, "n_rejected": 2, "counts": {"DI001": 2}, "notes": ["PSTRESS=0"]}],
    "codes": {"DI001": "SCF reached NELM"}, "decisions": [{"path": "a/OUTCAR", "index": 3, "fate": "rejected", "code": "DI001", "text": "60 SCF steps"}],
    "stress_check": null, "notes": []})");
  const std::string html = page().html;
  for (const char* words : {"10 frames kept, 2 rejected", "2 &times; SCF reached NELM", "PSTRESS=0",
                            "a/OUTCAR frame 3: 60 SCF steps (rejected)"})
    EXPECT_NE(html.find(words), std::string::npos) << words;
}

TEST_F(RunFolder, ShowsTheCellsOfEveryTemperatureAndTheirExpansion) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "x"})");
  for (const auto& [temperature, volume] : {std::pair(500, 1000.0), std::pair(600, 1010.0)}) {
    const std::string folder = fmt::format("md/T{}/r0/", temperature);
    write(folder + "run.json", fmt::format(R"({{"temperature_K": {}, "replica": 0}})", temperature));
    const auto cell = [&](double v) {
      return fmt::format(R"({{"event":"cell","step":10,"stage":"equil","volume_A3":{},"volume_error_A3":1.5,)"
                         R"("lengths_A":[10,10.5,9.5],"lengths_error_A":[0.01,0.02,0.03],"angles_deg":[90,91,120]}})",
                         v) +
             "\n";
    };
    write(folder + "events.jsonl",
          cell(1) + cell(volume) + R"({"event":"stage","name":"prod","mean_cell_of":"equil"})");
  }
  const std::string html = page().html;
  for (const char* text :
       {"1010.00 &plusmn; 1.50", "10.5000 &plusmn; 0.0200", "90.00, 91.00, 120.00", "yes",
        "the volume grows by 9.95e-05 &plusmn; 2e-05 per K"})  // ln(1.01) / 100; hypot(1.5 / 1000, 1.5 / 1010) / 100
    EXPECT_NE(html.find(text), std::string::npos) << text;
  EXPECT_EQ(html.find(">1.00 &plusmn;"), std::string::npos) << "a continued run repeats the event; the last one counts";
}

TEST_F(RunFolder, ShowsHopsAndCorrelationFactorsWhereTheyWereMeasured) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "x"})");
  std::vector<TransportResult> results(2);
  results[0].label = "T600", results[0].temperature_K = 600, results[1].label = "T700", results[1].temperature_K = 700;
  write("transport/transport.json", transport_ladder_json(results, nullptr));
  EXPECT_EQ(page().html.find("Sites and hops"), std::string::npos);
  const std::string estimate = estimate_json(log_normal_estimate(0.78, 0.05));
  write("transport/structure_T600/structure.json",
        fmt::format(R"({{"temperature_K": 600, "remarks": ["frames are rare"],
    "hops": {{"hops_per_ion": 12.5, "variance_over_mean": 9.1, "p_poisson": 1e-7,
      "share_of_ions_with_half_of_the_hops": 0.11, "share_of_ions_with_half_of_the_hops_poisson": 0.42,
      "msd_lag_ps": 5, "msd_A2": 8, "msd_relative_spread": 0.9, "msd_relative_spread_equal_ions": 0.3}},
    "coefficients": {{"D_hop_cm2_per_s": {0}, "D_tracer_cm2_per_s": {0}, "D_sigma_cm2_per_s": {0}, "f": {0}, "f_I": {0},
      "haven_ratio": {1}}},
    "network": {{"types": [{{"sites": 8, "occupation": 0.75, "occupation_sd": 0.01}}]}}}})",
                    estimate, estimate_json(refused_estimate("too short"))));
  write("transport/structure_T600/hops.svg", "<svg id=\"of-hops\"></svg>");
  const ReportPage shown = page();
  for (const char* words :
       {"Sites and hops", "f<sub>I</sub> = D<sub>&sigma;</sub>/D<sub>hop</sub>", "0.78(4)", "11&thinsp;%",
        "42&thinsp;%", "0.750 &plusmn; 0.010", "600 K: frames are rare", "of-hops", "too short"})
    EXPECT_NE(shown.html.find(words), std::string::npos) << words;
  EXPECT_TRUE(shown.figures.contains("hops_T600.svg"));
  write("transport/structure_T600/structure.json", "{}");
  EXPECT_THROW(static_cast<void>(page()), InputError);
}

TEST_F(RunFolder, GivesTheSameBytesTwice) {
  write("provenance.json", R"({"created_by": "haven 0.1.0", "name": "x"})");
  write("model/lcurve.csv", "epoch,train_energy_rmse_meV_per_atom,valid_energy_rmse_meV_per_atom\n1,10,12\n2,5,6\n3,4");
  EXPECT_EQ(page().html, page().html);
  EXPECT_NE(page().html.find("Learning curve, energy"), std::string::npos);
}

TEST(ReportColumns, LeaveOutACutOffLastLine) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder.file("t.csv")) << "step,time_fs,stage\n0,0,equil\n10,20.5,prod\n20,4";
  const Columns columns = read_columns(folder.file("t.csv"));
  ASSERT_NE(columns.find({"time"}), nullptr);
  EXPECT_EQ(*columns.find({"time"}), (std::vector<double>{0, 20.5}));
  EXPECT_EQ(columns.last_cells, (std::vector<std::string>{"equil", "prod"}));
  EXPECT_EQ(columns.find({"pressure"}), nullptr);
}

}  // namespace
}  // namespace haven::report
