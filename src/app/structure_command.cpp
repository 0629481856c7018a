#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "analysis/plan.hpp"
#include "analysis/structure_output.hpp"
#include "analysis/trajectory_source.hpp"
#include "analysis/transport.hpp"
#include "app/analysis_inputs.hpp"
#include "app/commands.hpp"
#include "app/options.hpp"
#include "io/structure_file.hpp"

namespace haven {
namespace {

/// Lags in frames: those asked for, or a hundredth and a tenth of the run.
std::vector<Index> van_hove_lags(const IonTracks& tracks, const std::vector<double>& wanted_ps) {
  std::vector<double> times = wanted_ps;
  if (times.empty()) times = {0.01 * tracks.duration_ps(), 0.1 * tracks.duration_ps()};
  std::vector<Index> lags;
  for (const double time : times) {
    const auto lag = std::max<Index>(1, std::llround(time / tracks.interval_ps));
    if (lag >= tracks.n_frames)
      throw ConfigError(fmt::format("a lag of {:.3g} ps is longer than the run", time), "--lags-ps",
                        fmt::format("The run has {:.3g} ps.", tracks.duration_ps()));
    if (std::find(lags.begin(), lags.end(), lag) == lags.end()) lags.push_back(lag);
  }
  return lags;
}

void write_all(const StructureReport& report, const DensityMap& density, const IonTracks& tracks,
               const std::string& folder) {
  std::filesystem::create_directories(folder);
  const auto save = [&](const char* name, const std::string& text) {
    write_text_file((std::filesystem::path(folder) / name).string(), text);
  };
  save("pairs.csv", pair_csv(report.pairs)), save("pairs.svg", pair_svg(report.pairs));
  save("van_hove.csv", van_hove_csv(report.van_hove)), save("van_hove.svg", van_hove_svg(report.van_hove));
  save("density.cube", cube_text(density, tracks)), save("density.CHGCAR", chgcar_text(density, tracks));
  save("jumps.json", network_json(report.sites, report.network));
  save("jumps.csv", jumps_csv(report.sites, report.network));
  save("sites.csv", sites_csv(report.sites, report.network));
  save("ions.csv", ions_csv(report.spread)), save("ions.svg", ions_svg(report.spread));
  save("hops.csv", hops_csv(report.spread)), save("hops.svg", hops_svg(report.spread));
  save("structure.json", structure_json(report));
}

/// D* of every pilot run; a refused one is a bound.
std::vector<PlanPilot> pilots_of(Session& session, const TransportArguments& arguments, PlanOptions& options) {
  std::vector<PlanPilot> pilots;
  for (const std::string& path : arguments.trajectories) {
    std::vector<std::unique_ptr<TrajectorySource>> sources;
    sources.push_back(open_for_diffusion(path, arguments));
    const TransportResult result = analyse_transport(std::move(sources), options_of(arguments), session.log);
    const Estimate& d = result.tracer.iso;
    if (!d.determined() && !d.upper_bound)
      throw NotDetermined(d.refused, path, "Use a longer pilot, or a guess (--diffusion 1e-6 --at 600).");
    options.hop_length = result.checks.hop_length;
    if (options.ions == 0) options.ions = result.n_ions;
    pilots.push_back({.temperature_K = result.temperature_K,
                      .d_cm2_per_s = d.determined() ? d.value : *d.upper_bound,
                      .is_bound = !d.determined(),
                      .tau0_ps = d.determined() ? result.window.tau0_ps : 0.0});
  }
  return pilots;
}

}  // namespace

ExitCode structure_analysis(Session& session, const StructureArguments& arguments) {
  on_root(session.world, [&] {
    const TransportArguments& run = arguments.run;
    const IonTracks tracks = tracks_of(session, run);
    StructureReport report{
        .source = run.trajectories[0], .temperature_K = tracks.temperature_K, .remarks = tracks.remarks};
    session.log.progress("pair distributions");
    report.pairs = pair_distributions(tracks);
    report.van_hove = van_hove(tracks, van_hove_lags(tracks, arguments.lags_ps));
    const DensityMap density = density_map(tracks, arguments.grid);
    session.log.progress("sites and jumps");
    report.sites = arguments.sites.empty() ? sites_of_density(density, tracks)
                                           : sites_of_reference(read_structure(arguments.sites), tracks);
    report.network = jump_network(tracks, report.sites);
    const TransportResult motion = motion_of(tracks, run.mobile);
    report.spread = hop_spread(tracks, report.network, diffusive_lag_ps(motion, tracks));
    report.factors = correlation_factors(report.network, motion, report.spread);
    if (!report.network.finely_sampled)
      report.remarks.push_back(
          "more than 5 % of the jumps pass over another site: store frames more often, or check the "
          "sites");
    session.log.info(structure_text(report));
    write_all(report, density, tracks, run.folder);
    write_json(run.json, structure_json(report));
  });
  return ExitCode::ok;
}

ExitCode plan_runs(Session& session, const PlanArguments& arguments) {
  on_root(session.world, [&] {
    PlanOptions options{.temperatures = arguments.temperatures,
                        .activation_sd_eV = arguments.activation_sd_eV,
                        .relative_error = arguments.relative_error,
                        .replicas = arguments.replicas,
                        .ions = arguments.ions};
    if (arguments.activation_eV > 0) options.activation_eV = arguments.activation_eV;
    if (arguments.ns_per_day > 0) options.ns_per_day = arguments.ns_per_day;
    options.pilots = pilots_of(session, arguments.pilot, options);
    if (arguments.pilot.hop_length > 0) options.hop_length = arguments.pilot.hop_length;
    if (arguments.diffusion > 0)
      options.pilots.push_back({.temperature_K = arguments.guess_temperature, .d_cm2_per_s = arguments.diffusion});
    const Plan plan = make_plan(options);
    session.log.info(plan_text(plan));
    write_json(arguments.json, plan_json(plan));
  });
  return ExitCode::ok;
}

}  // namespace haven
