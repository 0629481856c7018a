#pragma once
#include <functional>
#include <vector>

#include "app/config.hpp"
#include "core/log.hpp"
#include "io/dataset_file.hpp"
#include "io/import.hpp"

namespace haven {

struct ImportedData {
  std::vector<Frame> frames;
  ImportReport report;
  bool stopped = false;  ///< `stop` said so; the rest is incomplete
};

/// Reads the sources of an input file. `stop` is polled after every frame. @throws what import_frames() throws
[[nodiscard]] ImportedData import_data(const Config& config, Log& log, const std::function<bool()>& stop = {});

}  // namespace haven
