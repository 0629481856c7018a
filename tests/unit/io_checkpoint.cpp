#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "io/checkpoint.hpp"
#include "io/h5.hpp"
#include "io/sha256.hpp"
#include "support/failing_file_system.hpp"
#include "support/file_bytes.hpp"
#include "support/io_examples.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::bytes_of;
using testing::example_state;
using testing::FailingFileSystem;
using testing::put;
using testing::same;
using testing::TemporaryFolder;

TEST(Checkpoint, TheStateComesBackExactly) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  Log log;
  EXPECT_FALSE(read_newest_checkpoint(folder.path().string(), log).has_value());
  for (const std::size_t atoms : {0, 1, 257}) {
    const SimulationState state = example_state(12345, atoms);
    write_checkpoint(files, folder.file(checkpoint_name), state);
    const auto read = read_newest_checkpoint(folder.path().string(), log);
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(same(*read, state));
  }
}

TEST(Checkpoint, TwoGenerationsAreKept) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  for (const std::int64_t step : {10, 20, 30})
    write_checkpoint(files, folder.file(checkpoint_name), example_state(step));
  EXPECT_TRUE(same(read_checkpoint(folder.file(checkpoint_name)), example_state(30)));
  EXPECT_TRUE(same(read_checkpoint(folder.file(previous_checkpoint_name)), example_state(20)));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(Checkpoint, DamageFallsBackToTheLastGenerationAndNeverStartsFromGarbage) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  for (const std::int64_t step : {10, 20}) write_checkpoint(files, folder.file(checkpoint_name), example_state(step));
  const std::string good = bytes_of(folder.file(checkpoint_name));
  const auto expect_fallback = [&](const std::string& bad, const std::string& what) {
    put(folder.file(checkpoint_name), bad);
    Log log;
    const TemporaryFolder logs;
    log.open_file(logs.file("log"));
    const auto state = read_newest_checkpoint(folder.path().string(), log);
    ASSERT_TRUE(state.has_value() && same(*state, example_state(10))) << what;
    EXPECT_NE(bytes_of(logs.file("log")).find("CK001"), std::string::npos) << what;
  };
  for (std::size_t k = 0; k < 64; ++k) expect_fallback(good.substr(0, good.size() * k / 64), "truncated");
  RandomSequence random(5, Stream::test, 0);
  for (int k = 0; k < 500; ++k) {
    std::string bad = good;
    bad[random.below(bad.size())] ^= static_cast<char>(1 << random.below(8));
    expect_fallback(bad, "flipped");
  }
  expect_fallback(good + "x", "with a tail");
}

TEST(Checkpoint, TwoDamagedGenerationsAreRefused) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  Log log;
  write_checkpoint(files, folder.file(checkpoint_name), example_state(10));
  put(folder.file(checkpoint_name), "garbage");
  EXPECT_THROW(static_cast<void>(read_newest_checkpoint(folder.path().string(), log)), InputError);
  put(folder.file(previous_checkpoint_name), "");
  EXPECT_THROW(static_cast<void>(read_newest_checkpoint(folder.path().string(), log)), InputError);
}

/// A newer program's checkpoint is no damage: the older one beside it is not what the user wants to go on from.
TEST(Checkpoint, AnotherVersionIsRefusedAlsoBesideAnOlderGenerationThatCouldBeRead) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  Log log;
  for (const std::int64_t step : {10, 20}) write_checkpoint(files, folder.file(checkpoint_name), example_state(step));
  h5::File newer = h5::File::create_in_memory("newer");
  newer.root().set("format", std::string("haven-checkpoint"));
  newer.root().set("version", std::vector<std::int64_t>{2, 0});
  const std::vector<std::byte> bytes = std::move(newer).image();
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  put(folder.file(checkpoint_name), text + "\nhaven-sha256 " + sha256_hex(bytes) + "\n");
  try {
    static_cast<void>(read_newest_checkpoint(folder.path().string(), log));
    ADD_FAILURE() << "went on";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("version 2 is not known"), std::string::npos) << error.what();
  }
}

TEST(Checkpoint, AMissingNewestFileFallsBack) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  Log log;
  for (const std::int64_t step : {10, 20}) write_checkpoint(files, folder.file(checkpoint_name), example_state(step));
  std::filesystem::remove(folder.file(checkpoint_name));
  const auto state = read_newest_checkpoint(folder.path().string(), log);
  ASSERT_TRUE(state.has_value());
  EXPECT_TRUE(same(*state, example_state(10)));
}

TEST(Checkpoint, AStateThatIsNotFiniteDoesNotReplaceAGoodOne) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  write_checkpoint(files, folder.file(checkpoint_name), example_state(10));
  SimulationState bad = example_state(20);
  bad.velocities[3].y = std::nan("");
  EXPECT_THROW(write_checkpoint(files, folder.file(checkpoint_name), bad), NumericalError);
  EXPECT_TRUE(same(read_checkpoint(folder.file(checkpoint_name)), example_state(10)));
}

TEST(Checkpoint, EveryFailingCallLeavesAWholeGenerationAndNamesPathAndErrno) {
  const TemporaryFolder folder;
  PosixFileSystem plain;
  Log log;
  write_checkpoint(plain, folder.file(checkpoint_name), example_state(10));
  for (const int code : {ENOSPC, EIO, EROFS, EACCES, EINTR, 0}) {
    bool finished = false;
    for (int call = 1; !finished; ++call) {
      const std::int64_t newest = read_newest_checkpoint(folder.path().string(), log)->step, next = newest + 10;
      FailingFileSystem files({.call = call, .error = code, .short_transfer = code == 0});
      std::int64_t expected = next;
      try {
        write_checkpoint(files, folder.file(checkpoint_name), example_state(next));
        finished = !files.failed();
        EXPECT_TRUE(finished || code == EINTR || code == 0) << files.failed_call();
      } catch (const IoError& error) {
        EXPECT_TRUE(code != EINTR && code != 0);
        EXPECT_NE(error.summary().find("errno " + std::to_string(code)), std::string::npos) << error.summary();
        EXPECT_NE(error.where().find(folder.path().string()), std::string::npos);
        if (files.failed_call() != "sync_folder") expected = newest;
      }
      const auto state = read_newest_checkpoint(folder.path().string(), log);
      ASSERT_TRUE(state.has_value());
      EXPECT_TRUE(same(*state, example_state(expected))) << files.failed_call();
    }
  }
}

}  // namespace
}  // namespace haven
