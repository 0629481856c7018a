#include "fuzz/targets.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "analysis/trajectory_source.hpp"
#include "app/config.hpp"
#include "core/error.hpp"
#include "fuzz/seeds.hpp"
#include "io/aenet_potential.hpp"
#include "io/checkpoint.hpp"
#include "io/cif.hpp"
#include "io/dataset_file.hpp"
#include "io/extxyz.hpp"
#include "io/file_format.hpp"
#include "io/import.hpp"
#include "io/lammps_data.hpp"
#include "io/lammps_table.hpp"
#include "io/model_file.hpp"
#include "io/n2p2_potential.hpp"
#include "io/nep_potential.hpp"
#include "io/npy.hpp"
#include "io/outcar.hpp"
#include "io/poscar.hpp"
#include "io/position_reader.hpp"
#include "io/text_file.hpp"
#include "io/trajectory.hpp"
#include "io/vaspout.hpp"
#include "io/vasprun.hpp"

namespace haven::fuzz {
namespace {

void promise(bool kept, const char* what) {
  if (!kept) throw std::logic_error(what);
}

bool finite(const std::vector<Vec3>& values) {
  for (const Vec3& v : values)
    if (!is_finite(v)) return false;
  return true;
}

/// What every reader promises about a frame that it calls good.
void check_frame(const Frame& frame) {
  const Structure& s = frame.structure;
  promise(s.positions.size() == s.numbers.size(), "as many positions as atoms");
  promise(frame.forces.empty() || frame.forces.size() == s.numbers.size(), "as many forces as atoms");
  promise(s.velocities.empty() || s.velocities.size() == s.numbers.size(), "as many velocities as atoms");
  promise(finite(s.positions) && finite(frame.forces) && finite(s.velocities), "finite numbers");
  promise(std::isfinite(frame.energy.value_or(0)), "a finite energy");
  for (const int number : s.numbers) promise(number >= 1 && number <= 118, "elements");
}

/// Errors for users are answers; errors that say "a bug in Haven" are findings.
template <class Action>
void answered(Action action) {
  try {
    action();
  } catch (const Error& error) {
    promise(error.exit_code() != ExitCode::bug, error.what());
    promise(!error.summary().empty() && !error.remedy().empty(), "an error with a remedy");
  }
}

void run_poscar(std::string_view bytes) {
  answered([&] {
    const Poscar poscar = parse_poscar(bytes, "fuzz");
    check_frame({.structure = poscar.structure});
    promise(poscar.movable.empty() || poscar.movable.size() == poscar.structure.numbers.size(), "flags for all atoms");
    const Poscar again = parse_poscar(poscar_text(poscar.structure, "again"), "again");
    promise(again.structure.numbers == poscar.structure.numbers, "a written POSCAR reads back");
  });
}

void run_vasp(VaspReader& reader) {
  while (const auto step = reader.next()) {
    if (!step->problem.empty() || step->kind == VaspStep::Kind::machine_learned) continue;
    if (step->forces.empty() || !step->free_energy) continue;
    answered([&] { check_frame(frame_of_step(*step, reader.settings(), EnergyKind::free, "fuzz")); });
  }
  static_cast<void>(reader.ending());
  const CalculationSettings& settings = reader.settings().calculation;
  promise(CalculationSettings::from_text(settings.text()) == settings, "settings survive their text");
}

void run_outcar(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] { run_vasp(*open_outcar(file.path())); });
}

void run_vasprun(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] { run_vasp(*open_vasprun(file.path())); });
}

void run_extxyz(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    ExtxyzReader reader(file.path());
    std::string problem;
    while (const auto frame = reader.next(problem))
      if (problem.empty()) check_frame(*frame);
    static_cast<void>(reader.mapping());
  });
}

