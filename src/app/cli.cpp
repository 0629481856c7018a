#include <fmt/format.h>

#include "app/bench_model.hpp"
#include "app/cli_parser.hpp"
#include "app/cli_values.hpp"
#include "app/config_fields.hpp"

namespace haven {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 ok, 2 command line or configuration, 3 input or model rejected, 4 a guard stopped the run,\n"
    "            5 not determined by the data, 6 memory, disk or device, 70 a bug in Haven,\n"
    "            75 stopped after a checkpoint: run the same command again.";

std::string footer(const std::string& examples) { return "\nExamples:\n" + examples + "\n" + exit_codes; }

/// The options that lead to the input file.
void add_config(CLI::App* app, ConfigArguments& config) {
  app->add_option("haven.toml,--config", config.path, "input file")->capture_default_str();
  app->add_option("--set", config.overrides,
                  "key=value replaces a value of the input file, e.g. --set train.max_epochs=10")
      ->allow_extra_args(false)
      ->take_all();
}

void add_time_limit(CLI::App* app, double& seconds) {
  app->add_option_function<std::string>(
      "--time-limit", [&seconds](const std::string& text) { seconds = parse_time(text); },
      "stop with a checkpoint (exit 75) after this wall time, e.g. 23h");
}

void add_dry_run(CLI::App* app, Spend& spend) {
  app->add_flag_function(
      "--dry-run", [&spend](std::int64_t) { spend = Spend::no; }, "check everything, write and compute nothing");
}

template <class T>
void positive(CLI::App* app, const char* name, T& value, const char* help) {
  app->add_option(name, value, help)->check(CLI::PositiveNumber)->capture_default_str();
}

void choice(CLI::App* app, const char* name, std::string& value, std::vector<std::string> words, const char* help) {
  app->add_option(name, value, help)->check(CLI::IsMember(std::move(words)))->capture_default_str();
}

}  // namespace

CLI::App* Parser::verb(CLI::App& parent, const std::string& name, const std::string& what,
                       const std::string& examples) {
  CLI::App* app = parent.add_subcommand(name, what);
  app->footer(footer(examples));
  return app;
}

namespace {

/// The switch and the values of [data] that decide how frames are judged.
void add_judgement(CLI::App* app, Mixing& mixing, std::vector<std::string>& overrides) {
  app->add_flag_function(
      "--allow-mixed-settings", [&mixing](std::int64_t) { mixing = Mixing::allowed; },
      "take sources whose settings differ (functional, cut-off, potentials, ...) into one set");
  app->add_option("--set", overrides, "key=value, e.g. --set data.max_force=50")->allow_extra_args(false)->take_all();
}

}  // namespace

void Parser::add_data() {
  CLI::App* data = verb(app_, "data", "import, check, describe, split, thin out and export training data",
                        "  haven data import aimd/*/OUTCAR -o set.h5\n  haven data check set.h5");
  data->require_subcommand(1);
  CLI::App* app =
      verb(*data, "import", "read calculations (folders are searched) into one dataset, with a report per frame",
           "  haven data import aimd/ neb/*/OUTCAR -o set.h5\n  haven data import --config haven.toml\n"
           "  haven data import input.data --units bohr-hartree -o set.h5");
  app->add_option("sources", data_.sources, "files, folders or globs; none: those of the input file");
  app->add_option("--config", data_config_, "input file; its [data] holds the options");
  add_judgement(app, data_.mixing, data_.overrides);
  app->add_option("--units", data_.units, "of formats that state none (n2p2): angstrom-ev or bohr-hartree");
  app->add_option("--types", data_.types, "elements of numbered atom types that the files do not name, e.g. O,H")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("-o,--output", data_.output,
                  "dataset to write; default: data.h5 in the output folder of the input file");
  add_json(app, data_.json);
  add_dry_run(app, data_.spend);
  app->callback([this] {
    if (!data_config_.empty()) data_.config = ConfigArguments{data_config_, {}};
    chosen_ = data_;
  });
  add_data_tools(*data);
}

