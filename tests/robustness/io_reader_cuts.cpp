#include <gtest/gtest.h>

#include <functional>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "io/xdatcar.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// Files of every text format cut after each of their bytes: never a crash, never a frame that is not one of the whole
/// file's, and never silence about what is missing.
namespace haven {
namespace {

struct Example {
  const char* name;
  std::string text;
  FrameReading reading;
};

std::vector<Example> examples() {
  const auto frames = testing::made_up_frames(2, 181);
  return {{"ML_AB", testing::ml_ab_text(frames), {}},
          {"input.data", testing::n2p2_text(frames, testing::AtomicUnits::no), {.units = FileUnits::angstrom_ev}},
          {"a.xsf", testing::xsf_text(frames[0]), {}},
          {"pw.out", testing::espresso_text(frames), {}}};
}

bool same(const Frame& a, const Frame& b) {
  return a.structure.numbers == b.structure.numbers && a.structure.positions == b.structure.positions &&
         a.structure.cell == b.structure.cell && a.forces == b.forces && a.energy == b.energy;
}

/// Frames that are delivered; the reader's ending, or what it refuses, in `said`.
std::vector<Frame> read(const std::string& path, FileFormat format, const FrameReading& reading, std::string& said) {
  std::vector<Frame> frames;
  said.clear();
  try {
    const auto reader = open_frames(path, format, reading);
    while (auto frame = reader->next()) {
      if (frame->problem.empty())
        frames.push_back(std::move(frame->frame));
      else
        said = frame->problem;
    }
    said += reader->ending();
  } catch (const InputError& error) {
    said = error.what();
  }
  return frames;
}

TEST(ReaderCuts, ACutFileGivesWholeFramesAndSaysWhatIsMissing) {
  const testing::TemporaryFolder folder;
  for (const Example& example : examples()) {
    const std::string path = folder.file(example.name);
    write_text(path, example.text);
    const FileFormat format = recognise_format(path);
    std::string said;
    const auto whole = read(path, format, example.reading, said);
    ASSERT_FALSE(whole.empty()) << example.name;
    ASSERT_EQ(said, "") << example.name;
    for (std::size_t length = 0; length < example.text.size(); ++length) {
      write_text(path, example.text.substr(0, length));
      const auto found = read(path, format, example.reading, said);
      ASSERT_LE(found.size(), whole.size()) << example.name << " cut to " << length;
      for (std::size_t k = 0; k < found.size(); ++k) {
        Frame expected = whole[k];
        ASSERT_TRUE(same(found[k], expected)) << example.name << " cut to " << length << ", frame " << k;
      }
    }
  }
}

TEST(ReaderCuts, CutInsideAFrameIsNeverSilent) {
  const testing::TemporaryFolder folder;
  for (const Example& example : examples()) {
    if (std::string(example.name) == "pw.out") continue;  // a step ends where the next geometry begins
    const std::string path = folder.file(example.name);
    write_text(path, example.text);
    const FileFormat format = recognise_format(path);
    std::string said;
    const std::size_t whole = read(path, format, example.reading, said).size();
    // Behind the head of the first frame and before the last two lines.
    for (std::size_t length = example.text.size() / 3; length + 120 < example.text.size(); length += 7) {
      write_text(path, example.text.substr(0, length));
      const auto found = read(path, format, example.reading, said);
      const bool between = std::string(example.name) == "input.data" && found.size() == 1 && said.empty();
      if (found.size() == whole || between) continue;
      EXPECT_NE(said, "") << example.name << " cut to " << length;
    }
  }
}

TEST(ReaderCuts, Cp2kFilesCutAnywhereGiveWholeFrames) {
  const testing::TemporaryFolder folder;
  const auto files = testing::cp2k_files(testing::made_up_frames(2, 182));
  const std::string path = folder.file("a-pos-1.xyz");
  write_text(path, files.positions);
  write_text(folder.file("a-frc-1.xyz"), files.forces);
  write_text(folder.file("a-1.cell"), files.cell);
  std::string said;
  const auto whole = read(path, FileFormat::cp2k, {}, said);
  ASSERT_EQ(whole.size(), 2U);
  const auto check = [&](std::size_t length) {
    const auto found = read(path, FileFormat::cp2k, {}, said);
    for (std::size_t k = 0; k < found.size(); ++k) ASSERT_TRUE(same(found[k], whole[k])) << length;
  };
  for (const auto& [name, text] :
       {std::pair(path, files.positions), std::pair(folder.file("a-frc-1.xyz"), files.forces),
        std::pair(folder.file("a-1.cell"), files.cell)}) {
    for (std::size_t length = 0; length < text.size(); length += 3) {
      write_text(name, text.substr(0, length));
      check(length);
    }
    write_text(name, text);
  }
}

TEST(ReaderCuts, XdatcarCutAnywhereGivesWholeFrames) {
  const testing::TemporaryFolder folder;
  const std::string text = testing::xdatcar_text(testing::made_up_frames(2, 183)), path = folder.file("XDATCAR");
  const auto positions = [&](std::string& said) {
    std::vector<std::vector<Vec3>> frames;
    said.clear();
    try {
      XdatcarReader reader(path);
      Cell cell;
      std::vector<Vec3> frame;
      while (reader.next(cell, frame)) frames.push_back(frame);
      said = reader.ending();
    } catch (const InputError& error) {
      said = error.what();
    }
    return frames;
  };
  std::string said;
  write_text(path, text);
  const auto whole = positions(said);
  ASSERT_EQ(whole.size(), 2U);
  for (std::size_t length = 0; length < text.size(); ++length) {
    write_text(path, text.substr(0, length));
    const auto found = positions(said);
    for (std::size_t k = 0; k < found.size(); ++k) ASSERT_EQ(found[k], whole[k]) << length;
  }
}

}  // namespace
}  // namespace haven
