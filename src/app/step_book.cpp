#include "app/step_book.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/session.hpp"
#include "io/sha256.hpp"

namespace haven {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string hash_of_content(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw IoError("cannot open the file", path, errno);
  Sha256 hash;
  std::array<char, 1 << 16> block{};
  while (stream.read(block.data(), block.size()), stream.gcount() > 0)
    hash.add_bytes(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(stream.gcount()))));
  if (stream.bad()) throw IoError("cannot read the file", path, EIO);
  return hash.hex();
}

}  // namespace

StepBook::StepBook(std::string folder, Log& log) : folder_(std::move(folder)) {
  const std::string path = (fs::path(folder_) / "steps.json").string();
  if (!fs::exists(path)) return;
  try {
    load(read_text_file(path));
  } catch (const nlohmann::json::exception& error) {
    log.warn("RU001", fmt::format("{} is damaged ({}): finished steps are checked again", path, error.what()));
    entries_.clear();
    files_.clear();
  }
}

void StepBook::load(const std::string& text) {
  const Json json = Json::parse(text);
  for (const auto& [step, entry] : json.at("steps").items())
    entries_[step] = {.inputs = entry.at("inputs").get<std::string>(),
                      .outputs = entry.at("outputs").get<std::map<std::string, std::string>>(),
                      .facts = entry.at("facts").get<std::map<std::string, std::string>>()};
  for (const auto& [path, file] : json.at("files").items())
    files_[path] = {.size = file.at("size").get<std::int64_t>(),
                    .modified = file.at("modified").get<std::int64_t>(),
                    .hash = file.at("sha256").get<std::string>()};
}

void StepBook::save() const {
  Json json{{"format", "haven-steps"}, {"version", 1}, {"steps", Json::object()}, {"files", Json::object()}};
  for (const auto& [step, entry] : entries_)
    json["steps"][step] = {{"inputs", entry.inputs}, {"outputs", entry.outputs}, {"facts", entry.facts}};
  for (const auto& [path, file] : files_)
    json["files"][path] = {{"size", file.size}, {"modified", file.modified}, {"sha256", file.hash}};
  write_text_file((fs::path(folder_) / "steps.json").string(), json.dump(1) + "\n");
}

std::string StepBook::file_hash(const std::string& path) {
  std::error_code error;
  const auto size = static_cast<std::int64_t>(fs::file_size(path, error));
  if (error) throw IoError("cannot look at the file", path, error.value());
  const auto modified = static_cast<std::int64_t>(fs::last_write_time(path, error).time_since_epoch().count());
  KnownFile& known = files_[fs::absolute(path).lexically_normal().string()];
  if (known.hash.empty() || known.size != size || known.modified != modified)
    known = {.size = size, .modified = modified, .hash = hash_of_content(path)};
  return known.hash;
}

std::string StepBook::reason(const std::string& step, const std::string& inputs) {
  const auto found = entries_.find(step);
  if (found == entries_.end()) return "not done yet";
  if (found->second.inputs != inputs) return "its inputs have changed";
  for (const auto& [path, hash] : found->second.outputs) {
    const std::string full = (fs::path(folder_) / path).string();
    if (!fs::exists(full)) return path + " is missing";
    if (!hash.empty() && file_hash(full) != hash) return path + " has been changed";
  }
  return "";
}

bool StepBook::is_done(const std::string& step, const std::string& inputs) { return reason(step, inputs).empty(); }

void StepBook::record(const std::string& step, const std::string& inputs, const Products& products) {
  Entry entry{.inputs = inputs, .outputs = {}, .facts = products.facts};
  for (const std::string& path : products.files) entry.outputs[path] = file_hash((fs::path(folder_) / path).string());
  for (const std::string& path : products.large_files) entry.outputs[path] = "";
  entries_[step] = std::move(entry);
  save();
}

std::string StepBook::fact(const std::string& step, const std::string& name) const {
  const auto found = entries_.find(step);
  if (found == entries_.end()) return "";
  const auto fact = found->second.facts.find(name);
  return fact == found->second.facts.end() ? "" : fact->second;
}

std::string set_aside(const std::string& path) {
  if (!fs::exists(path)) return "";
  for (int number = 1;; ++number) {
    const std::string target = fmt::format("{}.old{}", path, number);
    if (fs::exists(target)) continue;
    std::error_code error;
    fs::rename(path, target, error);
    if (error) throw IoError("cannot set aside earlier results", path, error.value());
    return target;
  }
}

}  // namespace haven