void Parser::add_data_tools(CLI::App& data) {
  CLI::App* check = verb(data, "check", "everything an import would say, about a dataset or sources; writes nothing",
                         "  haven data check set.h5\n  haven data check aimd/ --json -\n"
                         "Exit code 3: not safe to train on.");
  check->add_option("FILES", check_.files, "datasets (.h5), or files, folders and globs as for an import")->required();
  add_judgement(check, check_.mixing, check_.overrides);
  add_json(check, check_.json);
  choose(check, check_);
  CLI::App* stats = verb(data, "stats", "distributions of energies, forces, stress, distances, temperatures",
                         "  haven data stats set.h5 -o stats\n  haven data stats train.xyz --json -");
  stats->add_option("FILES", stats_.files, "datasets (.h5), extxyz, OUTCAR, vasprun.xml, ...")->required();
  stats->add_option("-o,--output", stats_.folder, "folder for statistics.html, statistics.json and the histograms");
  add_json(stats, stats_.json);
  choose(stats, stats_);
  CLI::App* split = verb(data, "split", "train.h5, valid.h5 and test.h5 without neighbours in time across the parts",
                         "  haven data split set.h5 -o parts --valid 0.1 --test 0.1 --gap 50");
  split->add_option("SET", split_.set, "dataset or labelled frames")->required();
  split->add_option("-o,--output", split_.folder, "folder of the parts")->required();
  split->add_option("--valid", split_.valid, "fraction for early stopping")->capture_default_str();
  split->add_option("--test", split_.test, "fraction never seen in training")->capture_default_str();
  split->add_option("--gap", split_.gap, "steps of the source that frames of different parts are apart at least")
      ->capture_default_str();
  split->add_option("--seed", split_.seed, "of the draw")->capture_default_str();
  add_json(split, split_.json);
  add_dry_run(split, split_.spend);
  choose(split, split_);
  CLI::App* select = verb(data, "select", "the frames that differ most (farthest points of the descriptor)",
                          "  haven data select set.h5 -k 200 -o few.h5\n"
                          "  haven data select new.xyz -k 50 --known set.h5 -o label.h5");
  select->add_option("SET", select_.set, "dataset or frames")->required();
  select->add_option("-k,--count", select_.count, "how many frames")->required()->check(CLI::PositiveNumber);
  select->add_option("-o,--output", select_.output, "dataset to write")->required();
  select->add_option("--known", select_.known, "frames that are there already: choose what differs from them");
  select->add_option("--cutoff", select_.cutoff, "of the descriptor, A")
      ->check(CLI::Range(1.0, 15.0))
      ->capture_default_str();
  add_json(select, select_.json);
  choose(select, select_);
  CLI::App* write = verb(data, "export", "write a dataset for other programs",
                         "  haven data export set.h5 -o train.xyz --format gpumd\n"
                         "  haven data export set.h5 -o systems --format deepmd");
  write->add_option("SET", export_.set, "dataset or labelled frames")->required();
  write->add_option("-o,--output", export_.output, "file to write; deepmd: a new folder")->required();
  write->add_option("--format", export_.format, "default: by the name (*.xyz, train.xyz, input.data)")
      ->check(CLI::IsMember({"extxyz", "gpumd", "deepmd", "n2p2"}));
  choice(write, "--units", export_.units, {"angstrom-ev", "bohr-hartree"}, "of n2p2 files");
  add_json(write, export_.json);
  choose(write, export_);
}

void Parser::add_pipeline(const std::string& name, const std::string& last_step, const std::string& what) {
  PipelineArguments& arguments = pipeline_[name];
  arguments.last_step = last_step;
  CLI::App* app =
      verb(app_, name, what, fmt::format("  haven {0}\n  mpirun -n 8 haven {0} haven.toml --time-limit 23h", name));
  add_config(app, arguments.config);
  add_json(app, arguments.json);
  add_time_limit(app, arguments.time_limit_s);
  add_dry_run(app, arguments.spend);
  app->add_option("--groups", arguments.groups, "runs of the ladder at the same time; 0: chosen")
      ->check(CLI::NonNegativeNumber);
  app->add_flag_function(
      "--fresh", [&arguments](std::int64_t) { arguments.restart = Restart::from_scratch; },
      "set earlier results aside and start again");
  choose(app, arguments);
}

void Parser::add_coupling(CLI::App* app) {
  app->add_option("--tau", md_.tau, "relaxation time of the thermostat, fs; 0: 1000, and 100 while equilibrating")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  positive(app, "--every-fs", md_.every_fs, "time between stored frames, fs");
  positive(app, "--barostat-tau", md_.barostat_tau, "time scale of the volume, fs");
  positive(app, "--replicas", md_.replicas, "independent runs per temperature");
  positive(app, "--bulk-modulus", md_.bulk_modulus, "estimate for the barostat, GPa");
  app->add_option("--pressure", md_.pressure, "of npt and --equilibrate, GPa")->capture_default_str();
  choice(app, "--ensemble", md_.ensemble, {"nvt", "nve", "npt"},
         "constant volume and temperature, energy, or pressure");
  choice(app, "--barostat", md_.barostat, {"rescaling", "mtk"}, "stochastic cell rescaling, or Martyna-Tobias-Klein");
  choice(app, "--shape", md_.shape, {"isotropic", "anisotropic", "triclinic"},
         "what the barostat changes: the volume, also lengths, also angles");
  choice(app, "--device", md_.device, {"auto", "cpu", "cuda"}, "cpu (auto), or cuda: one GPU per rank");
}

