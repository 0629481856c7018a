#include <fmt/format.h>

#include <filesystem>

#include "app/config_fields.hpp"
#include "core/error.hpp"

namespace haven {
namespace {

/// TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// Shortest decimal that reads back to the same double, always with a point or an exponent (a TOML float).
std::string real_text(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".eni") == std::string::npos) text += ".0";
  return text;
}

std::string bare_or_quoted(std::string_view key) {
  const bool bare =
      !key.empty() && key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
                          std::string_view::npos;
  return bare ? std::string(key) : toml_string(key);
}

template <class List, class Format>
std::string list_text(const List& values, Format format) {
  std::string out = "[";
  for (const auto& value : values) out += (out.size() > 1 ? ", " : "") + format(value);
  return out + "]";
}

/// Writes the keys of one table in front of its sub-tables, as TOML demands.
class TomlWriter final : public FieldVisitor {
 public:
  TomlWriter(std::string path, Comments comments) : path_(std::move(path)), comments_(comments) {}

  void real(const Key& key, double& value, const Range&) override { line(key, real_text(value)); }
  void integer(const Key& key, std::int64_t& value, const Range&) override { line(key, fmt::format("{}", value)); }
  void unsigned_integer(const Key& key, std::uint64_t& value) override { line(key, fmt::format("{}", value)); }
  void flag(const Key& key, bool& value) override { line(key, value ? "true" : "false"); }
  void text(const Key& key, std::string& value) override { line(key, toml_string(value)); }
  void choice(const Key& key, std::string& value, std::span<const Choice>) override { line(key, toml_string(value)); }
  void choice_list(const Key& key, std::vector<std::string>& values, std::span<const Choice>) override {
    text_list(key, values);
  }
  void text_list(const Key& key, std::vector<std::string>& values) override {
    line(key, list_text(values, toml_string));
  }
  void real_list(const Key& key, std::vector<double>& values, const Range&) override {
    line(key, list_text(values, real_text));
  }
  void triple(const Key& key, std::array<std::int64_t, 3>& values, const Range&) override {
    line(key, list_text(values, [](std::int64_t v) { return fmt::format("{}", v); }));
  }
  void duration(const Key& key, double& seconds, const Range&) override {
    line(key, toml_string(fmt::format("{} s", seconds)));
  }
  void interval(const Key& key, std::optional<std::array<double, 2>>& value) override {
    line(key, value ? list_text(*value, real_text) : toml_string("auto"));
  }
  void real_map(const Key& key, std::map<std::string, double>& values) override {
    std::string out;
    for (const auto& [name, value] : values)
      out += (out.empty() ? " " : ", ") + bare_or_quoted(name) + " = " + real_text(value);
    line(key, "{" + out + " }");
  }
  void text_map(const Key& key, std::map<std::string, std::string>& values) override {
    std::string out;
    for (const auto& [name, value] : values)
      out += (out.empty() ? " " : ", ") + bare_or_quoted(name) + " = " + toml_string(value);
    line(key, "{" + out + " }");
  }
  void section(const Key& key, const std::function<void(FieldVisitor&)>& body) override {
    TomlWriter inner(join(key), comments_);
    body(inner);
    tables_ += fmt::format("\n[{}]{}\n{}", inner.path_, comment(key), inner.text());
  }
  void optional_section(const Key& key, std::string_view absent, bool& present,
                        const std::function<void(FieldVisitor&)>& body) override {
    if (present) return section(key, body);
    if (!absent.empty()) line(key, toml_string(absent));
  }
  void sections(const Key& key, std::size_t size, const std::function<void(std::size_t)>&,
                const std::function<void(FieldVisitor&, std::size_t)>& body) override {
    for (std::size_t k = 0; k < size; ++k) {
      TomlWriter inner(join(key), comments_);
      body(inner, k);
      tables_ += fmt::format("\n[[{}]]{}\n{}", inner.path_, comment(key), inner.text());
    }
  }
  void unavailable(const Key&) override {}

  [[nodiscard]] std::string text() const { return lines_ + tables_; }

 private:
  [[nodiscard]] std::string join(const Key& key) const {
    return path_.empty() ? std::string(key.name) : path_ + "." + std::string(key.name);
  }
  [[nodiscard]] std::string comment(const Key& key) const {
    return comments_ == Comments::yes ? fmt::format("  # {}", key.help) : "";
  }
  void line(const Key& key, const std::string& value) {
    const std::string assignment = fmt::format("{} = {}", key.name, value);
    lines_ += comments_ == Comments::yes ? fmt::format("{:<40}  # {}\n", assignment, key.help) : assignment + "\n";
  }

  std::string path_, lines_, tables_;
  Comments comments_;
};

/// Collects the text of one top-level part.
std::string whole_text(const Config& config, Comments comments) {
  Config copy = config;
  TomlWriter writer("", comments);
  visit_fields(writer, copy);
  return writer.text();
}

}  // namespace

std::string effective_toml(const Config& config, Comments comments) { return whole_text(config, comments); }

std::string effective_section(const Config& config, const std::string& section) {
  const std::string text = whole_text(config, Comments::no);
  std::string out;
  bool inside = section.empty();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end == std::string::npos ? text.size() : end + 1;
    if (line.starts_with("[")) {
      const std::size_t begin = line.find_first_not_of('[');
      const std::string path = line.substr(begin, line.find(']') - begin);
      inside = !section.empty() && (path == section || path.starts_with(section + "."));
    }
    if (inside && !line.empty()) out += line + "\n";
  }
  return out;
}

std::string resolve_path(const Config& config, const std::string& path) {
  const std::filesystem::path given(path);
  if (given.is_absolute() || config.base_folder.empty() || config.base_folder == ".") return path;
  return (std::filesystem::path(config.base_folder) / given).string();
}

}  // namespace haven
