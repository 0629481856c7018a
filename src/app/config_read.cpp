#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "app/config_fields.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

constexpr std::uintmax_t largest_input = 4 << 20;  ///< bytes; an input file is written by people

/// What all levels of one reading share.
struct Reading {
  std::vector<ConfigProblem> problems;
  std::vector<std::string> notes;
  std::map<std::string, std::int64_t> lines;  ///< line of every key that was read
};

std::string kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return fmt::format("the text \"{}\"", *node.value<std::string>());
    case toml::node_type::integer:
      return fmt::format("the integer {}", *node.value<std::int64_t>());
    case toml::node_type::floating_point:
      return fmt::format("the number {}", *node.value<double>());
    case toml::node_type::boolean:
      return *node.value<bool>() ? "true" : "false";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

std::string range_text(const Range& range) {
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high && range.low == range.high) return fmt::format("only {} is available in this version", range.low);
  const std::string_view sign = range.low_end == Range::Low::open ? ">" : ">=";
  if (low && high) return fmt::format("must be {} {} and <= {}", sign, range.low, range.high);
  return low ? fmt::format("must be {} {}", sign, range.low) : fmt::format("must be <= {}", range.high);
}

class TomlReader final : public FieldVisitor {
 public:
  TomlReader(const toml::table* table, std::string path, Reading& reading)
      : table_(table), path_(std::move(path)), reading_(reading) {}

  void real(const Key& key, double& value, const Range& range) override {
    if (const toml::node* node = find(key)) read_real(*node, full(key), range, value);
  }
  void integer(const Key& key, std::int64_t& value, const Range& range) override {
    if (const toml::node* node = find(key)) read_integer(*node, full(key), range, value);
  }
  void unsigned_integer(const Key& key, std::uint64_t& value) override {
    std::int64_t number = 0;
    const toml::node* node = find(key);
    if (node != nullptr && read_integer(*node, full(key), {.low = 0}, number))
      value = static_cast<std::uint64_t>(number);
  }
  void flag(const Key& key, bool& value) override {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (node->is_boolean()) {
      value = *node->value<bool>();
    } else {
      wrong_type(*node, full(key), "true or false");
    }
  }
  void text(const Key& key, std::string& value) override {
    if (const toml::node* node = find(key)) read_text(*node, full(key), value);
  }
  void choice(const Key& key, std::string& value, std::span<const Choice> choices) override {
    if (const toml::node* node = find(key)) read_choice(*node, full(key), choices, value);
  }
  void choice_list(const Key& key, std::vector<std::string>& values, std::span<const Choice> choices) override {
    read_list(key, "a list of texts", values, [&](const toml::node& node, const std::string& path, std::string& value) {
      return read_choice(node, path, choices, value);
    });
  }
  void text_list(const Key& key, std::vector<std::string>& values) override {
    read_list(key, "a list of texts", values, [&](const toml::node& node, const std::string& path, std::string& value) {
      return read_text(node, path, value);
    });
  }
  void real_list(const Key& key, std::vector<double>& values, const Range& range) override {
    read_list(key, "a list of numbers", values, [&](const toml::node& node, const std::string& path, double& value) {
      return read_real(node, path, range, value);
    });
  }
  void triple(const Key& key, std::array<std::int64_t, 3>& values, const Range& range) override;
  void duration(const Key& key, double& seconds, const Range& range_s) override;
  void interval(const Key& key, std::optional<std::array<double, 2>>& value) override;
  void real_map(const Key& key, std::map<std::string, double>& values) override {
    read_map(key, values, [&](const toml::node& node, const std::string& path, double& value) {
      return read_real(node, path, {}, value);
    });
  }
  void text_map(const Key& key, std::map<std::string, std::string>& values) override {
    read_map(key, values, [&](const toml::node& node, const std::string& path, std::string& value) {
      return read_text(node, path, value);
    });
  }
  void section(const Key& key, const std::function<void(FieldVisitor&)>& body) override {
    const toml::node* node = find(key);
    if (node != nullptr && !node->is_table()) wrong_type(*node, full(key), "a table");
    visit_table(node != nullptr ? node->as_table() : nullptr, full(key), body);
  }
  void optional_section(const Key& key, std::string_view, bool& present,
                        const std::function<void(FieldVisitor&)>& body) override {
    const toml::node* node = find(key);
    if (node != nullptr && node->is_string() && *node->value<std::string>() == "auto") node = nullptr;
    present = node != nullptr;
    if (node != nullptr && !node->is_table()) wrong_type(*node, full(key), "a table");
    visit_table(node != nullptr ? node->as_table() : nullptr, full(key), body);
  }
  void sections(const Key& key, std::size_t size, const std::function<void(std::size_t)>& resize,
                const std::function<void(FieldVisitor&, std::size_t)>& body) override;
  void unavailable(const Key& key) override;

