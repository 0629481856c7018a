#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "io/extxyz.hpp"
#include "io/text_file.hpp"
#include "support/file_bytes.hpp"
#include "support/program.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"

/// What the program takes of memory does not grow with the length of what it reads.
namespace haven {
namespace {

/// `count` frames of 160 atoms, each different.
std::vector<Frame> large_frames(int count) {
  const auto some = testing::made_up_frames(20, 91);
  std::vector<Frame> frames;
  for (int k = 0; k < count; ++k) {
    Frame frame = some[static_cast<std::size_t>(k % 20)];
    const std::vector<Vec3> forces = frame.forces;
    frame.structure = supercell(frame.structure, 4, 4, 2);
    frame.forces.clear();
    while (frame.forces.size() < frame.structure.numbers.size())
      frame.forces.insert(frame.forces.end(), forces.begin(), forces.end());
    frame.energy = *frame.energy * 32;
    frame.structure.positions[0].x += 2e-5 * k;  // the digits that an OUTCAR has
    frames.push_back(std::move(frame));
  }
  return frames;
}

/// A line of /proc/PID/status in kB; 0 without it.
long status_kb(pid_t process, const std::string& name) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  return 0;
}

/// Peak memory of `haven data import` in kB, read when it is about to exit: what wait4 tells also counts the memory of
/// the process that called exec, which is this one's. 0 where processes cannot be traced.
long memory_of_import(const std::string& source, const std::string& output) {
  const std::string program = testing::haven_program();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    static_cast<void>(std::freopen("/dev/null", "w", stderr));
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(126);
    ::execl(program.c_str(), "haven", "data", "import", source.c_str(), "-o", output.c_str(), nullptr);
    _exit(127);
  }
  long peak = 0;
  int status = 0;
  bool begun = false;
  while (waitpid(child, &status, 0) == child && !WIFEXITED(status) && !WIFSIGNALED(status)) {
    long signal = WSTOPSIG(status);
    if (!std::exchange(begun, true))
      signal = 0, ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8))) signal = 0, peak = status_kb(child, "VmHWM");
    ::ptrace(PTRACE_CONT, child, nullptr, signal);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 126) return 0;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << source;
  return peak;
}

/// The growth in kB from a file of 250 to one of 1000 frames.
long growth(const testing::TemporaryFolder& folder, const std::string& name, std::string (*text)(int frames)) {
  long memory[2] = {0, 0};
  for (const int k : {0, 1}) {
    write_text(folder.file(name), text(k == 0 ? 250 : 1000));
    memory[k] = memory_of_import(folder.file(name), folder.file("set.h5"));
  }
  EXPECT_GT(std::filesystem::file_size(folder.file("set.h5")), 10U << 20U) << "1000 frames are kept";
  return memory[1] - memory[0];
}

class ImportMemory : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer's own memory grows";
#endif
    testing::write_vaspout(folder_.file("vaspout.h5"), testing::made_up_frames(3, 92));
    if (memory_of_import(folder_.file("vaspout.h5"), folder_.file("set.h5")) == 0)
      GTEST_SKIP() << "processes cannot be traced here";
  }
  testing::TemporaryFolder folder_;
};

// 750 frames of 160 atoms are 9 MB of numbers and 10 to 29 MB of text; some 0.5 kB of each frame stay (its name, the
// digest of its structure, its line of the dataset).
constexpr long allowed_kb = 4096;

TEST_F(ImportMemory, DoesNotGrowWithTheFramesOfAnOutcar) {
  EXPECT_LT(growth(folder_, "OUTCAR", [](int frames) { return testing::outcar_text(large_frames(frames), {}); }),
            allowed_kb);
}

TEST_F(ImportMemory, DoesNotGrowWithTheFramesOfAVasprun) {
  EXPECT_LT(growth(folder_, "vasprun.xml", [](int frames) { return testing::vasprun_text(large_frames(frames), {}); }),
            allowed_kb);
}

TEST_F(ImportMemory, DoesNotGrowWithTheFramesOfExtendedXyz) {
  EXPECT_LT(growth(folder_, "set.xyz",
                   [](int frames) {
                     std::string text;
                     for (const Frame& frame : large_frames(frames)) text += extxyz_text(frame);
                     return text;
                   }),
            allowed_kb);
}

/// HDF5 needs a whole file; what a compressed one becomes goes to the disk, not into memory. 200 MB behind the end of
/// the content stand for arrays.
TEST_F(ImportMemory, DoesNotGrowWithTheSizeOfACompressedVaspout) {
  const std::string content = testing::bytes_of(folder_.file("vaspout.h5"));
  long memory[2] = {0, 0};
  for (const int k : {0, 1}) {
    const gzFile file = gzopen(folder_.file("vaspout.h5.gz").c_str(), "wb1");
    ASSERT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())), static_cast<int>(content.size()));
    const std::string block(std::size_t{1} << 20U, '\0');
    for (int block_number = 0; block_number < 200 * k; ++block_number)
      ASSERT_GT(gzwrite(file, block.data(), static_cast<unsigned>(block.size())), 0);
    gzclose(file);
    memory[k] = memory_of_import(folder_.file("vaspout.h5.gz"), folder_.file("set.h5"));
  }
  EXPECT_LT(memory[1] - memory[0], allowed_kb);
}

}  // namespace
}  // namespace haven
