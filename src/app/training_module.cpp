#include "app/training_module.hpp"

#include <dlfcn.h>

#include <filesystem>

#include "core/error.hpp"

namespace haven {

std::string training_module_path() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return "";
  for (const fs::path& folder : {program.parent_path(), program.parent_path().parent_path() / "lib" / "haven"})
    if (const fs::path module = folder / "libhaven_training.so"; fs::exists(module, error)) return module.string();
  return "";
}

TrainResult run_training_module(const TrainRequest& request) {
  const std::string path = training_module_path();
  if (path.empty())
    throw ResourceError("this build of Haven cannot train: libhaven_training.so is not beside the program",
                        "haven train",
                        "Build with HAVEN_WITH_TORCH=ON, or train on another machine and copy the model file here.");
  // Never closed: LibTorch does not survive being unloaded.
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const std::string reason = dlerror();
    const bool memory = reason.find("map segment") != std::string::npos || reason.find("memory") != std::string::npos;
    throw ResourceError("the training module cannot be loaded: " + reason, path,
                        memory ? "LibTorch needs about 700 MiB of address space: raise the limit (ulimit -v, the batch "
                                 "job's memory)."
                               : "Install the LibTorch that it was built with, or build Haven again on this machine.");
  }
  const auto function = reinterpret_cast<haven_train_function>(dlsym(module, "haven_train"));
  if (function == nullptr)
    throw ResourceError("the training module does not belong to this program", path,
                        "Build the program and the module together.");
  TrainResult result;
  function(&request, &result);
  return result;
}

}  // namespace haven
