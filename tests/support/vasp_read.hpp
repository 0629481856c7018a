#pragma once
#include <memory>
#include <string>
#include <vector>

#include "io/text_file.hpp"
#include "io/vasp_run.hpp"
#include "support/shared_data.hpp"

namespace haven::testing {

/// All that a reader says about one file.
struct RunRead {
  std::vector<VaspStep> steps;
  VaspSettings settings;
  VaspEnding ending;
};

/// Writes `text` into a file of this name and reads it with what `open` makes.
template <class Open>
RunRead read_run(const std::string& name, const std::string& text, Open open) {
  const TemporaryFolder folder;
  const std::string path = folder.file(name);
  write_text(path, text);
  RunRead result;
  const auto reader = open(path);
  while (auto step = reader->next()) result.steps.push_back(std::move(*step));
  result.settings = reader->settings();
  result.ending = reader->ending();
  return result;
}

}  // namespace haven::testing