void Parser::add_md() {
  CLI::App* app = verb(app_, "md", "molecular dynamics: of the input file, or of a model and a structure",
                       "  mpirun -n 8 haven md haven.toml\n"
                       "  haven md LGPS.haven POSCAR --temperature 600 --ps 100 -o md600\n"
                       "  haven md LGPS.haven POSCAR -T 600 --equilibrate 50 --shape triclinic --ps 500 -o md600");
  app->add_option("haven.toml|MODEL", md_first_, "input file, or model file");
  app->add_option("STRUCTURE", md_second_, "with a model: POSCAR, extxyz, OUTCAR or vasprun.xml");
  app->add_option("--config", md_config_, "input file");
  app->add_option("--set", md_overrides_, "key=value for the input file")->allow_extra_args(false)->take_all();
  app->add_option("-T,--temperature", md_.temperatures, "K; several make a ladder")->check(CLI::PositiveNumber);
  app->add_option("--committee", md_.committee,
                  "further models that the forces are compared with, at the rows of thermo.csv");
  app->add_option("--ps", md_.ps, "length, ps")->check(CLI::PositiveNumber);
  positive(app, "--timestep", md_.timestep, "fs");
  app->add_option("--equilibrate", md_.equilibrate_ps,
                  "ps at constant pressure before the run, which then has the mean cell of their second half")
      ->check(CLI::PositiveNumber);
  add_coupling(app);
  app->add_option("--supercell", md_.supercell, "repetitions along a, b, c")->expected(3)->check(CLI::PositiveNumber);
  app->add_option("--seed", md_.seed, "of velocities and thermostat")->capture_default_str();
  app->add_option("--groups", md_.groups, "runs at the same time; 0: chosen")->check(CLI::NonNegativeNumber);
  app->add_option("-o,--output", md_.folder, "folder of the results")->capture_default_str();
  add_json(app, md_.json);
  add_time_limit(app, md_.time_limit_s);
  add_dry_run(app, md_.spend);
  app->add_flag_function(
      "--fresh", [this](std::int64_t) { md_restart_ = Restart::from_scratch; }, "set earlier results aside");
  app->callback([this] {
    if (!md_second_.empty()) {
      md_.model = md_first_;
      md_.structure = md_second_;
      chosen_ = md_;
      return;
    }
    PipelineArguments arguments{.last_step = "md"};
    if (!md_config_.empty()) md_first_ = md_config_;
    if (!md_first_.empty()) arguments.config.path = md_first_;
    arguments.config.overrides = md_overrides_;
    arguments.time_limit_s = md_.time_limit_s;
    arguments.groups = md_.groups;
    arguments.json = md_.json;
    arguments.spend = md_.spend;
    arguments.restart = md_restart_;
    chosen_ = arguments;
  });
}

void Parser::add_test() {
  CLI::App* app = verb(
      app_, "test", "errors of a model on labelled structures, by element, group and temperature",
      "  haven test run/model/LGPS.haven test.xyz --json -\n  haven test m.haven run/data.h5 --part test -o errors");
  app->add_option("MODEL", test_.model, "model file")->required();
  app->add_option("SET", test_.set, "dataset (.h5), extxyz, OUTCAR or vasprun.xml")->required();
  choice(app, "--part", test_.part, {"all", "train", "valid", "test"}, "part of a dataset that a run has split");
  app->add_option("-o,--output", test_.folder, "folder for parity tables and figures");
  choice(app, "--precision", test_.precision, {"mixed", "float64"}, "of the evaluation");
  add_json(app, test_.json);
  choose(app, test_);
}