  /// Reports the keys of this table that nothing has asked for.
  void report_unknown() {
    if (table_ == nullptr) return;
    for (const auto& [name, node] : *table_) {
      const std::string key(name.str());
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      const std::string guess = nearest(key, known_);
      problem(node, path_.empty() ? key : path_ + "." + key,
              guess.empty() ? fmt::format("unknown key; valid here: {}", fmt::join(known_, ", "))
                            : fmt::format("unknown key; did you mean \"{}\"?", guess));
    }
  }

 private:
  [[nodiscard]] std::string full(const Key& key) const {
    return path_.empty() ? std::string(key.name) : path_ + "." + std::string(key.name);
  }
  const toml::node* find(const Key& key) {
    known_.emplace_back(key.name);
    const toml::node* node = table_ == nullptr ? nullptr : table_->get(key.name);
    if (node != nullptr) reading_.lines[full(key)] = node->source().begin.line;
    return node;
  }
  void problem(const toml::node& node, const std::string& path, const std::string& text) {
    reading_.problems.push_back({node.source().begin.line, path, text});
  }
  void wrong_type(const toml::node& node, const std::string& path, std::string_view expected) {
    problem(node, path, fmt::format("expected {}, found {}", expected, kind_of(node)));
  }
  bool read_real(const toml::node& node, const std::string& path, const Range& range, double& value) {
    if (!node.is_number()) return wrong_type(node, path, "a number"), false;
    const double number = *node.value<double>();
    if (!std::isfinite(number)) return problem(node, path, "must be finite"), false;
    if (!range.contains(number))
      return problem(node, path, fmt::format("{} is out of range: {}", number, range_text(range))), false;
    value = number;
    return true;
  }
  bool read_integer(const toml::node& node, const std::string& path, const Range& range, std::int64_t& value) {
    if (!node.is_integer()) return wrong_type(node, path, "an integer"), false;
    const std::int64_t number = *node.value<std::int64_t>();
    if (!range.contains(static_cast<double>(number)))
      return problem(node, path, fmt::format("{} is out of range: {}", number, range_text(range))), false;
    value = number;
    return true;
  }
  bool read_text(const toml::node& node, const std::string& path, std::string& value) {
    if (!node.is_string()) return wrong_type(node, path, "a text in quotes"), false;
    value = *node.value<std::string>();
    return true;
  }
  bool read_choice(const toml::node& node, const std::string& path, std::span<const Choice> choices,
                   std::string& value);
  template <class T, class Read>
  void read_list(const Key& key, std::string_view expected, std::vector<T>& values, Read read);
  template <class T, class Read>
  void read_map(const Key& key, std::map<std::string, T>& values, Read read);
  void visit_table(const toml::table* table, const std::string& path, const std::function<void(FieldVisitor&)>& body) {
    TomlReader inner(table, path, reading_);
    body(inner);
    inner.report_unknown();
  }

  const toml::table* table_;
  std::string path_;
  Reading& reading_;
  std::vector<std::string> known_;
};

bool TomlReader::read_choice(const toml::node& node, const std::string& path, std::span<const Choice> choices,
                             std::string& value) {
  std::string word;
  if (!read_text(node, path, word)) return false;
  std::vector<std::string> available;
  for (const Choice& choice : choices)
    if (choice.status == Choice::Status::available) available.emplace_back(choice.value);
  for (const Choice& choice : choices) {
    if (choice.value != word) continue;
    if (choice.status == Choice::Status::not_yet)
      return problem(node, path,
                     fmt::format("\"{}\" is not available in this version; available: \"{}\"", word,
                                 fmt::join(available, "\", \""))),
             false;
    value = word;
    return true;
  }
  const std::string guess = nearest(word, available);
  problem(node, path,
          fmt::format("\"{}\" is not one of \"{}\"{}", word, fmt::join(available, "\", \""),
                      guess.empty() ? "" : fmt::format("; did you mean \"{}\"?", guess)));
  return false;
}

template <class T, class Read>
void TomlReader::read_list(const Key& key, std::string_view expected, std::vector<T>& values, Read read) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_array()) return wrong_type(*node, full(key), expected);
  std::vector<T> result;
  for (const toml::node& item : *node->as_array()) {
    T value{};
    if (read(item, fmt::format("{}[{}]", full(key), result.size()), value)) result.push_back(value);
  }
  values = result;
}

