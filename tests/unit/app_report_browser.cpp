#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>

#include "analysis/arrhenius.hpp"
#include "analysis/committee.hpp"
#include "analysis/report.hpp"
#include "analysis/transport_output.hpp"
#include "physics/analysis_walks.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

/// The page in a browser. Chromium is no part of the build: without it these tests are skipped.
namespace haven {
namespace {

namespace fs = std::filesystem;

std::string chromium() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    const std::string path = std::string("/usr/bin/") + name;
    if (fs::exists(path)) return path;
  }
  return "";
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// Walks whose step follows Ea = 0.3 eV at four temperatures, and the coldest that does not move: a bound.
std::vector<TransportResult> ladder() {
  std::vector<TransportResult> results;
  for (const double temperature : {1000.0, 850.0, 700.0, 600.0, 400.0}) {
    testing::Walk walk{.ions = 16, .frames = 600};
    walk.step = temperature < 500 ? 0.0 : std::exp(-0.15 / 8.617e-5 * (1 / temperature - 1e-3));
    walk.noise = 0.3 * std::max(walk.step, 0.3);
    TransportOptions options = testing::walk_options();
    options.hop_length = std::max(3.0 * walk.step, 2.0);
    options.temperature_K = temperature;
    results.push_back(analyse_tracks({testing::make_walk(walk, 11)}, options));
    results.back().label = fmt::format("T{:g}", temperature);
  }
  return results;
}

/// A run folder with every part that the page can show.
void write_run(const fs::path& folder) {
  const std::vector<TransportResult> results = ladder();
  const ArrheniusResult fit = fit_arrhenius(results, {.target_K = 500});
  write(folder / "provenance.json", R"({"created_by": "haven", "name": "walks & <vacancies>"})");
  write(folder / "effective.toml", "schema = 1\n");
  write(folder / "transport/transport.json", transport_ladder_json(results, &fit));
  write(folder / "transport/arrhenius.svg", arrhenius_svg(fit));
  write(folder / "transport/haven_ratio.svg", haven_ratio_svg(results));
  const std::vector<CommitteeMember> members{{"run_a", results, fit}, {"run_b", results, fit}};
  write(folder / "committee/committee.json", committee_json(analyse_committee(members)));
  write(folder / "committee/committee.svg", committee_svg(members));
  std::string thermo = "step,time_fs,temperature_K,potential_eV,conserved_eV,pressure_GPa,stage\n";
  for (int k = 0; k < 50; ++k) thermo += fmt::format("{0},{0},{1},-10.{0},-5.0{0},0.1,prod\n", 10 * k, 600 + k % 7);
  for (const TransportResult& result : results) {
    write(folder / fmt::format("transport/msd_{}.csv", result.label), curves_csv(result));
    write(folder / fmt::format("transport/msd_{}.svg", result.label), msd_svg(result));
    const fs::path run = folder / "md" / result.label / "r0";
    write(run / "run.json",
          fmt::format(R"({{"temperature_K": {}, "replica": 0, "n_atoms": 32}})", result.temperature_K));
    write(run / "thermo.csv", thermo);
  }
  write(folder / "model/lcurve.csv",
        "epoch,train_energy_rmse_meV_per_atom,valid_energy_rmse_meV_per_atom,train_force_rmse_meV_per_A\n1,10,12,80\n"
        "2,5,6,50\n3,4,5.5,45\n");
}

/// What a reader does: points at every figure, clicks a legend entry, turns the dial. What came of it is left in
/// attributes of <html>.
constexpr const char* reader = R"(
<script>
const root = document.documentElement;
let read = 0;
for (const svg of document.querySelectorAll('figure svg[data-plot]')) {
  const box = svg.getBoundingClientRect();
  for (let share = 0.15; share < 0.95; share += 0.02) {
    svg.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + share * box.width, clientY: box.top + 0.5 * box.height}));
    const tip = document.querySelector('.tip');
    if (!tip.hidden && tip.textContent.includes('=')) { ++read; break; }
  }
}
const key = document.querySelector('#fig-msd_T1000 [data-key="#0072b2"]');
key.dispatchEvent(new MouseEvent('click'));
root.dataset.read = read;
root.dataset.figures = document.querySelectorAll('figure svg[data-plot]').length;
root.dataset.saved = document.querySelectorAll('figure a.save').length;
root.dataset.hidden = document.querySelectorAll('#fig-msd_T1000 [data-mark][visibility=hidden]').length;
const dial = document.querySelector('.dial'), slider = dial.querySelector('input');
root.dataset.dial = dial.hidden ? 'hidden' : dial.querySelector('output').textContent;
slider.value = 700;
slider.dispatchEvent(new Event('input'));
root.dataset.turned = dial.querySelector('output').textContent;
root.dataset.wide = document.body.scrollWidth - innerWidth;
</script>
)";

std::string attribute(const std::string& html, const std::string& name) {
  std::smatch found;
  const std::string head = html.substr(0, 4000);
  return std::regex_search(head, found, std::regex("data-" + name + "=\"([^\"]*)\"")) ? found[1].str() : "";
}

}  // namespace