void Parser::add_predict() {
  CLI::App* app =
      verb(app_, "predict", "energy, forces and stress of structures, as extended XYZ",
           "  haven predict model.haven POSCAR -o out.xyz\n  haven predict model.haven frames.xyz --json -");
  app->add_option("MODEL", predict_.model, "model file")->required();
  app->add_option("STRUCTURES", predict_.structures, "POSCAR, extxyz, OUTCAR, vasprun.xml, dataset (.h5)")->required();
  app->add_option("-o,--output", predict_.output, "extended XYZ file to write; default: standard output");
  choice(app, "--precision", predict_.precision, {"mixed", "float64"}, "of the evaluation");
  add_json(app, predict_.json);
  choose(app, predict_);
}

void Parser::add_relax() {
  CLI::App* app = verb(app_, "relax", "minimum of the enthalpy over positions and cell; exit 5 when it is not reached",
                       "  haven relax model.haven POSCAR -o CONTCAR\n"
                       "  haven relax model.haven POSCAR --cell fixed --force-tolerance 0.001 --json -");
  app->add_option("MODEL", relax_.model, "model file")->required();
  app->add_option("STRUCTURE", relax_.structure, "POSCAR, extxyz, OUTCAR or vasprun.xml")->required();
  choice(app, "--cell", relax_.cell, {"triclinic", "anisotropic", "isotropic", "fixed"}, "what of the cell may change");
  choice(app, "--method", relax_.method, {"lbfgs", "fire"},
         "L-BFGS, or FIRE, which needs more steps but minds a potential that is not smooth less");
  app->add_option("--pressure", relax_.pressure, "GPa")->capture_default_str();
  positive(app, "--force-tolerance", relax_.force_tolerance, "largest force on an atom, eV/A");
  positive(app, "--stress-tolerance", relax_.stress_tolerance,
           "largest component of the stress less the pressure, GPa");
  positive(app, "--max-steps", relax_.max_steps, "evaluations at most");
  positive(app, "--symmetry-tolerance", relax_.symmetry_tolerance, "of the space groups before and after, A");
  app->add_option("-o,--output", relax_.output, "POSCAR, or extended XYZ (*.xyz); default: standard output");
  add_json(app, relax_.json);
  choose(app, relax_);
}

void Parser::add_report() {
  CLI::App* app = verb(app_, "report", "one self-contained HTML page of a run, with figures and provenance",
                       "  haven report run\n  haven report run -o lgps.html");
  app->add_option("RUN", report_.folder, "output folder of a run")->capture_default_str();
  app->add_option("-o,--output", report_.output, "page to write; default: report.html in the run folder");
  add_json(app, report_.json);
  choose(app, report_);
}

void Parser::add_model_convert(CLI::App& model) {
  CLI::App* app = verb(model, "convert",
                       "a published potential of n2p2, NEP (GPUMD) or aenet, or a table of LAMMPS, as a model file",
                       "  haven model convert nep.txt -o LLZO.haven\n"
                       "  haven model convert h2o/ --units bohr-hartree -o H2O.haven\n"
                       "  haven model convert Ti.nn O.nn -o TiO2.haven\n"
                       "  haven model convert pairs.table -o LiCl.haven");
  app->add_option("SOURCE", convert_.sources,
                  "a folder with input.nn (n2p2), a nep.txt, one network file per element (aenet), or *.table (LAMMPS)")
      ->required();
  app->add_option("-o,--output", convert_.output, "model file to write")->required();
  choice(app, "--from", convert_.format, {"auto", "n2p2", "nep", "aenet", "lammps-table"},
         "the program the potential is of");
  app->add_option("--units", convert_.units, "of an n2p2 potential, whose files do not say them")
      ->check(CLI::IsMember({"bohr-hartree", "angstrom-ev"}));
  add_json(app, convert_.json);
  choose(app, convert_);
}

void Parser::add_model_merge(CLI::App& model) {
  CLI::App* app =
      verb(model, "merge", "models with one descriptor as a committee, for little more than the cost of one",
           "  haven model merge a.haven b.haven c.haven -o committee.haven");
  app->add_option("MODEL", merge_.models, "model files that differ in their networks only")->required();
  app->add_option("-o,--output", merge_.output, "model file to write")->required();
  add_json(app, merge_.json);
  choose(app, merge_);
}

