#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/rng.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {
namespace {

namespace fs = std::filesystem;

void write_project(const std::string& folder) {
  fs::create_directory(folder);
  std::vector<Frame> frames;
  for (int k = 0; k < 20; ++k) {
    RandomSequence random(3, Stream::test, static_cast<std::uint64_t>(k));
    Frame frame{.structure = {.cell = Cell(Mat3{{{{4, 0, 0}, {0, 4, 0}, {0, 0, 4}}}}),
                              .numbers = {3, 17},
                              .positions = {{0, 0, 0}, {2, 2, 2}}}};
    frame.structure.positions[1] += 0.1 * Vec3{random.normal(), random.normal(), random.normal()};
    const Vec3 force = 0.1 * Vec3{random.normal(), random.normal(), random.normal()};
    frame.energy = -6 + 0.01 * random.normal();
    frame.forces = {force, -1.0 * force};
    frames.push_back(frame);
  }
  write_extxyz(folder + "/frames.xyz", frames);
  std::ofstream(folder + "/haven.toml") << R"(
name = "tiny"
elements = ["Li", "Cl"]
[data]
sources = [ { path = "frames.xyz" } ]
split = { valid = 0.2, test = 0.2 }
[model]
preset = "fast"
cutoff = 4.0
[train]
max_epochs = 1
polish = 0
threads = 1
)";
}

/// T58: with less and less address space training ends with 6 and says that memory is short, or it succeeds; it never
/// hangs (OpenBLAS does, where it is refused a buffer) or crashes, and a model file is whole or absent.
TEST(TrainingMemory, AnyLimitEndsWithACodeAndWholeFiles) {
  const TemporaryFolder scratch;
  int refused = 0, done = 0;
  for (int level = 0; level < 12; ++level) {
    const int mib = 100 + 110 * level;
    const std::string folder = scratch.file("project" + std::to_string(mib));
    write_project(folder);
    const ProgramResult result = run_program(
        {"/bin/sh", "-c",
         "ulimit -v " + std::to_string(1024 * mib) + " && exec timeout 300 \"$0\" train --config haven.toml",
         haven_program()},
        folder);
    ASSERT_TRUE(result.code == 0 || result.code == 6) << mib << " MiB: exit code " << result.code << "\n" << result.err;
    const std::string model = folder + "/run/model/tiny.haven";
    if (result.code == 0) {
      ++done;
      EXPECT_NO_THROW((void)read_model(model));
    } else {
      ++refused;
      EXPECT_FALSE(fs::exists(model)) << mib << " MiB";
      EXPECT_NE(result.err.find("->"), std::string::npos) << result.err;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(done, 0);
}

}  // namespace
}  // namespace haven::testing
