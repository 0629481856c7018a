#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "core/log.hpp"
#include "io/file_system.hpp"
#include "io/run_lock.hpp"
#include "io/sha256.hpp"
#include "support/failing_file_system.hpp"
#include "support/file_bytes.hpp"
#include "support/shared_data.hpp"

namespace haven {
namespace {

using testing::bytes_of;
using testing::FailingFileSystem;
using testing::TemporaryFolder;

TEST(FileSystem, AnAtomicWriteReplacesTheOldContentAndLeavesNothingElse) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  write_file_atomically(files, folder.file("a"), std::string("old"));
  write_file_atomically(files, folder.file("a"), std::string("new content"));
  EXPECT_EQ(bytes_of(folder.file("a")), "new content");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(FileSystem, AMissingFileIsAnIoErrorWithPathAndErrno) {
  PosixFileSystem files;
  try {
    static_cast<void>(read_file(files, "/nowhere/at/all"));
    FAIL() << "no error";
  } catch (const IoError& error) {
    EXPECT_EQ(error.where(), "/nowhere/at/all");
    EXPECT_NE(error.summary().find("errno 2"), std::string::npos) << error.summary();
    EXPECT_EQ(error.exit_code(), ExitCode::resource);
  }
}

TEST(FileSystem, EveryFailingCallOfAnAtomicWriteLeavesTheOldFileAndNamesPathAndErrno) {
  const TemporaryFolder folder;
  PosixFileSystem plain;
  for (const int code : {ENOSPC, EIO}) {
    bool finished = false;
    int failures = 0;
    for (int call = 1; !finished; ++call) {
      write_file_atomically(plain, folder.file("a"), std::string("old"));
      FailingFileSystem files({.call = call, .error = code});
      try {
        write_file_atomically(files, folder.file("a"), std::string("new"));
        EXPECT_EQ(bytes_of(folder.file("a")), "new");
        finished = !files.failed();
      } catch (const IoError& error) {
        ++failures;
        EXPECT_NE(error.where().find(folder.path().string()), std::string::npos);
        EXPECT_NE(error.summary().find("errno " + std::to_string(code)), std::string::npos) << error.summary();
        // After the rename the new content is there, whole; only its durability is in doubt.
        const std::string text = bytes_of(folder.file("a"));
        EXPECT_TRUE(text == "old" || (text == "new" && files.failed_call() == "sync_folder")) << call;
        EXPECT_FALSE(std::filesystem::exists(folder.file("a.tmp"))) << call;
      }
    }
    EXPECT_GE(failures, 6);  // open, size, write, sync, close, rename, sync_folder
  }
}

TEST(FileSystem, InterruptedAndShortTransfersAreContinued) {
  const TemporaryFolder folder;
  const std::string text(1000, 'x');
  for (const bool interrupt : {true, false})
    for (int call = 1; call <= 8; ++call) {
      FailingFileSystem files({.call = call, .error = interrupt ? EINTR : 0, .short_transfer = !interrupt});
      write_file_atomically(files, folder.file("a"), text);
      EXPECT_EQ(bytes_of(folder.file("a")), text);
    }
}

TEST(FileSystem, AFileThatEndsEarlyIsAnError) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  write_file_atomically(files, folder.file("a"), std::string("four"));
  OutputFile file(files, folder.file("a"), OpenMode::read);
  std::vector<std::byte> bytes(5);
  EXPECT_THROW(file.read_at(bytes, 0), IoError);
  EXPECT_THROW(static_cast<void>(read_file(files, folder.file("a"), 3)), IoError);
}

// NIST FIPS 180-4 example values.
TEST(Sha256, MatchesThePublishedExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  const std::string text(317, 'q');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 hash;
    hash.add_bytes(std::as_bytes(std::span(text).first(cut))).add_bytes(std::as_bytes(std::span(text).subspan(cut)));
    EXPECT_EQ(hash.hex(), sha256_hex(text)) << cut;
  }
}

TEST(Sha256, NoTwoListsOfTextsShareAHash) {
  EXPECT_NE(Sha256().add("ab").add("c").hex(), Sha256().add("a").add("bc").hex());
  EXPECT_NE(Sha256().add(0.0).hex(), Sha256().add(-0.0).hex());
}

TEST(RunLock, ASecondRunInOneFolderIsRefusedAndTheFirstUnharmed) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  Log log;
  const std::string run = folder.file("md/T600/r0");
  {
    const RunLock first(files, run, log);
    try {
      const RunLock second(files, run, log);
      FAIL() << "two runs hold one folder";
    } catch (const ResourceError& error) {
      EXPECT_NE(error.summary().find("process " + std::to_string(getpid())), std::string::npos) << error.summary();
    }
    EXPECT_THROW(RunLock(files, run, log), ResourceError);
  }
  EXPECT_NO_THROW(RunLock(files, run, log));
}

}  // namespace
}  // namespace haven
