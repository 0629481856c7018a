#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/structure.hpp"
#include "io/file_system.hpp"
#include "io/frame_reader.hpp"

namespace haven {

enum class ExportFormat {
  extxyz,  ///< everything a frame holds, numbers that read back bit for bit
  gpumd,   ///< train.xyz of GPUMD: extxyz with `virial` (eV) and the column `force`
  deepmd,  ///< DeePMD-kit systems: a folder per order of elements, set.000/*.npy in double precision
  n2p2,    ///< input.data of n2p2 and RuNNer
};
/// "extxyz", "gpumd", "deepmd", "n2p2"; nothing for any other word.
[[nodiscard]] std::optional<ExportFormat> export_format(std::string_view name);
/// Chosen by the name of the output: *.xyz, *.extxyz, input.data, a name without suffix (deepmd).
[[nodiscard]] std::optional<ExportFormat> export_format_of(const std::string& path);

struct ExportOptions {
  ExportFormat format = ExportFormat::extxyz;
  FileUnits units = FileUnits::angstrom_ev;  ///< of n2p2
};

/// What was written, and what the format has no place for.
struct ExportReport {
  std::vector<std::string> files{};
  std::vector<std::string> lost{};  ///< "stress of 20 frames", ...
};

/// Writes the frames to `path` (for deepmd a folder that does not exist yet or is empty), each file whole or not at
/// all. Groups, trajectories, weights and sources, which deepmd has no place for, go to haven_frames.csv in each
/// system; n2p2 gets them as comments.
/// @throws InputError for frames that the format cannot hold (no energy or forces in deepmd and n2p2, open boundaries
/// in these two), naming the first one; ConfigError when the folder is in use; IoError.
[[nodiscard]] ExportReport export_frames(FileSystem& files, const std::string& path, std::span<const Frame> frames,
                                         const ExportOptions& options);

}  // namespace haven
