#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "io/trajectory.hpp"
#include "support/io_examples.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

/// What H5MD 1.1 asks of a file, and every frame: step, time, box, positions and velocities with all their digits.
constexpr const char* script = R"(
import sys, h5py
with h5py.File(sys.argv[1], "r") as file:
    assert list(file["h5md"].attrs["version"]) == [1, 1]
    for part in ("author", "creator"):
        assert "name" in file["h5md"][part].attrs
    assert "version" in file["h5md/creator"].attrs
    group = file["particles/all"]
    box = group["box"]
    assert box.attrs["dimension"] == 3 and len(box.attrs["boundary"]) == 3
    for name in ("position", "velocity", "box/edges"):
        assert set(group[name]) == {"value", "step", "time"}, name
        assert group[name]["value"].shape[0] == group[name]["step"].shape[0] == group[name]["time"].shape[0]
    assert group["species"].shape == group["id"].shape == group["mass"].shape == group["position/value"].shape[1:2]
    for name, unit in (("position/value", "Angstrom"), ("velocity/value", "Angstrom fs-1"), ("position/time", "fs"),
                       ("box/edges/value", "Angstrom"), ("mass", "u")):
        assert group[name].attrs["unit"] == unit and isinstance(group[name].attrs["unit"], str), name
    for frame in range(group["position/step"].shape[0]):
        print(group["position/step"][frame])
        numbers = [group["position/time"][frame]]
        for name in ("box/edges", "position", "velocity"):
            numbers += list(group[name]["value"][frame].ravel())
        print(*(float(number).hex() for number in numbers))
)";

void append(std::vector<double>& numbers, const Vec3& v) { numbers.insert(numbers.end(), {v.x, v.y, v.z}); }

std::vector<double> numbers_of(const TrajectoryFrame& frame) {
  std::vector<double> numbers{frame.time_fs};
  for (int k = 0; k < 3; ++k) append(numbers, frame.cell.vectors()[k]);
  for (const Vec3& r : frame.positions) append(numbers, r);
  for (const Vec3& v : frame.velocities) append(numbers, v);
  return numbers;
}

}  // namespace

/// T52: a finished segment is H5MD, opens without SWMR, and h5py reads from it bit by bit what our reader does. Units
/// are text to Python, which MDAnalysis insists on.
TEST(H5py, ReadsWhatOurReaderReads) {
  const TemporaryFolder folder;
  if (run_program({"/usr/bin/python3", "-c", "import h5py"}, folder.path().string()).code != 0)
    GTEST_SKIP() << "no h5py here";
  const std::string file = folder.file(segment_name(1));
  PosixFileSystem files;
  TrajectoryWriter writer(files, file, example_header(), {.velocities = true});
  std::vector<TrajectoryFrame> written;
  for (const std::int64_t step : {0, 5, 10}) {
    TrajectoryFrame frame = example_frame(step);
    frame.velocities = random_vectors(static_cast<std::uint64_t>(99 + step), frame.positions.size());
    writer.append(frame);
    written.push_back(frame);
  }
  writer.close();
  std::ofstream(folder.file("read.py")) << script;
  const ProgramResult result = run_program({"/usr/bin/python3", "read.py", file}, folder.path().string());
  ASSERT_EQ(result.code, 0) << result.err;
  std::istringstream lines(result.out);
  TrajectoryReader reader(folder.path().string());
  TrajectoryFrame frame;
  std::size_t count = 0;
  for (; reader.next(frame); ++count) {
    EXPECT_EQ(numbers_of(frame), numbers_of(written.at(count)));
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(std::stoll(line), frame.step);
    ASSERT_TRUE(std::getline(lines, line));
    std::istringstream words(line);
    for (const double expected : numbers_of(frame)) {
      std::string word;
      ASSERT_TRUE(words >> word);
      EXPECT_EQ(std::strtod(word.c_str(), nullptr), expected);
    }
  }
  EXPECT_EQ(count, written.size());
}

}  // namespace haven::testing
