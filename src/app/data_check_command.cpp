#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/options.hpp"
#include "io/dataset_file.hpp"
#include "io/import.hpp"

namespace haven {
namespace {

using Json = nlohmann::ordered_json;

/// A dataset of ours, to be judged frame by frame; everything else is a source that an import would read.
bool is_dataset_name(const std::string& path) {
  return path.ends_with(".h5") && !std::filesystem::path(path).filename().string().starts_with("vaspout");
}

/// Whether one could train on what the report is about, in words when not.
std::string danger(const ImportReport& report, bool used_as_it_is) {
  if (!report.problems.empty()) return fmt::format("{} problem(s)", report.problems.size());
  if (used_as_it_is && report.rejected > 0)
    return fmt::format("{} frame(s) that an import would reject", report.rejected);
  return "";
}

class Checker {
 public:
  Checker(Session& session, ImportOptions options) : session_(session), options_(std::move(options)) {
    options_.on_problem = ImportOptions::OnProblem::collect;
  }

  void dataset(const std::string& path) {
    const Dataset set = read_dataset(path);
    add(path, check_frames(path, set.frames, options_, session_.log), true);
  }

  void sources(const std::vector<std::string>& paths) {
    if (paths.empty()) return;
    options_.sources.clear();
    for (const std::string& path : paths) options_.sources.push_back({.path = path});
    add("sources",
        import_frames(
            options_, [](Frame&&) {}, session_.log),
        false);
  }

  [[nodiscard]] bool safe() const { return safe_; }
  [[nodiscard]] std::string json() const {
    return Json{{"safe", safe_}, {"reports", reports_}}.dump(2, ' ', false, Json::error_handler_t::replace);
  }

 private:
  void add(const std::string& what, const ImportReport& report, bool used_as_it_is) {
    const std::string reason = danger(report, used_as_it_is);
    session_.log.info(report.to_text());
    session_.log.info(reason.empty() ? fmt::format("{}: safe to train on", what)
                                     : fmt::format("{}: not safe to train on: {}", what, reason));
    safe_ = safe_ && reason.empty();
    Json entry{{"what", what}, {"safe", reason.empty()}};
    entry["report"] = Json::parse(report.to_json());
    reports_.push_back(std::move(entry));
  }

  Session& session_;
  ImportOptions options_;
  Json reports_ = Json::array();
  bool safe_ = true;
};

}  // namespace

ExitCode data_check(Session& session, const DataCheckArguments& arguments) {
  const std::string verdict = from_root(session.world, [&]() -> std::string {
    Config config = parse_config("", "--set", arguments.overrides);
    if (arguments.mixing == Mixing::allowed) config.data.mixed_settings = "allow";
    Checker checker(session, import_options(config));
    std::vector<std::string> sources;
    for (const std::string& path : arguments.files) {
      if (is_dataset_name(path))
        checker.dataset(path);
      else
        sources.push_back(path);
    }
    checker.sources(sources);
    write_json(arguments.json, checker.json());
    return checker.safe() ? "safe" : "unsafe";
  });
  return verdict == "safe" ? ExitCode::ok : ExitCode::rejected;
}

}  // namespace haven
