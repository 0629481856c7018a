// Asking for a GPU: an error where there is none, never a silent choice.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "io/model_file.hpp"
#include "potentials/program/drivers/cuda_potential.hpp"
#include "support/program.hpp"
#include "support/shared_data.hpp"
#include "support/tiny_model.hpp"

namespace haven::testing {
namespace {

class MdDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    write_model(folder_.file("tiny.haven"), tiny_model());
    std::ofstream(folder_.file("POSCAR")) << tiny_poscar;
  }
  ProgramResult md(const std::string& device) const {
    return run_program({haven_program(), "md", "tiny.haven", "POSCAR", "--temperature", "300", "--ps", "0.005",
                        "--device", device, "-o", "out"},
                       folder_.path().string());
  }
  TemporaryFolder folder_;
};

TEST_F(MdDevice, CudaWithoutAUsableGpuEndsTheRunBeforeItsFirstStep) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "skipped: this machine has a GPU";
  const ProgramResult result = md("cuda");
  EXPECT_EQ(result.code, built_with_cuda() ? 6 : 2) << result.err;
  EXPECT_NE(result.err.find("->"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("cpu"), std::string::npos) << result.err;
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out" / "T300"));
}

TEST_F(MdDevice, CudaRunsOnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "skipped: no CUDA device (" << cuda_obstacle() << ")";
  const ProgramResult result = md("cuda");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("CUDA device"), std::string::npos) << result.out;
}

TEST_F(MdDevice, UnknownDevicesAreRefusedWithTheKnownOnes) {
  const ProgramResult result = md("tpu");
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("cuda"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace haven::testing
