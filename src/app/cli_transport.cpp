#include <fmt/format.h>

#include "app/cli_parser.hpp"
#include "app/cli_values.hpp"

/// The verbs that analyse trajectories.
namespace haven {
namespace {

constexpr const char* trajectory_kinds =
    "run folders, H5MD, XDATCAR, OUTCAR, vasprun.xml, extxyz, LAMMPS dump, DCD, XTC: replicas of one system";

/// What a trajectory file may not say itself, and which part of ours is read.
void add_file_reading(CLI::App* app, TransportArguments& run) {
  app->add_option("--frame-interval,--interval-fs", run.frame_interval_fs,
                  "time between stored frames when the file does not say it")
      ->check(CLI::PositiveNumber);
  app->add_option("--timestep", run.timestep_fs, "of the run, fs, for files that count steps (LAMMPS dump)")
      ->check(CLI::PositiveNumber);
  app->add_option("--types", run.types, "elements of numbered atom types, in order, e.g. Li P S");
  app->add_option("--structure", run.structure,
                  "file with the same atoms in the same order, for files without elements (DCD, XTC)");
  app->add_option("--stage", run.stage, "stage of our own trajectories; default: the last");
}

void add_collecting(CLI::App* app, TransportArguments& run) {
  app->add_option("--skip-ps", run.skip_ps, "left out at the start")->check(CLI::NonNegativeNumber);
  app->add_option("--drift", run.drift, "at rest: the mean of the host atoms, or their centre of mass")
      ->check(CLI::IsMember({"host", "host-mass"}))
      ->capture_default_str();
  app->add_option("--memory-gb", run.memory_GB, "for tracks; longer ones go to a temporary file (TMPDIR)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

/// How trajectories are read, and which ions are mobile.
void add_reading(CLI::App* app, AnalysisOptions& options) {
  TransportArguments& a = options.arguments;
  app->add_option("--charges", options.charges, "formal charges of the mobile elements, e.g. Li=1");
  app->add_option("--temperature", a.temperature, "K; default: from the trajectory")->check(CLI::PositiveNumber);
  add_file_reading(app, a);
  app->add_option("--hop-length", a.hop_length, "A; default: from the structure")->check(CLI::PositiveNumber);
  app->add_option("--window", options.window, "fit window, ps; default: found by tests")->expected(2);
  add_collecting(app, a);
}

/// How one trajectory is read when no temperature or charge matters.
void add_plain_reading(CLI::App* app, TransportArguments& run) {
  app->add_option("TRAJECTORY", run.trajectories, trajectory_kinds)->required()->expected(1);
  app->add_option("--mobile", run.mobile, "mobile elements")->required();
  add_file_reading(app, run);
  add_collecting(app, run);
}

/// What the options of a trajectory mean, after parsing.
TransportArguments parsed(const AnalysisOptions& options) {
  TransportArguments arguments = options.arguments;
  arguments.charges = parse_charges(options.charges);
  if (options.window.empty()) return arguments;
  if (options.window[0] < 0 || options.window[0] >= options.window[1])
    throw ConfigError("the start must be before the end", "--window", "Write it as --window 5 50 (ps).");
  arguments.window_ps = {options.window[0], options.window[1]};
  return arguments;
}

}  // namespace

void Parser::add_analysis(CLI::App& transport, const std::string& what, AnalysisOptions& options) {
  TransportArguments& arguments = options.arguments;
  CLI::App* app = verb(
      transport, arguments.quantity, what,
      fmt::format("  haven transport {0} run/md/T600/r0 run/md/T600/r1 --mobile Li --charges Li=1 --json -\n"
                  "  haven transport {0} XDATCAR --mobile Li --charges Li=1 --temperature 500 --frame-interval 20\n"
                  "  haven transport {0} dump.gz --types Li P S --timestep 1 --mobile Li --charges Li=1 "
                  "--temperature 500\n"
                  "  haven transport {0} md.xtc --structure POSCAR --mobile Li --charges Li=1 --temperature 500",
                  arguments.quantity));
  app->add_option("TRAJECTORIES", arguments.trajectories, trajectory_kinds)->required();
  app->add_option("--mobile", arguments.mobile, "mobile elements")->required();
  add_reading(app, options);
  app->add_option("-o,--output", arguments.folder, "folder for JSON, CSV and SVG");
  add_json(app, arguments.json);
  app->callback([this, &options] { chosen_ = parsed(options); });
}

void Parser::add_structure(CLI::App& transport) {
  CLI::App* app = verb(transport, "structure",
                       "pair distributions, van Hove functions, density of the mobile ions, sites and jump rates",
                       "  haven transport structure run/md/T600/r0 --mobile Li -o T600\n"
                       "  haven transport structure XDATCAR --frame-interval 20 --mobile Li --sites POSCAR -o out");
  TransportArguments& run = structure_.run;
  add_plain_reading(app, run);
  app->add_option("--sites", structure_.sites,
                  "crystal with the mobile element on every site; default: the density's maxima");
  app->add_option("--grid", structure_.grid, "A between points of the density")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--lags-ps", structure_.lags_ps,
                  "of the van Hove functions; default: a hundredth and a tenth of the run");
  app->add_option("-o,--output", run.folder, "folder for JSON, CSV, SVG, cube and CHGCAR files")->required();
  add_json(app, run.json);
  choose(app, structure_);
}

void Parser::add_export() {
  CLI::App* app = verb(app_, "export", "a trajectory in a format of other programs, unwrapped",
                       "  haven export run/md/T600/r0 -o T600.xyz\n"
                       "  haven export run/md/T600/r0 -o T600.lammpstrj --every 10\n"
                       "  haven export run/md/T600/r0 -o T600.dcd --stage prod");
  TransportArguments& run = trajectory_export_.run;
  app->add_option("TRAJECTORY", run.trajectories, trajectory_kinds)->required()->expected(1);
  app->add_option("-o,--output", trajectory_export_.output, "*.xyz, *.extxyz, *.lammpstrj, *.dump or *.dcd")
      ->required();
  app->add_option("--format", trajectory_export_.format, "when the name does not say it")
      ->check(CLI::IsMember({"auto", "extxyz", "lammps", "dcd"}))
      ->capture_default_str();
  app->add_option("--every", trajectory_export_.every, "frames")->check(CLI::PositiveNumber)->capture_default_str();
  add_file_reading(app, run);
  choose(app, trajectory_export_);
}

static void add_lag(CLI::App& app, double& lag_ps) {
  app.add_option("--lag-ps", lag_ps,
                 "motion is taken between this lag and twice of it; default: where the "
                 "motion of the whole cell has become diffusive")
      ->check(CLI::PositiveNumber);
}

void Parser::add_layers(CLI::App& transport) {
  CLI::App* app =
      verb(transport, "layers", "diffusion along slabs of the cell, ions in each, and exchange between them",
           "  haven transport layers run/md/T600/r0 --mobile Li --axis c --layers 4 -o T600\n"
           "  haven transport layers XDATCAR --frame-interval 20 --mobile Li --planes 1 1 0 --edges 0.1 0.4 0.6 0.9");
  TransportArguments& run = layers_.run;
  add_plain_reading(app, run);
  CLI::Option* axis = app->add_option("--axis", layers_.axis, "lattice vector across the layers")
                          ->check(CLI::IsMember({"a", "b", "c"}))
                          ->capture_default_str();
  app->add_option("--planes", layers_.planes, "or Miller indices of the layers in the cell of the run, e.g. 1 1 0")
      ->expected(3)
      ->excludes(axis);
  CLI::Option* edges =
      app->add_option("--edges", layers_.edges, "fractions of the cell where layers begin; the last runs to the first");
  app->add_option("--layers", layers_.count, "number of layers of equal thickness")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str()
      ->excludes(edges);
  add_lag(*app, layers_.lag_ps);
  app->add_option("-o,--output", run.folder, "folder for JSON, CSV and SVG");
  add_json(app, run.json);
  choose(app, layers_);
}

void Parser::add_regions(CLI::App& transport) {
  CLI::App* app =
      verb(transport, "regions", "ions and their diffusion in spheres, cylinders, slabs, and in the rest of the cell",
           "  haven transport regions run/md/T600/r0 --mobile Li --spheres 0.5 0.5 0.5 8 -o T600\n"
           "  haven transport regions run/md/T600/r0 --mobile Li --slabs 0 0 1 0.45 0.55 --cylinders 0 0 0 0 0 1 6");
  TransportArguments& run = regions_.run;
  add_plain_reading(app, run);
  app->add_option("--spheres", regions_.spheres, "X Y Z RADIUS of each: centre in fractions of the cell, A");
  app->add_option("--cylinders", regions_.cylinders,
                  "X Y Z U V W RADIUS of each: a point of the axis in fractions, its lattice direction, A");
  app->add_option("--slabs", regions_.slabs, "H K L FROM TO of each: between the planes h x + k y + l z = FROM and TO");
  add_lag(*app, regions_.lag_ps);
  app->add_option("-o,--output", run.folder, "folder for JSON and CSV");
  add_json(app, run.json);
  choose(app, regions_);
}

void Parser::add_committee(CLI::App& transport) {
  CLI::App* app = verb(transport, "committee",
                       "results of potentials that were trained apart: statistics of the runs and spread of the "
                       "potentials, each by itself",
                       "  haven transport committee run_seed1 run_seed2 run_seed3 run_seed4 --target 300 --json -");
  ArrheniusArguments& arguments = committee_.arrhenius;
  app->add_option("RUNS", arguments.runs, "run folders or transport.json files, one for each potential")
      ->required()
      ->expected(2, 1000);
  app->add_option("--target", arguments.target, "K")->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--model", arguments.model, "auto, line or two lines")
      ->check(CLI::IsMember({"auto", "line", "two lines"}))
      ->capture_default_str();
  app->add_option("-o,--output", arguments.folder, "folder for JSON and SVG");
  add_json(app, arguments.json);
  choose(app, committee_);
}

void Parser::add_size(CLI::App& transport) {
  CLI::App* app = verb(transport, "size", "one temperature in cells of different size: does the size matter?",
                       "  haven transport size run_small run_large -o sizes\n"
                       "  haven transport size small.json large.json --viscosity 0.9     a liquid in cubic cells");
  app->add_option("RUNS", size_.runs, "run folders or transport.json files, one for each size")
      ->required()
      ->expected(2, 1000);
  app->add_option("--viscosity", size_.viscosity_mPa_s,
                  "mPa s, of a liquid: D* for an infinite cell (Yeh, Hummer); refused for solids")
      ->check(CLI::PositiveNumber);
  app->add_option("-o,--output", size_.folder, "folder for JSON, CSV and SVG");
  add_json(app, size_.json);
  choose(app, size_);
}

void Parser::add_arrhenius(CLI::App& transport) {
  CLI::App* app = verb(transport, "arrhenius", "activation energy and conductivity at a target temperature",
                       "  haven transport arrhenius run --target 300 --json -");
  app->add_option("RUNS", arrhenius_.runs, "transport.json files, or folders that hold them; none: run");
  app->add_option("--target", arrhenius_.target, "K")->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--model", arrhenius_.model, "auto, line or two lines")
      ->check(CLI::IsMember({"auto", "line", "two lines"}))
      ->capture_default_str();
  app->add_option("-o,--output", arrhenius_.folder, "folder for CSV and SVG");
  add_json(app, arrhenius_.json);
  choose(app, arrhenius_);
}

void Parser::add_transport() {
  CLI::App* transport =
      verb(app_, "transport", "diffusion coefficients, Haven ratio, conductivity, activation energy, jumps",
           "  haven transport haven run/md/T600/r0 run/md/T600/r1 --mobile Li --charges Li=1\n"
           "  haven transport haven XDATCAR --mobile Li --charges Li=1 --temperature 500 --frame-interval 20\n"
           "  haven transport structure run/md/T600/r0 --mobile Li -o T600\n"
           "  haven transport arrhenius run --target 300 --json -");
  transport->require_subcommand(1);
  add_analysis(*transport, "mean squared displacements and tracer diffusion", msd_);
  add_analysis(*transport, "tracer and collective diffusion, Haven ratio, conductivity", haven_);
  add_structure(*transport);
  add_layers(*transport);
  add_regions(*transport);
  add_arrhenius(*transport);
  add_committee(*transport);
  add_size(*transport);
}

void Parser::add_plan() {
  CLI::App* app =
      verb(app_, "plan", "run lengths that a wanted error needs at each temperature, and what they cost",
           "  haven plan pilot/traj.h5 --mobile Li --temperatures 600 700 800 900 --activation 0.25 --eps 0.1\n"
           "  haven plan --diffusion 1e-5 --at 800 --activation 0.3 --temperatures 600 800 1000 --ns-per-day 4");
  app->add_option("TRAJECTORIES", pilot_.arguments.trajectories, "pilot runs, each a temperature of its own");
  app->add_option("--mobile", pilot_.arguments.mobile, "mobile elements of the pilot runs");
  add_reading(app, pilot_);
  app->add_option("--temperatures", plan_.temperatures, "K, the ladder to be planned")->required();
  app->add_option("--diffusion", plan_.diffusion, "a guess of D*, cm^2/s")->check(CLI::PositiveNumber);
  app->add_option("--at", plan_.guess_temperature, "K, temperature of the guess")->check(CLI::PositiveNumber);
  app->add_option("--activation", plan_.activation_eV,
                  "activation energy, eV; default: from pilots at two temperatures");
  app->add_option("--activation-error", plan_.activation_sd_eV, "how far the guess may be off, eV")
      ->capture_default_str();
  app->add_option("--eps", plan_.relative_error, "wanted relative standard error of the conductivity")
      ->capture_default_str();
  app->add_option("--replicas", plan_.replicas, "runs at each temperature")->capture_default_str();
  app->add_option("--ions", plan_.ions, "mobile ions of the planned cell; default: of the pilot");
  app->add_option("--ns-per-day", plan_.ns_per_day, "speed of one run on this machine")->check(CLI::PositiveNumber);
  add_json(app, plan_.json);
  app->callback([this] {
    plan_.pilot = parsed(pilot_);
    chosen_ = plan_;
  });
}

}  // namespace haven
