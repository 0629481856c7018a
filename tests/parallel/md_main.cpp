#include <gtest/gtest.h>

#include <memory>

#include "parallel/md_world.hpp"

namespace haven::testing {
namespace {

std::unique_ptr<Communicator> world_communicator;

// Ranks other than 0 report failures only.
class FailuresOnly final : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.failed())
      std::fprintf(stderr, "rank %d: %s:%d\n%s\n", world().rank(), result.file_name(), result.line_number(),
                   result.message());
  }
};

}  // namespace

Communicator& world() { return *world_communicator; }

}  // namespace haven::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  haven::testing::world_communicator = haven::make_world_communicator(argc, argv);
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (!haven::testing::world().is_root()) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new haven::testing::FailuresOnly);
  }
  const int status = RUN_ALL_TESTS();
  haven::testing::world_communicator.reset();
  return status;
}
