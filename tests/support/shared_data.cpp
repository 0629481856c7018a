#include "support/shared_data.hpp"

#include <cstdlib>

namespace haven::testing {
namespace fs = std::filesystem;

std::optional<fs::path> shared_data(const std::string& relative) {
  const char* folder = std::getenv("HAVEN_TEST_DATA");
  const fs::path path =
      (folder != nullptr ? fs::path(folder) : fs::path(HAVEN_SOURCE_DIR) / ".." / "shared" / "data") / relative;
  if (!fs::exists(path)) return std::nullopt;
  return path;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "haven-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace haven::testing
