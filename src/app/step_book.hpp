#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/log.hpp"

namespace haven {

/// Which steps of a run are done, for which inputs: `steps.json` in the run folder, replaced as a whole at the end of
/// every step. Rank 0 only.
class StepBook {
 public:
  /// Reads the book of a run folder; a missing one is empty, a damaged one warns (RU001) and is empty: steps then run
  /// again.
  StepBook(std::string folder, Log& log);

  /// Whether the step has ended for these inputs and all its outputs are there, unchanged.
  [[nodiscard]] bool is_done(const std::string& step, const std::string& inputs);
  /// Why it is not: "not run yet", "the inputs have changed", "model/x.haven is missing".
  [[nodiscard]] std::string reason(const std::string& step, const std::string& inputs);
  /// What a finished step leaves. Paths are relative to the run folder.
  struct Products {
    std::vector<std::string> files{};            ///< must stay as they are
    std::vector<std::string> large_files{};      ///< must only stay there: trajectories carry checksums of their own
    std::map<std::string, std::string> facts{};  ///< for later steps
  };
  /// Ends a step. @throws IoError
  void record(const std::string& step, const std::string& inputs, const Products& products);
  /// A fact of a step that is done; empty when unknown.
  [[nodiscard]] std::string fact(const std::string& step, const std::string& name) const;
  /// SHA-256 of a file's content; not computed again while size and modification time stay the same. @throws IoError
  [[nodiscard]] std::string file_hash(const std::string& path);

 private:
  struct KnownFile {
    std::int64_t size = 0, modified = 0;
    std::string hash;
  };
  struct Entry {
    std::string inputs;
    std::map<std::string, std::string> outputs;  ///< path -> hash
    std::map<std::string, std::string> facts;
  };
  void load(const std::string& text);
  void save() const;
  std::string folder_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, KnownFile> files_;
};

/// Renames a file or folder to the first free `path.old1`, `path.old2`, ... and returns that name; empty when there is
/// none.
/// @throws IoError
std::string set_aside(const std::string& path);

}  // namespace haven
