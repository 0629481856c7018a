#pragma once
#include <functional>
#include <limits>
#include <span>

#include "app/config.hpp"

/// One description of every key of haven.toml, walked by three visitors: the reader, the writer of effective.toml and
/// the writer of the schema. A key exists in all of them or in none.
namespace haven {

struct Key {
  std::string_view name;
  std::string_view help;
};

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  enum class Low { closed, open } low_end = Low::closed;
  [[nodiscard]] bool contains(double value) const {
    return (low_end == Low::open ? value > low : value >= low) && value <= high;
  }
};

/// A value that a key accepts, or one of the design that this version cannot do yet.
struct Choice {
  std::string_view value;
  enum class Status { available, not_yet } status = Status::available;
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void real(const Key& key, double& value, const Range& range) = 0;
  virtual void integer(const Key& key, std::int64_t& value, const Range& range) = 0;
  virtual void unsigned_integer(const Key& key, std::uint64_t& value) = 0;
  virtual void flag(const Key& key, bool& value) = 0;
  virtual void text(const Key& key, std::string& value) = 0;
  virtual void choice(const Key& key, std::string& value, std::span<const Choice> choices) = 0;
  virtual void choice_list(const Key& key, std::vector<std::string>& values, std::span<const Choice> choices) = 0;
  virtual void text_list(const Key& key, std::vector<std::string>& values) = 0;
  virtual void real_list(const Key& key, std::vector<double>& values, const Range& range) = 0;
  virtual void triple(const Key& key, std::array<std::int64_t, 3>& values, const Range& range) = 0;
  /// "10 min", "30 s", "2 h", "1 d": stored in seconds.
  virtual void duration(const Key& key, double& seconds, const Range& range_s) = 0;
  /// "auto" or [low, high] with low < high.
  virtual void interval(const Key& key, std::optional<std::array<double, 2>>& value) = 0;
  virtual void real_map(const Key& key, std::map<std::string, double>& values) = 0;
  virtual void text_map(const Key& key, std::map<std::string, std::string>& values) = 0;
  virtual void section(const Key& key, const std::function<void(FieldVisitor&)>& body) = 0;
  /// A section that may be absent or "auto"; `present` is set by the reader and read by the writers.
  /// @param absent  what effective.toml writes for an absent one: nothing when empty, else this word
  virtual void optional_section(const Key& key, std::string_view absent, bool& present,
                                const std::function<void(FieldVisitor&)>& body) = 0;
  /// A list of tables: `resize` makes room, `body` visits element k.
  virtual void sections(const Key& key, std::size_t size, const std::function<void(std::size_t)>& resize,
                        const std::function<void(FieldVisitor&, std::size_t)>& body) = 0;
  /// A key or table of the design that this version cannot honour: an error when used (a table with `enabled = false`
  /// is not).
  virtual void unavailable(const Key& key) = 0;
};

/// Visits every key in the order in which effective.toml prints them.
void visit_fields(FieldVisitor& visitor, Config& config);

/// A problem found in the input; `line` 0 when unknown.
struct ConfigProblem {
  std::int64_t line = 0;
  std::string key, text;
};
/// Fills what one key implies for another (a thermostat for every nvt stage); called after check_config found no
/// problem.
void complete_config(Config& config);
/// Rules between keys (not of one value alone), and the parts `required` asks for.
[[nodiscard]] std::vector<ConfigProblem> check_config(const Config& config, Needs required);

/// The candidate nearest to `word` in edit distance if it is near enough to be what was meant, else empty.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace haven
