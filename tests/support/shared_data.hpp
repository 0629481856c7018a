#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace haven::testing {

/// Path of a file of the optional real-data collection, which lies beside the repository (`../shared/data`, or the
/// folder that the environment variable HAVEN_TEST_DATA names); nothing when it is absent: such tests then say that
/// they are skipped.
[[nodiscard]] std::optional<std::filesystem::path> shared_data(const std::string& relative);

/// A new empty folder for one test, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace haven::testing

/// Skips the calling test, saying why, when the file of the real-data collection is absent; otherwise defines
/// `variable`.
#define HAVEN_SHARED_DATA(variable, relative)                                       \
  const auto variable##_found = ::haven::testing::shared_data(relative);            \
  if (!variable##_found) GTEST_SKIP() << "real-data file not here: " << (relative); \
  const std::string variable = variable##_found->string()
