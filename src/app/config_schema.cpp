#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "app/config_fields.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

/// Bounds as integers where they are whole numbers: "1" reads better than "1.0".
Json number(double value) { return value == std::round(value) ? Json(static_cast<std::int64_t>(value)) : Json(value); }

void add_range(Json& node, const Range& range) {
  if (std::isfinite(range.low))
    node[range.low_end == Range::Low::open ? "exclusiveMinimum" : "minimum"] = number(range.low);
  if (std::isfinite(range.high)) node["maximum"] = number(range.high);
}

std::vector<std::string> available(std::span<const Choice> choices) {
  std::vector<std::string> values;
  for (const Choice& choice : choices)
    if (choice.status == Choice::Status::available) values.emplace_back(choice.value);
  return values;
}

/// Builds the schema of one table.
class SchemaWriter final : public FieldVisitor {
 public:
  void real(const Key& key, double& value, const Range& range) override {
    Json& node = add(key, "number", value);
    add_range(node, range);
  }
  void integer(const Key& key, std::int64_t& value, const Range& range) override {
    Json& node = add(key, "integer", value);
    add_range(node, range);
  }
  void unsigned_integer(const Key& key, std::uint64_t& value) override { add(key, "integer", value)["minimum"] = 0; }
  void flag(const Key& key, bool& value) override { add(key, "boolean", value); }
  void text(const Key& key, std::string& value) override { add(key, "string", value); }
  void choice(const Key& key, std::string& value, std::span<const Choice> choices) override {
    add(key, "string", value)["enum"] = available(choices);
  }
  void choice_list(const Key& key, std::vector<std::string>& values, std::span<const Choice> choices) override {
    add(key, "array", values)["items"] = {{"type", "string"}, {"enum", available(choices)}};
  }
  void text_list(const Key& key, std::vector<std::string>& values) override {
    add(key, "array", values)["items"] = {{"type", "string"}};
  }
  void real_list(const Key& key, std::vector<double>& values, const Range& range) override {
    Json item{{"type", "number"}};
    add_range(item, range);
    add(key, "array", values)["items"] = item;
  }
  void triple(const Key& key, std::array<std::int64_t, 3>& values, const Range& range) override {
    Json item{{"type", "integer"}};
    add_range(item, range);
    Json& node = add(key, "array", values);
    node["items"] = item;
    node["minItems"] = node["maxItems"] = 3;
  }
  void duration(const Key& key, double& seconds, const Range&) override {
    add(key, "string", fmt::format("{} s", seconds))["pattern"] = "^[0-9.eE+]+ *(s|sec|min|h|hour|hours|d|day|days)$";
  }
  void interval(const Key& key, std::optional<std::array<double, 2>>& value) override {
    Json& node = properties_[std::string(key.name)];
    node["description"] = key.help;
    node["oneOf"] = {
        {{"const", "auto"}},
        {{"type", "array"}, {"items", {{"type", "number"}, {"minimum", 0}}}, {"minItems", 2}, {"maxItems", 2}}};
    if (!value) node["default"] = "auto";
  }
  void real_map(const Key& key, std::map<std::string, double>&) override {
    add_table(key, {{"additionalProperties", {{"type", "number"}}}});
  }
  void text_map(const Key& key, std::map<std::string, std::string>&) override {
    add_table(key, {{"additionalProperties", {{"type", "string"}}}});
  }
  void section(const Key& key, const std::function<void(FieldVisitor&)>& body) override {
    SchemaWriter inner;
    body(inner);
    add_table(key, inner.schema());
  }
  void optional_section(const Key& key, std::string_view, bool& present,
                        const std::function<void(FieldVisitor&)>& body) override {
    present = true;
    section(key, body);
  }
  void sections(const Key& key, std::size_t, const std::function<void(std::size_t)>& resize,
                const std::function<void(FieldVisitor&, std::size_t)>& body) override {
    resize(1);  // one element with default values shows the keys
    SchemaWriter inner;
    body(inner, 0);
    Json& node = properties_[std::string(key.name)];
    node["type"] = "array";
    node["description"] = key.help;
    node["items"] = inner.schema();
  }
  void unavailable(const Key&) override {}

  [[nodiscard]] Json schema() const {
    return {{"type", "object"}, {"additionalProperties", false}, {"properties", properties_}};
  }

 private:
  template <class T>
  Json& add(const Key& key, const char* type, const T& default_value) {
    Json& node = properties_[std::string(key.name)];
    node["type"] = type;
    node["description"] = key.help;
    node["default"] = default_value;
    return node;
  }
  void add_table(const Key& key, const Json& content) {
    Json& node = properties_[std::string(key.name)];
    node = {{"type", "object"}, {"description", key.help}};
    node.update(content);
  }

  Json properties_ = Json::object();
};

Json root_schema() {
  Config config;
  SchemaWriter writer;
  visit_fields(writer, config);
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "haven.toml"}};
  schema.update(writer.schema());
  return schema;
}

/// Cell of the Markdown table for what a key accepts.
std::string accepts(const Json& node) {
  if (node.contains("enum")) {
    std::string out;
    for (const auto& value : node["enum"])
      out += (out.empty() ? "" : ", ") + fmt::format("`{}`", value.get<std::string>());
    return out;
  }
  if (node.contains("oneOf")) return "`auto` or [start, end]";
  if (node.contains("pattern")) return "time with unit, such as `10 min`";
  std::string out = node.value("type", "");
  if (out == "array") return "list of " + accepts(node["items"]);
  if (node.contains("exclusiveMinimum")) out += fmt::format(" > {}", node["exclusiveMinimum"].dump());
  if (node.contains("minimum")) out += fmt::format(" >= {}", node["minimum"].dump());
  if (node.contains("maximum")) out += fmt::format(", <= {}", node["maximum"].dump());
  return out;
}

void add_rows(const Json& properties, const std::string& prefix, std::string& rows) {
  for (const auto& [name, node] : properties.items()) {
    const std::string path = prefix.empty() ? name : prefix + "." + name;
    if (node.contains("properties")) {
      add_rows(node["properties"], path, rows);
    } else if (node.contains("items") && node["items"].contains("properties")) {
      add_rows(node["items"]["properties"], path + "[]", rows);
    } else {
      rows += fmt::format("| `{}` | {} | {} | {} |\n", path, accepts(node),
                          node.contains("default") ? fmt::format("`{}`", node["default"].dump()) : "",
                          node.value("description", ""));
    }
  }
}

}  // namespace

std::string config_json_schema() { return root_schema().dump(2) + "\n"; }

std::string config_markdown() {
  std::string rows = "| key | accepts | default | meaning |\n|---|---|---|---|\n";
  add_rows(root_schema()["properties"], "", rows);
  return rows;
}

}  // namespace haven
