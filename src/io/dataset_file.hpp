#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/structure.hpp"
#include "io/file_system.hpp"

namespace haven {

/// What is known about a dataset as a whole.
struct DatasetInfo {
  std::string created_by;                           ///< program and version
  std::string import_report;                        ///< JSON: what was read, kept, rejected and why
  std::map<std::string, std::string> provenance{};  ///< further free text by name ([A-Za-z0-9_.-])
  friend bool operator==(const DatasetInfo&, const DatasetInfo&) = default;
};

struct Dataset {
  std::vector<Frame> frames;
  DatasetInfo info;
  std::string hash;  ///< dataset_hash(frames), as stored and verified
};

/// SHA-256 over all frames (structures, labels, groups, weights, sources), not over the DatasetInfo: the same frames
/// have the same hash whoever imported them.
[[nodiscard]] std::string dataset_hash(std::span<const Frame> frames);

/// Writes the frames to an HDF5 file (layout: docs/formats.md), in place of an old one at once. Every member of Frame
/// is kept bit for bit; a missing label stays missing.
/// @throws InputError for non-finite values or label counts that do not fit the atoms (naming the frame), IoError.
void write_dataset(FileSystem& files, const std::string& path, std::span<const Frame> frames, const DatasetInfo& info);
void write_dataset(const std::string& path, std::span<const Frame> frames, const DatasetInfo& info);
/// @throws InputError for a file that is damaged or no dataset, IoError when it cannot be read.
[[nodiscard]] Dataset read_dataset(const std::string& path);

}  // namespace haven
