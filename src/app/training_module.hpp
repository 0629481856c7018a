#pragma once
#include <string>

#include "training/training_api.hpp"

namespace haven {

/// libhaven_training.so beside the executable; empty when this build has none.
[[nodiscard]] std::string training_module_path();
/// Loads the module (once per process; LibTorch comes with it) and trains. @throws ResourceError when the module is not
/// there or cannot be loaded, and what train() throws.
[[nodiscard]] TrainResult run_training_module(const TrainRequest& request);

}  // namespace haven
