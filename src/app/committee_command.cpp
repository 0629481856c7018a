#include <filesystem>

#include "analysis/committee.hpp"
#include "analysis/transport_output.hpp"
#include "app/analysis_inputs.hpp"

namespace haven {

ExitCode committee_analysis(Session& session, const CommitteeArguments& committee) {
  const ArrheniusArguments& arguments = committee.arrhenius;
  on_root(session.world, [&] {
    std::vector<CommitteeMember> members;
    for (const std::string& run : arguments.runs) {
      CommitteeMember member{.name = run, .results = transport_results(run), .fit = {}};
      member.fit = fit_arrhenius(member.results, {.target_K = arguments.target, .model = arguments.model});
      members.push_back(std::move(member));
    }
    const CommitteeResult result = analyse_committee(members);
    session.log.info(committee_text(result));
    if (!arguments.folder.empty()) {
      const std::filesystem::path folder(arguments.folder);
      std::filesystem::create_directories(folder);
      write_text_file((folder / "committee.json").string(), committee_json(result));
      write_text_file((folder / "committee.svg").string(), committee_svg(members));
    }
    write_json(arguments.json, committee_json(result));
  });
  return ExitCode::ok;
}

}  // namespace haven
