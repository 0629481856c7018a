// Damaged VASP output: whatever the damage, complete ionic steps are read exactly, others never as part of a frame.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/error.hpp"
#include "io/import.hpp"
#include "io/outcar.hpp"
#include "io/text_file.hpp"
#include "io/vasprun.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

namespace haven {
namespace {

using testing::made_up_frames;

class Damage : public ::testing::TestWithParam<const char*> {
 protected:
  bool outcar() const { return std::string(GetParam()) == "OUTCAR"; }
  std::string text(const std::vector<Frame>& frames) const {
    return outcar() ? testing::outcar_text(frames, {}) : testing::vasprun_text(frames, {});
  }
  std::vector<VaspStep> read(const std::string& contents) {
    const std::string path = folder_.file("file");
    write_text(path, contents);
    const auto reader = outcar() ? open_outcar(path) : open_vasprun(path);
    std::vector<VaspStep> steps;
    while (auto step = reader->next()) steps.push_back(std::move(*step));
    return steps;
  }
  /// Nothing for a file that is refused.
  std::optional<std::vector<VaspStep>> read_or_refuse(const std::string& contents) {
    try {
      return read(contents);
    } catch (const InputError& error) {
      EXPECT_FALSE(error.remedy().empty());
      return std::nullopt;
    }
  }
  /// Positions in the text after which one more step is complete (just behind the last byte that its numbers need).
  std::vector<std::size_t> completions(const std::string& contents) const {
    const std::string mark = outcar() ? "energy  without entropy=" : "</calculation>";
    std::vector<std::size_t> ends;
    for (std::size_t at = contents.find(mark); at != std::string::npos; at = contents.find(mark, at + 1))
      ends.push_back(outcar() ? contents.find('\n', at) : at + mark.size());
    return ends;
  }
  static void expect_same(const VaspStep& a, const VaspStep& b) {
    EXPECT_EQ(a.free_energy, b.free_energy);
    EXPECT_EQ(a.forces, b.forces);
    EXPECT_EQ(a.positions, b.positions);
    EXPECT_EQ(a.lattice, b.lattice);
    EXPECT_EQ(a.stress_kbar, b.stress_kbar);
    EXPECT_EQ(a.problem, b.problem);
  }
  void expect_prefix(const std::string& contents, std::size_t length, const std::vector<VaspStep>& whole) {
    const auto ends = completions(contents);
    const auto complete = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= length; }));
    const auto steps = read_or_refuse(contents.substr(0, length));
    if (!steps) {
      EXPECT_EQ(complete, 0U) << length;
      return;
    }
    ASSERT_EQ(steps->size(), complete) << "cut at byte " << length;
    for (std::size_t k = 0; k < steps->size(); ++k) expect_same((*steps)[k], whole[k]);
  }
  testing::TemporaryFolder folder_;
};

TEST_P(Damage, CutAtEveryLineEnd) {
  const std::string contents = text(made_up_frames(3, 91));
  const auto whole = read(contents);
  ASSERT_EQ(whole.size(), 3U);
  for (std::size_t at = contents.find('\n'); at != std::string::npos; at = contents.find('\n', at + 1)) {
    expect_prefix(contents, at, whole);
    expect_prefix(contents, at + 1, whole);
  }
}

TEST_P(Damage, CutAtTwoHundredBytes) {
  const std::string contents = text(made_up_frames(3, 92));
  const auto whole = read(contents);
  std::mt19937 generator(1);
  for (int k = 0; k < 200; ++k) expect_prefix(contents, generator() % contents.size(), whole);
}

TEST_P(Damage, CutInsideTheEnergies) {
  const std::string contents = text(made_up_frames(2, 93));
  const auto whole = read(contents);
  const std::size_t end = completions(contents)[1];
  for (std::size_t length = end - 160; length <= end + 2; ++length) expect_prefix(contents, length, whole);
}

TEST_P(Damage, FieldsReplacedByWhatFortranOrACrashLeaves) {
  const std::string contents = text(made_up_frames(3, 94));
  const auto whole = read(contents);
  std::mt19937 generator(2);
  for (const std::string bad : {"*****", "NaN", "1E+400", "-Infinity", "", "\x01\x7F", "\xFF\xFE"}) {
    for (int k = 0; k < 60; ++k) {
      // A run of digits anywhere in the file.
      std::size_t begin = generator() % (contents.size() - 200);
      begin = contents.find_first_of("0123456789", begin);
      const std::size_t end = contents.find_first_not_of("0123456789.", begin);
      std::string damaged = contents;
      damaged.replace(begin, end - begin, bad);
      const auto steps = read_or_refuse(damaged);
      if (!steps) continue;
      EXPECT_LE(steps->size(), 3U);
      for (const VaspStep& step : *steps) {
        if (!step.problem.empty() || step.forces.empty() || !step.free_energy) continue;
        // What is called good is complete and finite.
        EXPECT_EQ(step.forces.size(), 5U);
        EXPECT_EQ(step.positions.size(), 5U);
        EXPECT_TRUE(std::all_of(step.forces.begin(), step.forces.end(), is_finite));
        EXPECT_TRUE(std::all_of(step.positions.begin(), step.positions.end(), is_finite));
        EXPECT_TRUE(std::isfinite(*step.free_energy));
      }
    }
  }
}

TEST_P(Damage, ForeignLineEndsByteOrderMarkAndTrailingBlanksChangeNothing) {
  const std::string contents = text(made_up_frames(2, 95));
  const auto whole = read(contents);
  std::string foreign = "\xEF\xBB\xBF";
  for (const char c : contents) foreign += c == '\n' ? std::string(" \r\n") : std::string(1, c);
  const auto steps = read(foreign);
  ASSERT_EQ(steps.size(), whole.size());
  for (std::size_t k = 0; k < steps.size(); ++k) expect_same(steps[k], whole[k]);
}

TEST_P(Damage, RandomBytesNeverCrashAReader) {
  const std::string contents = text(made_up_frames(2, 96));
  std::mt19937 generator(3);
  for (int k = 0; k < 300; ++k) {
    std::string damaged = contents;
    for (int n = 0; n < 1 + k % 20; ++n) damaged[generator() % damaged.size()] = static_cast<char>(generator());
    if (k % 3 == 0) damaged.erase(generator() % damaged.size(), generator() % 500);
    if (k % 5 == 0) damaged.insert(generator() % damaged.size(), damaged.substr(generator() % damaged.size(), 700));
    const auto steps = read_or_refuse(damaged);
    if (!steps) continue;
    for (const VaspStep& step : *steps) {
      if (step.problem.empty() && !step.forces.empty()) {
        EXPECT_EQ(step.forces.size(), step.positions.size());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Damage, ::testing::Values("OUTCAR", "vasprun"),
                         [](const auto& format) { return std::string(format.param); });

}  // namespace
}  // namespace haven
