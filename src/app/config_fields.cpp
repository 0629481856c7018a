#include "app/config_fields.hpp"

#include <algorithm>

namespace haven {
namespace {

constexpr auto not_yet = Choice::Status::not_yet;
constexpr Range positive{.low = 0, .low_end = Range::Low::open};
constexpr Range not_negative{.low = 0};
constexpr Range at_least_one{.low = 1};

constexpr Choice split_choices[] = {{"trajectory"}, {"frame", not_yet}};
constexpr Choice energy_choices[] = {{"free"}, {"sigma0"}};
constexpr Choice unconverged_choices[] = {{"reject"}, {"keep"}, {"error"}};
constexpr Choice stress_choices[] = {{"auto"}, {"ignore"}};
constexpr Choice shift_choices[] = {{"fit"}};
constexpr Choice type_choices[] = {{"moment"}, {"bpnn"}, {"chebyshev"}, {"deeppot-se"}, {"deeppot-se-r"}};
constexpr Choice preset_choices[] = {{"fast"}, {"standard"}, {"accurate"}};
constexpr Choice repulsion_choices[] = {{"zbl"}, {"none"}};
constexpr Choice committee_descriptor_choices[] = {{"own"}, {"shared"}};
constexpr Choice device_choices[] = {{"auto"}, {"cpu"}, {"cuda", not_yet}};
constexpr Choice md_device_choices[] = {{"auto"}, {"cpu"}, {"cuda"}};
constexpr Choice precision_choices[] = {{"mixed"}, {"float64"}};
constexpr Choice ensemble_choices[] = {{"nve"}, {"nvt"}, {"npt"}};
constexpr Choice thermostat_choices[] = {{"bussi"}, {"nose-hoover"}, {"langevin"}};
constexpr Choice barostat_choices[] = {{"rescaling"}, {"mtk"}};
constexpr Choice shape_choices[] = {{"isotropic"}, {"anisotropic"}, {"triclinic"}};
constexpr Choice format_choices[] = {{"h5md"}, {"dcd", not_yet}, {"extxyz", not_yet}};
constexpr Choice order_choices[] = {{"descending"}, {"ascending"}, {"given"}};
constexpr Choice nan_choices[] = {{"stop"}};
constexpr Choice action_choices[] = {{"stop"}, {"flag"}};
constexpr Choice quantity_choices[] = {{"tracer"}, {"collective"}, {"haven"}, {"green_kubo", not_yet}};
constexpr Choice axes_choices[] = {{"iso"}, {"xyz"}};
constexpr Choice drift_choices[] = {{"host"}};
constexpr Choice fit_choices[] = {{"sigmaT"}};
constexpr Choice line_choices[] = {{"auto"}, {"line"}, {"two lines"}, {"vtf", not_yet}};
constexpr Choice plot_choices[] = {{"svg"}, {"none"}};
constexpr Choice log_choices[] = {{"info"}, {"debug", not_yet}};

template <class T, class Body>
void visit_optional(FieldVisitor& v, const Key& key, std::string_view absent, std::optional<T>& value, Body body) {
  bool present = value.has_value();
  T content = value.value_or(T{});
  v.optional_section(key, absent, present, [&](FieldVisitor& s) { body(s, content); });
  if (present) value = content;
}

void visit_data(FieldVisitor& v, DataConfig& data) {
  v.sections(
      {"sources", "calculations to learn from: files, folders or globs"}, data.sources.size(),
      [&](std::size_t n) { data.sources.resize(n); },
      [&](FieldVisitor& s, std::size_t k) {
        SourceConfig& source = data.sources[k];
        s.text(
            {"path", "file (OUTCAR, vasprun.xml, extxyz, ...; also compressed), a folder that is searched, or a glob"},
            source.path);
        s.text({"group", "errors are reported by group; empty: the name of the folder"}, source.group);
        s.integer({"every", "keep every n-th frame"}, source.every, at_least_one);
        s.real({"weight", "multiplies these frames in the loss"}, source.weight, positive);
        s.text({"units", "angstrom-ev or bohr-hartree: needed for formats that do not state them (n2p2 input.data)"},
               source.units);
        s.text_list({"types", "elements of numbered atom types, where the files do not name them"}, source.types);
      });
  v.choice({"energy", "free: TOTEN, the energy that the forces belong to"}, data.energy, energy_choices);
  v.choice({"unconverged", "what to do with frames whose SCF reached NELM"}, data.unconverged, unconverged_choices);
  v.real({"max_force", "eV/A; frames above it are rejected and listed"}, data.max_force, positive);
  v.choice({"stress", "auto: use where present, sign and unit verified when possible; ignore: leave it out, unjudged"},
           data.stress, stress_choices);
  v.text({"mixed_settings",
          "sources calculated with different settings: error, allow, or the settings that may differ (ISMEAR, SIGMA)"},
         data.mixed_settings);
  v.section({"split", "what is held back from training"}, [&](FieldVisitor& s) {
    s.choice({"by", "trajectory: frames of one run never fall apart into neighbours in time"}, data.split.by,
             split_choices);
    s.real({"valid", "fraction for early stopping"}, data.split.valid, {.low = 0, .high = 0.9});
    s.real({"test", "fraction never seen in training"}, data.split.test, {.low = 0, .high = 0.9});
  });
  v.choice({"energy_shift", "per-element reference energies by least squares, stored in the model"}, data.energy_shift,
           shift_choices);
}

void visit_model(FieldVisitor& v, ModelConfig& model) {
  v.text({"file", "an existing model, used as it is instead of training one"}, model.file);
  v.choice({"type", "kind of descriptor"}, model.type, type_choices);
  v.choice({"preset", "size of the model: speed against accuracy"}, model.preset, preset_choices);
  v.real({"cutoff", "A"}, model.cutoff, {.low = 1, .high = 15});
  v.choice({"repulsion", "pair wall below the smallest distance of the training set"}, model.repulsion,
           repulsion_choices);
  v.integer({"committee", "number of models trained from different seeds; the first one moves the atoms"},
            model.committee, {.low = 1, .high = 32});
  v.choice({"committee_descriptor",
            "own: each trains its own; shared: all use that of the first, and NAME_committee.haven is all as one"},
           model.committee_descriptor, committee_descriptor_choices);
  v.text_list({"members", "with file: the other models of a committee"}, model.members);
}

void visit_train(FieldVisitor& v, TrainConfig& train) {
  v.choice({"device", "auto: the best this build has"}, train.device, device_choices);
  v.choice({"precision", "mixed: float inside an atom, double across atoms"}, train.precision, precision_choices);
  v.integer({"batch_atoms", "batch size counted in atoms"}, train.batch_atoms, at_least_one);
  v.integer({"max_epochs", "upper limit"}, train.max_epochs, at_least_one);
  v.section({"learning_rate", "falls from start to end along a cosine"}, [&](FieldVisitor& s) {
    s.real({"start", "first epoch"}, train.learning_rate.start, {.low = 0, .high = 1, .low_end = Range::Low::open});
    s.real({"end", "last epoch"}, train.learning_rate.end, {.low = 0, .high = 1, .low_end = Range::Low::open});
  });
  visit_optional(v, {"loss", "weights of the squared errors; auto: balanced by the spread of the labels"}, "auto",
                 train.loss, [](FieldVisitor& s, TrainConfig::Loss& loss) {
                   s.real({"energy", "1/(eV/atom)^2"}, loss.energy, not_negative);
                   s.real({"force", "1/(eV/A)^2, components"}, loss.force, not_negative);
                   s.real({"virial", "1/(eV/atom)^2, components"}, loss.virial, not_negative);
                 });
  v.section({"early_stop", "stops when validation no longer improves"}, [&](FieldVisitor& s) {
    s.integer({"patience", "epochs without improvement; 0: never"}, train.early_stop.patience, not_negative);
  });
  v.real({"robust", "Huber loss: errors beyond this many times 1/sqrt(weight) count linearly; 0: all squared"},
         train.robust, not_negative);
  v.integer({"final_fit", "rows per unknown of the exact fit of the energy's linear part at the end; 0: none"},
            train.final_fit, {.low = 0});
  v.integer({"polish", "full-batch quasi-Newton steps after the epochs; 0: none"}, train.polish, {.low = 0});
  v.integer({"batch_frames", "a batch has at least this many frames"}, train.batch_frames, at_least_one);
  v.duration({"checkpoint", "time between checkpoints"}, train.checkpoint_s, {.low = 1});
  v.duration({"max_time", "training time at most; 0 s: no limit"}, train.max_time_s, not_negative);
  v.integer({"threads", "per rank; 0: the cores shared by the ranks"}, train.threads, {.low = 0, .high = 1024});
}

void visit_system(FieldVisitor& v, SystemConfig& system) {
  v.text({"structure", "POSCAR, extxyz, OUTCAR or vasprun.xml of the simulated crystal"}, system.structure);
  v.triple({"supercell", "repetitions along a, b, c"}, system.supercell, {.low = 1, .high = 1000});
  v.real_map({"charges", "formal charges by element, e"}, system.charges);
  v.text_list({"mobile", "elements that carry the current"}, system.mobile);
  v.real_map({"masses", "amu by element, instead of the standard ones (isotopes)"}, system.masses);
  v.text_list({"frozen", "elements that do not move"}, system.frozen);
  v.text_list(
      {"frozen_atoms", "atoms of the structure file that do not move, such as \"7\" or \"10-20\", counted from 0"},
      system.frozen_atoms);
}

void visit_stage(FieldVisitor& v, StageConfig& stage) {
  v.text({"name", "unique"}, stage.name);
  v.choice({"ensemble", "constant energy (nve), volume and temperature (nvt), pressure and temperature (npt)"},
           stage.ensemble, ensemble_choices);
  v.real({"ps", "length, ps"}, stage.ps, positive);
  v.text({"cell", "keep: the cell as it is; mean:NAME: the mean cell of the earlier npt stage NAME"}, stage.cell);
  v.flag({"transport", "the stage that the transport analysis reads"}, stage.transport);
  v.real({"start_temperature", "K: the target goes linearly from here to that of the ladder; 0: no ramp"},
         stage.start_temperature, not_negative);
  visit_optional(
      v, {"thermostat", "nvt and npt"}, "", stage.thermostat, [](FieldVisitor& s, ThermostatConfig& thermostat) {
        s.choice(
            {"type",
             "bussi: velocity rescaling with canonical sampling; nose-hoover: a chain of three; langevin: friction "
             "and noise, which change diffusion"},
            thermostat.type, thermostat_choices);
        s.real({"tau", "relaxation time, fs; 0: 1000 in a transport stage, 100 in others"}, thermostat.tau,
               not_negative);
      });
  visit_optional(v, {"barostat", "npt"}, "", stage.barostat, [](FieldVisitor& s, BarostatConfig& barostat) {
    s.choice({"type",
              "rescaling: stochastic cell rescaling, with the thermostat bussi; mtk: "
              "Martyna-Tobias-Klein, with nose-hoover"},
             barostat.type, barostat_choices);
    s.real({"pressure", "GPa"}, barostat.pressure, {});
    s.choice({"shape",
              "what changes. isotropic: the volume; anisotropic: the lengths of a, b and c; "
              "triclinic: lengths and angles"},
             barostat.shape, shape_choices);
    s.real({"tau", "fs; rescaling: relaxation time of the volume; mtk: its inertia is (N_f + 3) kT tau^2"},
           barostat.tau, positive);
    s.real({"bulk_modulus",
            "GPa, rescaling: an estimate; the volume relaxes in tau if it is right, faster in a "
            "stiffer crystal"},
           barostat.bulk_modulus, positive);
  });
  visit_optional(v,
                 {"correlator", "mean squared displacements during the run (displacements_STAGE.csv); at a fixed cell"},
                 "", stage.correlator, [](FieldVisitor& s, CorrelatorConfig& correlator) {
                   s.real({"every_fs", "time between samples, fs"}, correlator.every_fs, positive);
                 });
  visit_optional(v, {"trajectory", "stored positions; a transport stage has them in any case"}, "", stage.trajectory,
                 [](FieldVisitor& s, TrajectoryConfig& trajectory) {
                   s.real({"every_fs", "time between frames, fs"}, trajectory.every_fs, positive);
                   s.choice({"format", "file format"}, trajectory.format, format_choices);
                   s.flag({"velocities", "store velocities too"}, trajectory.velocities);
                 });
}

void visit_md(FieldVisitor& v, MdConfig& md) {
  v.real({"timestep", "fs"}, md.timestep, {.low = 0, .high = 20, .low_end = Range::Low::open});
  v.integer({"replicas", "independent runs per temperature"}, md.replicas, {.low = 1, .high = 10000});
  v.choice({"device", "auto and cpu: the CPU; cuda: one GPU per rank, an error where there is none"}, md.device,
           md_device_choices);
  v.choice({"precision", "mixed: float inside an atom, double across atoms"}, md.precision, precision_choices);
  v.section({"neighbor", "neighbour list"}, [&](FieldVisitor& s) { s.real({"skin", "A"}, md.skin, positive); });
  v.section({"restart", "checkpoints"}, [&](FieldVisitor& s) {
    s.duration({"every", "wall time between checkpoints"}, md.restart.every_s, {.low = 0.001});
    s.integer({"keep", "generations kept"}, md.restart.keep, {.low = 2, .high = 2});
    s.flag({"on_signal", "checkpoint on SIGTERM, SIGINT, SIGUSR1, SIGUSR2"}, md.restart.on_signal);
    s.duration({"max_walltime",
                "the command writes a checkpoint and ends with exit code 75 after it; 0 s: no limit; --time-limit goes "
                "before it"},
               md.restart.max_walltime_s, not_negative);
  });
  v.section({"ladder", "temperatures"}, [&](FieldVisitor& s) {
    s.real_list({"temperatures", "K"}, md.ladder.temperatures, positive);
    s.choice({"order", "which temperature runs first"}, md.ladder.order, order_choices);
  });
  v.section({"guards", "what stops or flags a run"}, [&](FieldVisitor& s) {
    s.choice({"nan", "numbers that are not finite always stop the run"}, md.guards.nan, nan_choices);
    s.real({"max_temperature_factor", "stop above this multiple of the target"}, md.guards.max_temperature_factor,
           {.low = 1, .low_end = Range::Low::open});
    s.real({"max_force", "eV/A on any atom, every step"}, md.guards.max_force, positive);
    s.real({"max_step_displacement", "A per step, any atom"}, md.guards.max_step_displacement, positive);
    s.real({"minimum_distance_factor",
            "stop when atoms come nearer than this times the smallest distance of the training set; 0: off"},
           md.guards.minimum_distance_factor, {.low = 0, .high = 1});
    s.real({"max_volume_factor", "npt: stop when the volume has grown or shrunk by this factor; 0: off"},
           md.guards.max_volume_factor, not_negative);
    s.real(
        {"host_msd_factor", "rms displacement of the host over its nearest distance above which it counts as melting"},
        md.guards.host_msd_factor, not_negative);
    s.choice({"host", "what to do then"}, md.guards.host, action_choices);
    s.choice({"extrapolation", "atoms outside the training range of the model"}, md.guards.extrapolation,
             action_choices);
    s.real({"energy_drift", "eV/atom/ns of the conserved quantity, when significant: stops nve, flags nvt and npt"},
           md.guards.energy_drift, positive);
    s.duration({"stall", "wall time without progress after which a job on several ranks ends (exit 6); 0 s: never"},
               md.guards.stall_s, {.low = 0});
    s.real({"max_deviation", "eV/A: deviation of a committee's forces on an atom, at rows of thermo.csv; 0: off"},
           md.guards.max_deviation, not_negative);
    s.choice({"deviation", "what to do above it"}, md.guards.deviation, action_choices);
  });
  v.sections(
      {"stage", "run one after the other at every temperature"}, md.stages.size(),
      [&](std::size_t n) { md.stages.resize(n); },
      [&](FieldVisitor& s, std::size_t k) { visit_stage(s, md.stages[k]); });
}

void visit_transport(FieldVisitor& v, TransportConfig& transport) {
  v.choice_list({"quantities", "that must be determined: a refusal of one of them makes exit code 5"},
                transport.quantities, quantity_choices);
  v.choice_list({"axes", "iso: mean over directions; xyz: the report shows each axis as well"}, transport.axes,
                axes_choices);
  v.choice({"drift", "the frame of reference that is at rest"}, transport.drift, drift_choices);
  v.interval({"window", "fit window in ps, or auto"}, transport.window_ps);
  v.integer({"min_hops", "fewer hops than this: an upper bound instead of a value"}, transport.min_hops, not_negative);
  v.real({"lindemann_factor",
          "rms of a host atom about its mean position over the nearest host distance above which the host counts as "
          "mobile"},
         transport.lindemann_factor, positive);
  v.section({"arrhenius", "extrapolation"}, [&](FieldVisitor& s) {
    s.real({"target_K", "temperature asked for, K"}, transport.arrhenius.target_kelvin, positive);
    s.choice({"quantity", "what is fitted against 1/T"}, transport.arrhenius.quantity, fit_choices);
    s.choice({"model", "auto: the model the data prefer"}, transport.arrhenius.model, line_choices);
  });
  v.unavailable({"committee", "propagate the spread of a committee"});
}

}  // namespace

void visit_fields(FieldVisitor& v, Config& config) {
  v.integer({"schema", "version of this file's format"}, config.schema, {.low = 1, .high = 1});
  v.text({"name", "title; names the model file"}, config.name);
  v.unsigned_integer({"seed", "of everything random"}, config.seed);
  v.text_list({"elements", "that the model knows; empty: those of the data"}, config.elements);
  v.text({"out", "folder of all results"}, config.out);
  v.text_map({"units", "fixed; may be stated, and is then checked"}, config.units);
  v.section({"data", "what is learnt from"}, [&](FieldVisitor& s) { visit_data(s, config.data); });
  v.section({"model", "the potential"}, [&](FieldVisitor& s) { visit_model(s, config.model); });
  v.section({"train", "optimisation"}, [&](FieldVisitor& s) { visit_train(s, config.train); });
  v.unavailable({"active", "active learning"});
  v.section({"system", "what is simulated"}, [&](FieldVisitor& s) { visit_system(s, config.system); });
  v.section({"md", "molecular dynamics"}, [&](FieldVisitor& s) { visit_md(s, config.md); });
  v.section({"transport", "diffusion and conductivity"},
            [&](FieldVisitor& s) { visit_transport(s, config.transport); });
  v.section({"output", "figures and logs"}, [&](FieldVisitor& s) {
    s.choice({"plots", "figures beside the tables"}, config.output.plots, plot_choices);
    s.real({"thermo_every_fs", "time between rows of thermo.csv, fs"}, config.output.thermo_every_fs, positive);
    s.choice({"log", "detail of haven.log"}, config.output.log, log_choices);
  });
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // Damerau's distance (insertion, deletion, substitution, swap of neighbours), restricted form.
  const auto distance = [](std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
      for (std::size_t j = 1; j <= b.size(); ++j) {
        d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    return d[a.size()][b.size()];
  };
  if (word.size() > 100) return "";
  std::string best;
  std::size_t best_distance = 1 + std::max<std::size_t>(1, word.size() / 3);
  for (const std::string& candidate : candidates) {
    const bool prefix =
        word.size() >= 3 && (candidate.starts_with(word) || word.starts_with(candidate)) && candidate.size() >= 3;
    const std::size_t d = prefix ? 1 : distance(word, candidate);
    if (d < best_distance) best = candidate, best_distance = d;
  }
  return best;
}

}  // namespace haven
