#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/file_format.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"

/// Real OUTCARs and vasprun.xmls cut at line ends and at random bytes, or with numbers replaced: what is delivered is
/// complete, and what the whole file says.
namespace haven {
namespace {

constexpr std::size_t work = 2'000'000;  // bytes read for each kind of cut of a file

std::vector<VaspStep> steps_of(const std::string& path, FileFormat format) {
  std::vector<VaspStep> steps;
  try {
    const auto reader = open_vasp_run(path, format);
    while (auto step = reader->next()) steps.push_back(std::move(*step));
  } catch (const InputError& error) {
    EXPECT_FALSE(error.remedy().empty()) << error.what();
  }
  return steps;
}

void expect_the_same_labels(const VaspStep& found, const VaspStep& whole, const std::string& what) {
  if (!found.problem.empty()) return;
  EXPECT_EQ(found.kind, whole.kind) << what;
  EXPECT_EQ(found.free_energy, whole.free_energy) << what;
  EXPECT_EQ(found.energy_sigma0, whole.energy_sigma0) << what;
  EXPECT_EQ(found.positions, whole.positions) << what;
  EXPECT_EQ(found.forces, whole.forces) << what;
  EXPECT_EQ(found.stress_kbar, whole.stress_kbar) << what;
}

/// The OUTCARs and vasprun.xmls of the collection that hold steps, one after the other.
void each_file(const std::function<void(const std::string& name, const std::string& text, FileFormat format)>& visit) {
  const nlohmann::json entries = nlohmann::json::parse(read_text(testing::shared_data("vasp/manifest.json")->string()));
  std::size_t files = 0;
  for (const auto& [name, entry] : entries.items()) {
    const auto path = testing::shared_data("vasp/" + name);
    if (!path || (entry["type"] != "OUTCAR" && entry["type"] != "vasprun.xml")) continue;
    const FileFormat format = recognise_format(path->string());
    if (steps_of(path->string(), format).empty()) continue;
    ++files;
    visit(name, read_text(path->string()), format);
  }
  EXPECT_GT(files, 40U);
}

/// Every line end, and 200 random bytes, of small files; of larger ones as many as `work` bytes of reading allow.
std::vector<std::size_t> cuts_of(const std::string& text, RandomSequence& random) {
  std::vector<std::size_t> cuts;
  std::size_t lines = 0;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  const std::size_t affordable = 1 + 2 * work / text.size(), every = 1 + lines / affordable;
  std::size_t line = 0;
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1))
    if (line++ % every == every / 2) cuts.push_back(at + 1);
  for (std::size_t k = 0; k < std::min<std::size_t>(200, affordable); ++k)
    cuts.push_back(static_cast<std::size_t>(random.uniform() * static_cast<double>(text.size())));
  return cuts;
}

TEST(RealFileDamage, CutFilesGiveTheCompleteStepsOfTheWholeFile) {
  HAVEN_SHARED_DATA(manifest, "vasp/manifest.json");
  const testing::TemporaryFolder folder;
  RandomSequence random(7, Stream::test, 54);
  each_file([&](const std::string& name, const std::string& text, FileFormat format) {
    write_text(folder.file("cut"), text);
    const auto whole = steps_of(folder.file("cut"), format);
    for (const std::size_t cut : cuts_of(text, random)) {
      const std::string what = name + " cut to " + std::to_string(cut);
      const std::string part = text.substr(0, cut);
      write_text(folder.file("cut"), part);
      const auto found = steps_of(folder.file("cut"), format);
      const Index lines = std::count(part.begin(), part.end(), '\n');
      const auto complete = std::count_if(whole.begin(), whole.end(), [&](const auto& s) { return s.line <= lines; });
      ASSERT_GE(static_cast<Index>(found.size()), complete) << what;
      ASSERT_LE(found.size(), whole.size()) << what;
      for (std::size_t k = 0; k < found.size(); ++k) expect_the_same_labels(found[k], whole[k], what);
    }
  });
}

/// What Fortran or a crash puts in the place of a number, anywhere in a file: a step that is called good holds finite
/// numbers only.
TEST(RealFileDamage, ReplacedNumbersAreNeverUsed) {
  HAVEN_SHARED_DATA(manifest, "vasp/manifest.json");
  const testing::TemporaryFolder folder;
  RandomSequence random(8, Stream::test, 54);
  each_file([&](const std::string& name, const std::string& text, FileFormat format) {
    if (text.size() > work) return;
    for (const std::string bad : {"*****", "NaN", "1E+400"})
      for (int k = 0; k < 5; ++k) {
        std::size_t begin = static_cast<std::size_t>(random.uniform() * static_cast<double>(text.size() / 2)) * 2;
        begin = text.find_first_of("0123456789", begin);
        if (begin == text.npos) continue;
        const std::size_t end = text.find_first_not_of("0123456789.", begin);
        std::string damaged = text;
        damaged.replace(begin, end - begin, bad);
        write_text(folder.file("damaged"), damaged);
        for (const VaspStep& step : steps_of(folder.file("damaged"), format)) {
          if (!step.problem.empty()) continue;
          const std::string what = name + ", " + bad + " at " + std::to_string(begin);
          ASSERT_TRUE(std::all_of(step.forces.begin(), step.forces.end(), is_finite)) << what;
          ASSERT_TRUE(std::all_of(step.positions.begin(), step.positions.end(), is_finite)) << what;
          ASSERT_TRUE(std::isfinite(step.free_energy.value_or(0))) << what;
          if (!step.stress_kbar) continue;
          for (const double component : *step.stress_kbar) ASSERT_TRUE(std::isfinite(component)) << what;
        }
      }
  });
}

}  // namespace
}  // namespace haven
