#pragma once
#include <span>
#include <string>

#include "io/export_formats.hpp"

namespace haven {

/// Beside the arrays of a system that Haven has written: one row a frame of what the format has no place for.
inline constexpr const char* deepmd_frames_name = "haven_frames.csv";
inline constexpr const char* deepmd_frames_header =
    "frame,group,trajectory,weight,temperature_K,source,source_index,code,source_sha256,source_settings";

/// Part of export_frames(): one DeePMD-kit system for each sequence of elements (frames with and without stress apart).
[[nodiscard]] ExportReport export_deepmd(FileSystem& files, const std::string& folder, std::span<const Frame> frames);

/// @throws InputError naming the first frame without energy, without forces or with an open boundary.
void require_labels_and_periodicity(std::span<const Frame> frames, const std::string& format);

}  // namespace haven