template <class T, class Read>
void TomlReader::read_map(const Key& key, std::map<std::string, T>& values, Read read) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_table()) return wrong_type(*node, full(key), "a table");
  values.clear();
  for (const auto& [name, item] : *node->as_table()) {
    T value{};
    const std::string path = fmt::format("{}.{}", full(key), name.str());
    reading_.lines[path] = item.source().begin.line;
    if (read(item, path, value)) values[std::string(name.str())] = value;
  }
}

void TomlReader::triple(const Key& key, std::array<std::int64_t, 3>& values, const Range& range) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_array() || node->as_array()->size() != 3)
    return wrong_type(*node, full(key), "a list of three integers");
  for (std::size_t k = 0; k < 3; ++k)
    read_integer(*node->as_array()->get(k), fmt::format("{}[{}]", full(key), k), range, values[k]);
}

void TomlReader::duration(const Key& key, double& seconds, const Range& range_s) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  static constexpr std::pair<std::string_view, double> units[] = {{"s", 1},     {"sec", 1},     {"min", 60},
                                                                  {"h", 3600},  {"hour", 3600}, {"hours", 3600},
                                                                  {"d", 86400}, {"day", 86400}, {"days", 86400}};
  const auto complain = [&] {
    wrong_type(*node, full(key), "a time with its unit, such as \"30 s\", \"10 min\", \"2 h\" or \"1 d\"");
  };
  if (!node->is_string()) return complain();
  const std::string text = *node->value<std::string>();
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  const auto* found = std::find_if(std::begin(units), std::end(units), [&](const auto& u) { return u.first == unit; });
  if (status != std::errc{} || found == std::end(units) || !std::isfinite(number)) return complain();
  if (!range_s.contains(number * found->second))
    return problem(*node, full(key), fmt::format("\"{}\" is out of range: seconds {}", text, range_text(range_s)));
  seconds = number * found->second;
}

void TomlReader::interval(const Key& key, std::optional<std::array<double, 2>>& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (node->is_string() && *node->value<std::string>() == "auto") {
    value.reset();
    return;
  }
  const toml::array* list = node->as_array();
  if (list == nullptr || list->size() != 2) return wrong_type(*node, full(key), "\"auto\" or [start, end]");
  std::array<double, 2> ends{};
  for (std::size_t k = 0; k < 2; ++k)
    if (!read_real(*list->get(k), fmt::format("{}[{}]", full(key), k), {.low = 0}, ends[k])) return;
  if (ends[0] >= ends[1])
    return problem(*node, full(key),
                   fmt::format("[{}, {}] is empty: the start must be before the end", ends[0], ends[1]));
  value = ends;
}

void TomlReader::sections(const Key& key, std::size_t, const std::function<void(std::size_t)>& resize,
                          const std::function<void(FieldVisitor&, std::size_t)>& body) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_array()) return wrong_type(*node, full(key), "a list of tables");
  const toml::array& list = *node->as_array();
  resize(list.size());
  for (std::size_t k = 0; k < list.size(); ++k) {
    const std::string path = fmt::format("{}[{}]", full(key), k);
    const toml::node& item = *list.get(k);
    reading_.lines[path] = item.source().begin.line;
    if (!item.is_table()) {
      wrong_type(item, path, "a table");
    } else {
      visit_table(item.as_table(), path, [&](FieldVisitor& inner) { body(inner, k); });
    }
  }
}

void TomlReader::unavailable(const Key& key) {
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key.name);
  if (node == nullptr) return;
  known_.emplace_back(key.name);
  const toml::table* table = node->as_table();
  const std::optional<bool> enabled = table != nullptr ? (*table)["enabled"].value<bool>() : std::nullopt;
  if (enabled.has_value() && !*enabled) {
    reading_.notes.push_back(fmt::format(
        "[{}] ({}) is switched off; this version does not have it, and its keys are not checked", full(key), key.help));
    return;
  }
  problem(*node, full(key), fmt::format("{} is not available in this version; remove it", key.help));
}

// ---- --set
// -------------------------------------------------------------------------------------------------------------

toml::table parse_override_value(const std::string& text) {
  try {
    return toml::parse("value = " + text);
  } catch (const toml::parse_error&) {  // a bare word is a text: --set out=run2
    return toml::table{{"value", text}};
  }
}

