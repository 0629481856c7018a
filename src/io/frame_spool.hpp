#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/dataset_stream.hpp"
#include "io/file_system.hpp"

namespace haven {

/// Frames on disk while an import goes on, so that memory does not grow with their number. The file has no name (it is
/// removed as soon as it is open) and vanishes with the object or the process.
class FrameSpool final : public FrameSequence {
 public:
  /// The file is made in `folder`, which must exist. @throws IoError
  FrameSpool(FileSystem& files, const std::string& folder);
  /// @throws IoError when the disk is full or fails
  void append(const Frame& frame);
  [[nodiscard]] Index size() const override { return count_; }
  /// Every frame in the order of append(), bit for bit; one at a time in memory.
  void each(const std::function<void(const Frame&)>& visit) override;
  [[nodiscard]] bool has_provenance() const override { return has_provenance_; }

 private:
  /// Texts that many frames share, each kept once.
  std::int64_t text(const std::string& value);
  std::int64_t settings(const std::shared_ptr<const std::string>& value);
  void write_out();
  OutputFile file_;
  std::vector<std::byte> pending_;
  std::map<std::string, std::int64_t> index_of_text_;
  std::vector<std::string> texts_;
  std::vector<std::shared_ptr<const std::string>> settings_{nullptr};
  Index count_ = 0;
  bool has_provenance_ = false;
};

}  // namespace haven
