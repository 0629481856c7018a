#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/svg_plot.hpp"
#include "analysis/transport_output.hpp"
#include "core/error.hpp"
#include "physics/analysis_walks.hpp"

namespace haven {
namespace {

using nlohmann::json;
using testing::make_walk;
using testing::walk_options;

TransportResult walk_result() {
  TransportResult result = analyse_tracks({make_walk({.frames = 1500}, 4)}, walk_options());
  result.label = "T600";
  return result;
}

TransportResult refused_result() {
  return analyse_tracks({make_walk({.frames = 1500, .noise = 0.2, .step = 0}, 4)}, walk_options());
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST(TransportJson, HoldsTheContractOfHavenTransport) {
  const json object = json::parse(transport_json(walk_result()));
  for (const char* key : {"temperature_K", "n_ions", "volume_A3", "time_ns"})
    EXPECT_TRUE(object.at(key).is_number()) << key;
  EXPECT_EQ(object.at("window_ps").size(), 2U);
  for (const char* key :
       {"D_tracer_cm2_per_s", "D_sigma_cm2_per_s", "haven_ratio", "sigma_S_per_cm", "sigma_NE_S_per_cm"}) {
    EXPECT_TRUE(object.at(key).at("value").is_number()) << key;
    EXPECT_EQ(object.at(key).at("ci95").size(), 2U) << key;
    EXPECT_TRUE(object.at(key).at("n_eff").is_number()) << key;
  }
  EXPECT_TRUE(object.at("refused").is_null());
  EXPECT_TRUE(object.at("warnings").is_array());
}

TEST(TransportJson, RefusedValuesAreNullWithTheirBound) {
  const json object = json::parse(transport_json(refused_result()));
  EXPECT_TRUE(object.at("D_tracer_cm2_per_s").at("value").is_null());
  EXPECT_GT(object.at("D_tracer_cm2_per_s").at("upper_bound").get<double>(), 0);
  EXPECT_TRUE(object.at("refused").is_string());
  EXPECT_FALSE(object.at("warnings").empty());
}

TEST(TransportJson, ComesBackAsItWas) {
  for (const TransportResult& result : {walk_result(), refused_result()}) {
    const std::string text = transport_json(result);
    EXPECT_EQ(transport_json(transport_from_json(text, "t.json")), text);
    const auto all = transport_results_from_json(transport_ladder_json(std::vector{result, result}, nullptr), "t.json");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(transport_json(all[1]), text);
  }
}

TEST(TransportJson, DamagedFilesAreRefusedWithTheKey) {
  EXPECT_THROW(static_cast<void>(transport_from_json("{", "t.json")), InputError);
  EXPECT_THROW(static_cast<void>(transport_from_json("[]", "t.json")), InputError);
  try {
    static_cast<void>(transport_from_json("{\"label\": \"x\", \"temperature_K\": \"hot\"}", "t.json"));
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("temperature_K"), std::string::npos);
  }
}

TEST(TransportCsv, HasOneRowPerLagAndMarksTheWindow) {
  const TransportResult result = walk_result();
  const std::string csv = curves_csv(result);
  EXPECT_EQ(count(csv, "\n"), result.curves.lag_ps.size() + 1);
  EXPECT_EQ(count(csv, ",1\n"), result.window.last_lag - result.window.first_lag);
}

TEST(FormatEstimate, GivesTheErrorInTheLastDigits) {
  EXPECT_EQ(format_estimate(log_normal_estimate(2.31e-5, 0.035)), "2.31(8)e-5");
  EXPECT_EQ(format_estimate(log_normal_estimate(0.61, 0.13)), "0.61(8)");
  EXPECT_EQ(format_estimate(log_normal_estimate(4.6e-6, 0.4)), "4.6e-06 [2.1e-06, 1e-05]");
  EXPECT_EQ(format_estimate(refused_estimate("x", 3e-9)), "< 3e-09 (95 %)");
}

TEST(SvgPlot, TicksAreOneTwoFive) {
  EXPECT_EQ(svg::nice_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  const auto ticks = svg::nice_ticks(0.13, 0.97, 5);
  EXPECT_NEAR(ticks[1] - ticks[0], 0.2, 1e-12);
}

TEST(SvgPlot, SameInputGivesTheSameWellFormedText) {
  const TransportResult result = walk_result();
  const std::string text = msd_svg(result);
  EXPECT_EQ(text, msd_svg(result));
  EXPECT_EQ(text.rfind("<svg ", 0), 0U);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(text.find("inf"), std::string::npos);
  for (const char* tag : {"text", "tspan", "g", "svg"})
    EXPECT_EQ(count(text, std::string("<") + tag + " ") + count(text, std::string("<") + tag + ">"),
              count(text, std::string("</") + tag + ">"))
        << tag;
}

TEST(SvgPlot, LeavesOutWhatALogAxisCannotShow) {
  svg::Plot plot({.x = {"x", svg::Scale::linear}, .y = {"a < b & c", svg::Scale::log}});
  const std::vector<double> x{1, 2, 3, 4}, y{1e-3, -1, 0, 1e2};
  plot.points(x, y, {.label = "p"});
  const std::string text = plot.to_svg();
  EXPECT_EQ(count(text, "<circle"), 3U);  // two points and the legend
  EXPECT_NE(text.find("a &lt; b &amp; c"), std::string::npos);
}

TEST(SvgPlot, EmptyPlotsAreDrawnToo) { EXPECT_NE(svg::Plot({}).to_svg().find("</svg>"), std::string::npos); }

}  // namespace haven