TEST(ReportInABrowser, ShowsFiguresReadsThemOutAndLogsNoError) {
  if (chromium().empty()) GTEST_SKIP() << "chromium is not installed";
  const testing::TemporaryFolder folder;
  write_run(folder.path() / "run");
  std::string html = make_run_report((folder.path() / "run").string()).html;
  html.insert(html.rfind("</body>"), reader);
  write(folder.path() / "page.html", html);
  const testing::ProgramResult shown =
      testing::run_program({chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                            "--window-size=1200,900", "--user-data-dir=" + folder.file("profile"), "--dump-dom",
                            "file://" + folder.file("page.html")},
                           folder.path().string());
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.err.find("CONSOLE"), std::string::npos) << shown.err;  // errors, and anything the policy refused
  EXPECT_EQ(attribute(shown.out, "ready"), "1");
  // Five temperatures with two curves each (the last has a bound: no window, but curves), Arrhenius, Haven ratio,
  // committee, non-Gaussian parameter, two learning curves, four time series.
  EXPECT_EQ(attribute(shown.out, "figures"), "20");
  EXPECT_EQ(attribute(shown.out, "saved"), "20");
  EXPECT_EQ(attribute(shown.out, "read"), "20") << "every figure gives numbers under the pointer";
  EXPECT_GE(std::stoi(attribute(shown.out, "hidden")), 2) << "curve and band of the tracer";
  EXPECT_EQ(attribute(shown.out, "dial").rfind("\u03c3(500 K) = ", 0), 0U) << attribute(shown.out, "dial");
  EXPECT_EQ(attribute(shown.out, "turned").rfind("\u03c3(700 K) = ", 0), 0U) << attribute(shown.out, "turned");
  EXPECT_LE(std::stoi(attribute(shown.out, "wide")), 0) << "nothing is wider than the window";
  EXPECT_NE(shown.out.find("walks &amp; &lt;vacancies&gt;"), std::string::npos);
}

/// What stands in the cells of a table row.
std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  for (std::size_t at = row.find("<td>"); at != std::string::npos; at = row.find("<td>", at + 1))
    cells.push_back(row.substr(at + 4, row.find("</td>", at) - at - 4));
  return cells;
}

TEST(Report, GivesEveryCoefficientWithUnitIntervalNWindowAndMethod) {
  const testing::TemporaryFolder folder;
  write_run(folder.path());
  const std::string html = make_run_report(folder.path().string()).html;
  const std::size_t begin = html.find("<table", html.find("id=\"transport\""));
  const std::string table = html.substr(begin, html.find("</table>", begin) - begin);
  for (const char* head : {"D* (cm&sup2;/s)", "D<sub>&sigma;</sub> (cm&sup2;/s)", "Haven ratio", "&sigma; (S/cm)",
                           "&sigma;<sub>NE</sub> (S/cm)", "window (ps)", "hops/ion", "time (ns)"})
    EXPECT_NE(table.find(std::string("<th>") + head + "</th>"), std::string::npos) << head;
  int rows = 0, values = 0;
  for (std::size_t at = table.find("<tr><td>"); at != std::string::npos; at = table.find("<tr><td>", at + 1), ++rows) {
    const std::vector<std::string> cells = cells_of(table.substr(at, table.find("</tr>", at) - at));
    ASSERT_EQ(cells.size(), 9U);
    for (std::size_t k = 1; k <= 5; ++k) {
      if (cells[k].find("title=") != std::string::npos) continue;  // a bound or a refusal, with its reason
      ++values;
      EXPECT_NE(cells[k].find("95&thinsp;%: "), std::string::npos) << cells[k];
      EXPECT_NE(cells[k].find("n = "), std::string::npos) << cells[k];
      EXPECT_NE(cells[6].find("&hellip;"), std::string::npos) << "the window of a value";
    }
  }
  EXPECT_EQ(rows, 5);
  EXPECT_GE(values, 16);
  EXPECT_NE(html.find("How these numbers were obtained"), std::string::npos);
  EXPECT_NE(html.find("generalised least squares"), std::string::npos);
  for (const char* line : {"E<sub>a</sub> of &sigma;T (eV)", "E<sub>a</sub> of D* (eV)", "D*(500 K) (cm&sup2;/s)"})
    EXPECT_NE(html.find(line), std::string::npos) << line;
  EXPECT_NE(html.find("activation energy of &sigma;T, 95&thinsp;%"), std::string::npos);
}

TEST(Report, IsSelfContainedAndGivesItsFiguresAsFiles) {
  const testing::TemporaryFolder folder;
  write_run(folder.path());
  const ReportPage page = make_run_report(folder.path().string());
  EXPECT_NE(page.html.find("default-src 'none'"), std::string::npos);
  for (const char* outside : {"src=", "<link", "@import", "url(http", "fetch("})
    EXPECT_EQ(page.html.find(outside), std::string::npos) << outside;
  EXPECT_EQ(page.figures.size(), 20U);
  for (const auto& [name, svg] : page.figures) {
    EXPECT_NE(page.html.find(svg.substr(svg.find("<svg"))), std::string::npos) << name << " is the figure of the page";
    EXPECT_NE(page.html.find("id=\"fig-" + fs::path(name).stem().string() + '"'), std::string::npos) << name;
  }
  for (const char* code : {"TR002", "TR012", "TR026", "TR040"})
    EXPECT_NE(page.html.find(std::string("<code>") + code + "</code>"), std::string::npos) << code;
}

}  // namespace haven
