#pragma once
#include <span>
#include <string>
#include <vector>

#include "analysis/model_errors.hpp"
#include "core/log.hpp"
#include "training/training_api.hpp"

namespace haven {

/// Written by training beside the model.
inline constexpr const char* split_file_name = "split.csv";

/// Which part each frame belongs to. @throws InputError
[[nodiscard]] std::vector<Part> read_split(const std::string& path);
/// @param part "train", "valid" or "test"; `split` names the file in messages
/// @throws InputError when sizes differ or the part is empty
[[nodiscard]] std::vector<Frame> select_part(std::vector<Frame> frames, const std::vector<Part>& parts,
                                             const std::string& part, const std::string& split);
[[nodiscard]] const char* part_name(Part part);

/// Evaluates a model on frames with progress on the log. @throws what evaluate_errors() throws
[[nodiscard]] ModelErrors test_frames(const Potential& potential, std::span<const Frame> frames,
                                      const std::string& name, Log& log);

/// parity_energy.svg and parity_force.svg of one or several parts by name, in this order of drawing. Returns the paths.
/// @throws IoError
std::vector<std::string> write_parity_figures(const std::vector<std::pair<std::string, const ModelErrors*>>& parts,
                                              const std::string& folder);

}  // namespace haven
