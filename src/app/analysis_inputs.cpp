#include "app/analysis_inputs.hpp"

#include <filesystem>

#include "core/error.hpp"

namespace haven {

TrajectoryReading reading_of(const TransportArguments& arguments) {
  return {.frame_interval_fs = arguments.frame_interval_fs,
          .timestep_fs = arguments.timestep_fs,
          .temperature_K = arguments.temperature,
          .stage = arguments.stage,
          .types = arguments.types,
          .structure = arguments.structure};
}

std::string transport_result_file(const std::string& given) {
  namespace fs = std::filesystem;
  for (const fs::path& path :
       {fs::path(given), fs::path(given) / "transport.json", fs::path(given) / "transport" / "transport.json"})
    if (fs::is_regular_file(path)) return path.string();
  throw InputError("holds no transport.json", given,
                   "Run `haven run` first, or `haven transport haven ... -o FOLDER` for each temperature.");
}

}  // namespace haven