/// A format that open_frames() reads from one file.
template <FileFormat format>
void run_frames(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    const auto reader = open_frames(file.path(), format, {.units = FileUnits::angstrom_ev, .types = {3, 16}});
    while (const auto read = reader->next())
      if (read->problem.empty()) check_frame(read->frame);
    static_cast<void>(reader->ending());
    static_cast<void>(reader->notes());
  });
}

void run_vaspout(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] { run_vasp(*open_vaspout(file.path())); });
}

void run_cif(std::string_view bytes) {
  answered([&] { check_frame({.structure = parse_cif(bytes, "fuzz")}); });
}

void run_lammps(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] { check_frame({.structure = read_lammps_data(file.path(), {3, 16})}); });
}

void run_npy(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    NpyRows array(file.path());
    std::vector<double> row;
    for (Index k = 0; k < array.rows(); ++k) {
      array.next(row);
      promise(static_cast<Index>(row.size()) == array.row_size(), "rows of one size");
    }
  });
}

void run_import(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    Log silent;
    const ImportReport report = import_frames(
        {.sources = {{.path = file.path()}}}, [](Frame&& frame) { check_frame(frame); }, silent);
    promise(!report.to_json().empty() && !report.to_text().empty(), "a report");
  });
}

using OpenPositions = std::unique_ptr<PositionReader> (*)(const std::string&, const PositionReading&);

/// A trajectory of another program.
template <OpenPositions open>
void run_positions(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    const auto reader = open(file.path(), {.types = {3, 16}, .cell = Cell(Mat3{{{{9, 0, 0}, {0, 9, 0}, {0, 0, 9}}}})});
    PositionFrame frame;
    std::size_t atoms = 0;
    while (reader->next(frame)) {
      if (atoms == 0) atoms = frame.positions.size();
      promise(frame.positions.size() == atoms && atoms > 0, "the same atoms in every frame");
      promise(finite(frame.positions) && finite(frame.velocities), "finite numbers");
      promise(reader->numbers().empty() || reader->numbers().size() == atoms, "an element for every atom");
    }
    static_cast<void>(reader->ending());
    static_cast<void>(reader->notes());
  });
}

std::unique_ptr<PositionReader> open_xtc_file(const std::string& path, const PositionReading&) {
  return open_xtc(path);
}

void run_config(std::string_view bytes) {
  answered([&] {
    const Config config = parse_config(bytes, "fuzz");
    const std::string text = effective_toml(config);
    promise(effective_toml(parse_config(text, "again")) == text, "the effective configuration reads back");
  });
}

void run_text(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    TextFile text(file.path(), TextFile::LongLine::skip, 4096);
    std::string_view line;
    while (text.next_line(line)) promise(line.size() <= 4096, "lines within the limit");
  });
}

void run_model(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] { static_cast<void>(model_payload_hash(read_model(file.path()))); });
}

void run_dataset(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] {
    for (const Frame& frame : read_dataset(file.path()).frames) check_frame(frame);
  });
}

void run_checkpoint(std::string_view bytes) {
  const BytesFile file(bytes);
  answered([&] { static_cast<void>(read_checkpoint(file.path())); });
}