/// The element of a list that `part` names by number or by its `name` key.
toml::node* list_element(toml::array& list, const std::string& part) {
  std::size_t number = 0;
  const auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (status == std::errc{} && end == part.data() + part.size()) return list.get(number);
  for (toml::node& item : list)
    if (item.is_table() && (*item.as_table())["name"].value<std::string>() == part) return &item;
  return nullptr;
}

void apply_override(toml::table& root, const std::string& text, Reading& reading) {
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  const auto complain = [&](const std::string& what) { reading.problems.push_back({0, "--set " + text, what}); };
  if (equals == std::string::npos || path.empty()) return complain("expected key=value");
  std::vector<std::string> parts;
  std::istringstream stream(path);
  for (std::string part; std::getline(stream, part, '.');) parts.push_back(part);
  toml::node* node = &root;
  for (std::size_t k = 0; k + 1 < parts.size(); ++k) {
    if (toml::table* table = node->as_table()) {
      if (table->get(parts[k]) == nullptr) table->insert(parts[k], toml::table{});
      node = table->get(parts[k]);
    } else if (toml::array* list = node->as_array()) {
      node = list_element(*list, parts[k]);
      if (node == nullptr) return complain(fmt::format("the list has no element \"{}\"", parts[k]));
    } else {
      return complain(fmt::format("\"{}\" is not a table", parts[k - 1]));
    }
  }
  toml::table* table = node->as_table();
  if (table == nullptr)
    return complain(fmt::format("\"{}\" is not a table", parts.size() > 1 ? parts[parts.size() - 2] : path));
  const toml::table value = parse_override_value(text.substr(equals + 1));
  table->insert_or_assign(parts.back(), *value.get("value"));  // a copy has no line number: it is not from the file
}

// ---- report
// ------------------------------------------------------------------------------------------------------------

[[noreturn]] void fail(const std::string& origin, const std::vector<ConfigProblem>& problems) {
  std::string text = fmt::format("{} in the configuration",
                                 problems.size() == 1 ? "1 problem" : fmt::format("{} problems", problems.size()));
  for (const ConfigProblem& p : problems)
    text += p.line > 0 ? fmt::format("\n  line {}, {}: {}", p.line, p.key, p.text)
                       : fmt::format("\n  {}: {}", p.key, p.text);
  throw ConfigError(text, origin,
                    "Correct this and run the same command again. `haven schema --markdown` lists every key.");
}

toml::table parse_text(std::string_view text, const std::string& origin) {
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    fail(origin, {{static_cast<std::int64_t>(error.source().begin.line), "syntax", std::string(error.description())}});
  }
}

/// The line of a key, or of the nearest enclosing key that the file has.
std::int64_t line_of(const std::map<std::string, std::int64_t>& lines, std::string key) {
  while (true) {
    if (const auto found = lines.find(key); found != lines.end()) return found->second;
    const std::size_t cut = key.find_last_of(".[");
    if (cut == std::string::npos) return 0;
    key.resize(cut);
  }
}

}  // namespace

Config parse_config(std::string_view text, const std::string& origin, const std::vector<std::string>& overrides,
                    Needs required) {
  toml::table root = parse_text(text, origin);
  Reading reading;
  for (const std::string& item : overrides) apply_override(root, item, reading);
  Config config;
  TomlReader reader(&root, "", reading);
  visit_fields(reader, config);
  reader.report_unknown();
  // Rules between keys would only repeat what a wrong value of one key has caused.
  const std::vector<ConfigProblem> reported = reading.problems;
  for (ConfigProblem p : check_config(config, required)) {
    if (std::any_of(reported.begin(), reported.end(), [&](const ConfigProblem& r) { return p.key.starts_with(r.key); }))
      continue;
    p.line = line_of(reading.lines, p.key);
    reading.problems.push_back(p);
  }
  if (!reading.problems.empty()) {
    std::stable_sort(reading.problems.begin(), reading.problems.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    fail(origin, reading.problems);
  }
  complete_config(config);
  config.notes = reading.notes;
  return config;
}

Config load_config(const std::string& path, const std::vector<std::string>& overrides, Needs required) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw ConfigError("there is no such input file", path,
                      "Give the path of a haven.toml, or write one with `haven init`.");
  if (std::filesystem::is_directory(path, error))
    throw ConfigError("is a folder, not an input file", path, "Give the path of the haven.toml in it.");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > largest_input)
    throw ConfigError(fmt::format("is {} MB, too large for an input file", size >> 20), path,
                      "Give the path of a haven.toml.");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw IoError("cannot open the input file", path, errno);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  Config config = parse_config(text, path, overrides, required);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  config.base_folder = folder.empty() ? "." : folder.string();
  return config;
}

}  // namespace haven
