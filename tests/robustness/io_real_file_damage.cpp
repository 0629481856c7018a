#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "io/file_format.hpp"
#include "io/text_file.hpp"
#include "support/shared_data.hpp"

/// Real OUTCARs and vasprun.xmls cut at line ends and at random bytes: what is delivered is what the whole file says.
namespace haven {
namespace {

constexpr std::size_t largest = 450'000;  // bytes of text
constexpr std::size_t line_cuts = 40, byte_cuts = 25;

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

TEST(RealFileDamage, CutFilesGiveStepsOfTheWholeFile) {
  HAVEN_SHARED_DATA(manifest, "vasp/manifest.json");
  const nlohmann::json entries = nlohmann::json::parse(read_text(manifest));
  const testing::TemporaryFolder folder;
  RandomSequence random(7, Stream::test, 54);
  std::size_t files = 0;
  for (const auto& [name, entry] : entries.items()) {
    const auto path = testing::shared_data("vasp/" + name);
    if (!path || (entry["type"] != "OUTCAR" && entry["type"] != "vasprun.xml")) continue;
    const std::string text = read_text(path->string());
    if (text.size() > largest) continue;
    const FileFormat format = recognise_format(path->string());
    const auto whole = steps_of(path->string(), format);
    if (whole.empty()) continue;
    ++files;
    std::vector<std::size_t> cuts;
    for (std::size_t k = 1; k <= line_cuts; ++k) {
      const std::size_t end = text.find('\n', k * text.size() / (line_cuts + 1));
      if (end != text.npos) cuts.push_back(end + 1);
    }
    for (std::size_t k = 0; k < byte_cuts; ++k)
      cuts.push_back(static_cast<std::size_t>(random.uniform() * static_cast<double>(text.size())));
    for (const std::size_t cut : cuts) {
      const std::string what = name + " cut to " + std::to_string(cut);
      write_text(folder.file("cut"), text.substr(0, cut));
      const auto found = steps_of(folder.file("cut"), format);
      ASSERT_LE(found.size(), whole.size()) << what;
      for (std::size_t k = 0; k < found.size(); ++k) expect_the_same_labels(found[k], whole[k], what);
    }
  }
  EXPECT_GT(files, 10U);
}

}  // namespace
}  // namespace haven
