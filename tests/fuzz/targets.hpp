#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Every reader of foreign bytes as a fuzz target. The libFuzzer programs (preset `fuzz`, `scripts/fuzz`) and the
/// deterministic mutation test of the normal suite run the same functions on the same seeds.
namespace haven::fuzz {

struct Target {
  std::string_view name;
  /// Reads the bytes as far as they can be read and checks what comes out. Refusing is fine: errors that are meant for
  /// users are caught inside. Anything else that is thrown, and a broken promise (std::logic_error), is a finding.
  void (*run)(std::string_view bytes);
  /// Small good inputs, all made by the project's own writers or written by hand.
  std::vector<std::string> (*seeds)();
  /// Words that a mutator should know.
  std::vector<std::string> words;
};

/// Inputs of several files are their bytes with this between them.
inline constexpr std::string_view parts_separator = "\n%%haven-part%%\n";

[[nodiscard]] const std::vector<Target>& targets();
/// @throws std::invalid_argument for an unknown name
[[nodiscard]] const Target& target(std::string_view name);

/// The bytes as a file that readers can open by path, in memory.
class BytesFile {
 public:
  explicit BytesFile(std::string_view bytes);
  ~BytesFile();
  BytesFile(const BytesFile&) = delete;
  BytesFile& operator=(const BytesFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int handle_;
  std::string path_;
};

/// A changed copy: one to four of flipped bits, replaced bytes, cuts, repeated and moved blocks, and words put in the
/// place of others. A pure function of its arguments.
[[nodiscard]] std::string mutant(const std::string& seed, const Target& target, std::uint64_t number);

}  // namespace haven::fuzz