/// A folder with the parts of an input (see parts_separator) under the given names; parts that are missing are no file.
class PartsFolder {
 public:
  PartsFolder(std::string_view bytes, const std::vector<std::string>& names)
      : folder_(std::filesystem::temp_directory_path() / ("haven-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    for (const std::string& name : names) {
      const std::size_t end = bytes.find(parts_separator);
      const std::filesystem::path path = folder_ / name;
      std::filesystem::create_directories(path.parent_path());
      const std::string_view part = bytes.substr(0, end);
      std::ofstream(path, std::ios::binary).write(part.data(), static_cast<std::streamsize>(part.size()));
      if (end == std::string_view::npos) break;
      bytes.remove_prefix(end + parts_separator.size());
    }
  }
  ~PartsFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  PartsFolder(const PartsFolder&) = delete;
  PartsFolder& operator=(const PartsFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name = "") const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

void run_xdatcar(std::string_view bytes) {
  const PartsFolder folder(bytes, {"XDATCAR", "OSZICAR"});
  answered([&] {
    const auto source = open_xdatcar(folder.path("XDATCAR"), {.frame_interval_fs = 1});
    TrajectoryFrame frame;
    while (source->next(frame)) {
      promise(frame.positions.size() == source->info().numbers.size(), "as many positions as atoms");
      promise(finite(frame.positions), "finite numbers");
      const FrameLabels labels = source->labels();
      promise(std::isfinite(labels.energy.value_or(0)) && std::isfinite(labels.temperature_K.value_or(0)),
              "finite labels");
    }
    static_cast<void>(source->labels_doubt());
    static_cast<void>(source->remarks());
  });
}

void run_frames_of_parts(const PartsFolder& folder, const std::string& name, FileFormat format) {
  answered([&] {
    const auto reader = open_frames(folder.path(name), format, {.types = {3, 16}});
    while (const auto read = reader->next())
      if (read->problem.empty()) check_frame(read->frame);
    static_cast<void>(reader->ending());
    static_cast<void>(reader->notes());
  });
}

void run_cp2k(std::string_view bytes) {
  run_frames_of_parts(PartsFolder(bytes, {"a-pos-1.xyz", "a-frc-1.xyz", "a-1.cell"}), "a-pos-1.xyz", FileFormat::cp2k);
}

void run_deepmd(std::string_view bytes) {
  run_frames_of_parts(PartsFolder(bytes, {"type.raw", "type_map.raw", "set.000/coord.npy", "set.000/box.npy",
                                          "set.000/energy.npy", "set.000/force.npy", "set.000/virial.npy"}),
                      "type.raw", FileFormat::deepmd);
}

/// A potential of another program: what is accepted has a hash, so every number of it can be written.
template <class Read>
void run_potential(Read read) {
  answered([&] { static_cast<void>(model_payload_hash(read())); });
}

void run_table(std::string_view bytes) {
  const BytesFile file(bytes);
  run_potential([&] { return read_lammps_table(file.path()); });
}

void run_nep(std::string_view bytes) {
  const BytesFile file(bytes);
  run_potential([&] { return read_nep(file.path()); });
}

void run_n2p2_potential(std::string_view bytes) {
  const PartsFolder folder(bytes, {"input.nn", "scaling.data", "weights.001.data", "weights.008.data"});
  run_potential([&] { return read_n2p2(folder.path(), PotentialUnits::angstrom_ev); });
}

void run_aenet(std::string_view bytes) {
  const PartsFolder folder(bytes, {"Li.nn", "S.nn"});
  std::vector<std::string> paths{folder.path("Li.nn")};
  if (std::filesystem::exists(folder.path("S.nn"))) paths.push_back(folder.path("S.nn"));
  run_potential([&] { return read_aenet(paths); });
}

void run_trajectory(std::string_view bytes) {
  const PartsFolder folder(bytes, {segment_name(1), segment_name(2)});
  answered([&] {
    TrajectoryReader reader(folder.path());
    TrajectoryFrame frame;
    while (reader.next(frame)) {
      promise(frame.positions.size() == reader.header().numbers.size(), "as many positions as atoms");
      promise(frame.velocities.empty() || frame.velocities.size() == frame.positions.size(), "as many velocities");
    }
    static_cast<void>(reader.rejected());
  });
}

std::vector<Target> make_targets() {
  return {
      {"poscar",
       run_poscar,
       poscar_seeds,
       {"Direct\n", "Cartesian\n", "Selective dynamics\n", " T F T", "Li S\n", "-100.0\n", "1.0 1.0 1.0\n"}},
      {"outcar",
       run_outcar,
       outcar_seeds,
       {"FREE ENERGIE OF THE ION-ELECTRON SYSTEM",
        "free  energy   TOTEN  =",
        "POSITION                                       TOTAL-FORCE (eV/Angst)\n",
        "energy  without entropy=",
        "energy(sigma->0) =",
        "in kB",
        "external pressure =",
        "direct lattice vectors\n",
        "--------------------------------------- Iteration      1(   1)  ---------------------------------------\n",
        "ions per type =",
        "TITEL  = PAW_PBE Li_sv 10Sep2004",
        "EDIFF was not reached",
        "ML FORCE on cell",
        "ML energy  without",
        "LDAUU =",
        "ISMEAR =",
        "generate k-points for:",
        "vasp.6.4.2",
        "NIONS =",
        "General timing and accounting"}},
      {"vasprun",
       run_vasprun,
       vasprun_seeds,
       {"<modeling>",
        "</modeling>",
        "<calculation>",
        "</calculation>",
        "<scstep>",
        "</scstep>",
        "<energy>",
        "</energy>",
        "<i name=\"e_fr_energy\">",
        "</i>",
        "<varray name=\"forces\" >",
        "<varray name=\"stress\" >",
        "</varray>",
        "<v>",
        "</v>",
        "<c>",
        "</c>",
        "<rc>",
        "</rc>",
        "<set>",
        "<structure>",
        "<crystal>",
        "<array name=\"atoms\" >",
        "<incar>",
        "<parameters>",
        "<!DOCTYPE x [<!ENTITY e \"ee\">]>",
        "&e;",
        "<![CDATA[",
        "<v name=\"LDAUU\">",
        "<atominfo>"}},
      {"extxyz",
       run_extxyz,
       extxyz_seeds,
       {"Lattice=\"", "Properties=species:S:1:pos:R:3", ":forces:R:3",
        "energy=", "free_energy=", "REF_energy=", "stress=\"", "virial=\"", "pbc=\"T T F\"", "config_type=", "=", "\"",
        "\\\"", ":R:99999999999", "temperature_K="}},
      {"import", run_import, import_seeds, {"Lattice=\"", "<calculation>", "free  energy   TOTEN  ="}},
      {"vaspout", run_vaspout, vaspout_seeds, {"OHDR", "OCHK", "FRHP"}},
      {"mlab",
       run_frames<FileFormat::ml_ab>,
       mlab_seeds,
       {"Configuration num.", "The number of atoms\n", "Total energy (eV)\n", "Forces (eV ang.^-1)\n",
        "Stress (kbar)\n", "**************************************************\n"}},
      {"n2p2",
       run_frames<FileFormat::n2p2>,
       n2p2_seeds,
       {"begin\n", "end\n", "lattice ", "atom ", "energy ", "charge "}},
      {"xsf",
       run_frames<FileFormat::xsf>,
       xsf_seeds,
       {"# total energy = ", "CRYSTAL\n", "PRIMVEC\n", "PRIMCOORD\n", "ANIMSTEPS 2\n"}},
      {"espresso",
       run_frames<FileFormat::espresso>,
       espresso_seeds,
       {"!    total energy              =", "Forces acting on atoms", "total   stress", "CELL_PARAMETERS (angstrom)\n",
        "ATOMIC_POSITIONS (angstrom)\n", "convergence NOT achieved", "number of atoms/cell",
        "lattice parameter (alat)"}},
      {"cif",
       run_cif,
       cif_seeds,
       {"loop_\n", "_atom_site_fract_x\n", "_atom_site_occupancy\n", "_space_group_symop_operation_xyz\n", "data_x\n",
        "\n;", "'", "x,y,z", "-x+1/2"}},
      {"lammps", run_lammps, lammps_seeds, {"Atoms # full\n", "Masses\n", " atoms\n", " xlo xhi\n", " xy xz yz\n"}},
      {"npy", run_npy, npy_seeds, {"'descr': '<f8'", "'fortran_order': True", "'shape': (", "99999999999,"}},
      {"dump",
       run_positions<open_lammps_dump>,
       dump_seeds,
       {"ITEM: TIMESTEP\n", "ITEM: NUMBER OF ATOMS\n", "ITEM: BOX BOUNDS xy xz yz pp pp pp\n", "ITEM: UNITS\nmetal\n",
        "ITEM: ATOMS id type xs ys zs ix iy iz\n", "ITEM: ATOMS id mass xu yu zu\n", "ITEM: BOX BOUNDS abc origin\n"}},
      {"dcd", run_positions<open_dcd>, dcd_seeds, {"CORD", std::string("T\0\0\0", 4)}},
      {"xtc",
       run_positions<open_xtc_file>,
       xtc_seeds,
       {std::string("\0\0\x07\xcb", 4), std::string("\0\0\x07\xe7", 4)}},
      {"h5md", run_positions<open_foreign_h5md>, h5md_seeds, {"OHDR", "OCHK", "FRHP", "TREE", "SNOD"}},
      {"xdatcar",
       run_xdatcar,
       xdatcar_seeds,
       {"Direct configuration=     1\n", "Cartesian configuration=", " 2 3\n", "Li S\n",
        "     12 T=   800. E= -.1E+02 F= -.1E+02 E0= -.1E+02\n", std::string(parts_separator)}},
      {"config",
       run_config,
       config_seeds,
       {"[data]\n", "[[md.stage]]\n", "sources = [", "{ path = \"a\" }", "inf", "nan", "\"\"\"", "1979-05-27",
        "0x7fffffffffffffff", "[[", "]]", "="}},
      {"text",
       run_text,
       text_seeds,
       {"\n", "\r\n", "\x1f\x8b\x08", "BZh9",
        "\xfd"
        "7zXZ"}},
      {"model", run_model, model_seeds, {"OHDR", "OCHK", "FRHP"}},
      {"dataset", run_dataset, dataset_seeds, {"OHDR", "OCHK", "FRHP"}},
      {"checkpoint", run_checkpoint, checkpoint_seeds, {"OHDR", "haven-sha256 "}},
      {"cp2k",
       run_cp2k,
       cp2k_seeds,
       {" i =        0, time =        0.000, E =       -17.0\n", "#   Step   Time [fs]", std::string(parts_separator)}},
      {"deepmd",
       run_deepmd,
       deepmd_seeds,
       {"'descr': '<f8'", "'fortran_order': True", "'shape': (", "99999999999,", "-1 0 1\n",
        std::string(parts_separator)}},
      {"table", run_table, table_seeds, {"N 5 R 1.0 5.0\n", "N 99999999\n", "RSQ", "FP 1 2\n", "Li_S\n"}},
      {"nep",
       run_nep,
       nep_seeds,
       {"nep4_zbl 2 Li S\n", "nep5", "cutoff 8 4 90 60\n", "n_max 4 4\n", "l_max 4 2 1\n", "ANN 999999999 0\n",
        "zbl 1 2\n"}},
      {"n2p2_potential",
       run_n2p2_potential,
       n2p2_potential_seeds,
       {"symfunction_short H 2 O 0.1 0.0 6.0\n", "global_nodes_short 999999999\n", "number_of_elements 2\n",
        "elements O H\n", std::string(parts_separator)}},
      {"aenet", run_aenet, aenet_seeds, {"Chebyshev", "\xff\xff\xff\x7f", std::string(parts_separator)}},
      {"trajectory", run_trajectory, trajectory_seeds, {"OHDR", "OCHK", "FRHP", "FADB", std::string(parts_separator)}},
  };
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> all = make_targets();
  return all;
}

const Target& target(std::string_view name) {
  for (const Target& entry : targets())
    if (entry.name == name) return entry;
  throw std::invalid_argument("no fuzz target of this name: " + std::string(name));
}

}  // namespace haven::fuzz