void Parser::add_bench() {
  CLI::App* app = verb(app_, "bench", "time of a model on one core: forces, neighbour list, a whole step",
                       "  haven bench model.haven POSCAR --supercell 3 3 3\n"
                       "  haven bench --preset moment-c8-l4 --json -");
  app->add_option("MODEL", bench_.model, "model file");
  app->add_option("STRUCTURE", bench_.structure, "POSCAR, extxyz, OUTCAR or vasprun.xml; none: a box is made");
  app->add_option("--preset", bench_.preset, "a model with random weights instead of a file")
      ->check(CLI::IsMember(bench_presets()));
  choice(app, "--precision", bench_.precision, {"mixed", "float64"}, "of the evaluation");
  app->add_option("--atoms", bench_.atoms, "of the box, default 2000")->check(CLI::Range(32, 1000000));
  app->add_option("--supercell", bench_.supercell, "repetitions of the structure")->check(CLI::PositiveNumber);
  app->add_option("--repeats", bench_.repeats, "calls to time, default 20")->check(CLI::Range(1, 10000));
  app->add_option("--steps", bench_.steps,
                  "of molecular dynamics to time, in five blocks after one to warm up; default 100")
      ->check(CLI::Range(5, 1000000));
  add_json(app, bench_.json);
  choose(app, bench_);
}

void Parser::add_small() {
  CLI::App* init =
      verb(app_, "init", "write a commented haven.toml filled from the POSCAR and INCAR found", "  haven init vasp/");
  init->add_option("FOLDER", init_.folder, "folder of VASP calculations")->capture_default_str();
  init->add_option("-o,--output", init_.output, "file to write; an existing one is never replaced")
      ->capture_default_str();
  choose(init, init_);
  CLI::App* model = verb(app_, "model", "look into a model file, make a committee, convert another program's potential",
                         "  haven model info run/model/LGPS.haven\n  haven model convert nep.txt -o m.haven");
  model->require_subcommand(1);
  CLI::App* info = verb(*model, "info", "elements, cut-off, size, training domain, provenance",
                        "  haven model info m.haven --json -");
  info->add_option("MODEL", info_.model, "model file")->required();
  add_json(info, info_.json);
  choose(info, info_);
  add_model_convert(*model);
  add_model_merge(*model);
  CLI::App* schema = verb(app_, "schema", "every key of haven.toml: JSON Schema, or a Markdown table",
                          "  haven schema > haven.schema.json");
  schema->add_flag_function(
      "--markdown", [this](std::int64_t) { schema_.form = SchemaArguments::Form::markdown; }, "as a table");
  choose(schema, schema_);
  CLI::App* version = verb(app_, "version", "version and build", "  haven version --json -");
  add_json(version, version_.json);
  choose(version, version_);
}

Parser::Parser() {
  app_.require_subcommand(1);
  app_.footer(
      footer("  haven init vasp/        write a haven.toml\n"
             "  haven run               data, train, test, md, transport, report; continues where it stopped\n"
             "  mpirun -n 8 haven run   the same on 8 ranks"));
  app_.set_version_flag("--version", version_text());
  add_pipeline("run", "report", "everything: data, train, test, md, transport, report; continues where it stopped");
  add_data();
  add_pipeline("train", "test", "import if needed, train a model and test it");
  add_test();
  add_predict();
  add_relax();
  add_md();
  add_transport();
  add_export();
  add_plan();
  add_report();
  add_bench();
  add_small();
}

namespace {

/// What to say about a command line that cannot be understood. A word where a verb is expected is most likely a
/// misspelt verb.
ConfigError usage_error(const CLI::App& reached, const std::string& path, const std::string& what,
                        const std::string& word) {
  const std::string help = fmt::format("`{} --help` lists what is possible.", path);
  std::vector<std::string> verbs;
  for (const CLI::App* verb : reached.get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(verb->get_name());
  if (verbs.empty() || word.empty() || word.starts_with("-")) return {what, path, help};
  const std::string guess = nearest(word, verbs);
  return {fmt::format("\"{}\" is no command", word), path,
          guess.empty() ? help : fmt::format("Did you mean \"{}\"? {}", guess, help)};
}

}  // namespace

CommandLine Parser::parse(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {.text = app_.help()};  // of the verb that was reached
  } catch (const CLI::CallForVersion&) {
    return {.text = version_text() + "\n"};
  } catch (const CLI::ParseError& error) {
    const CLI::App* reached = &app_;
    std::string path = "haven";
    int position = 1;
    while (!reached->get_subcommands().empty()) {
      reached = reached->get_subcommands().front();
      path += " " + reached->get_name();
      ++position;
    }
    throw usage_error(*reached, path, error.what(), position < argc ? argv[position] : "");
  }
  return {.command = chosen_};
}

CommandLine parse_command_line(int argc, const char* const* argv) { return Parser().parse(argc, argv); }

}  // namespace haven
