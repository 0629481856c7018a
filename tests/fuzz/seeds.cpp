#include "fuzz/seeds.hpp"

#include <fmt/format.h>

#include <functional>
#include <span>

#include "app/config.hpp"
#include "fuzz/targets.hpp"
#include "io/checkpoint.hpp"
#include "io/dataset_file.hpp"
#include "io/extxyz.hpp"
#include "io/model_file.hpp"
#include "io/poscar.hpp"
#include "io/trajectory.hpp"
#include "support/file_bytes.hpp"
#include "support/h5md_example.hpp"
#include "support/io_examples.hpp"
#include "support/model_files.hpp"
#include "support/potential_examples.hpp"
#include "support/reader_examples.hpp"
#include "support/shared_data.hpp"
#include "support/vasp_writer.hpp"
#include "support/xtc_examples.hpp"

namespace haven::fuzz {
namespace {

using testing::made_up_frames;
using testing::VaspRunText;

/// Runs that between them use every part of the writers.
std::vector<VaspRunText> vasp_runs() {
  return {{},
          {.version = "6.3.0", .nelm = 5, .unconverged = {1}, .predicted = {0}},
          {.isif = 3, .pstress_kbar = 10, .potential_suffix = "_sv", .finished = false},
          {.nelm = 4, .converged_in_last_step = {0}, .without_forces = {1}}};
}

std::string bytes_written(const std::string& name, const std::function<void(const std::string&)>& write) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.file(name);
  write(path);
  PosixFileSystem files;
  const std::vector<std::byte> bytes = read_file(files, path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string bytes;
  for (const std::string& part : parts) bytes += (bytes.empty() ? "" : std::string(parts_separator)) + part;
  return bytes;
}

}  // namespace

std::vector<std::string> poscar_seeds() {
  const Structure structure = made_up_frames(1, 1)[0].structure;
  Structure moving = structure;
  moving.velocities.assign(moving.numbers.size(), {1e-3, -2e-3, 3e-3});
  return {poscar_text(structure, "Li4 S"), poscar_text(moving, "moving"),
          "Li S\n-120.5\n5 0 0\n0 5 0\n0 0 5\n1 1\nSelective dynamics\nCartesian\n0 0 0 T T F\n2.5 2.5 2.5 F F F\n",
          "cubic\n1.0 1.0 1.1\n4 0 0\n0 4 0\n0 0 4\nLi_sv/8f Cl\n2 1\nDirect\n0 0 0 Li\n.5 .5 0 Li\n.5 .5 .5 Cl\n\n"};
}

std::vector<std::string> outcar_seeds() {
  std::vector<std::string> seeds;
  for (const VaspRunText& run : vasp_runs()) seeds.push_back(testing::outcar_text(made_up_frames(2, 2), run));
  return seeds;
}

std::vector<std::string> vasprun_seeds() {
  std::vector<std::string> seeds;
  for (VaspRunText run : vasp_runs()) {
    if (run.isif == 3) run.movable.assign(5, {true, false, true});
    seeds.push_back(testing::vasprun_text(made_up_frames(2, 3), run));
  }
  return seeds;
}

std::vector<std::string> extxyz_seeds() {
  auto frames = made_up_frames(2, 4);
  frames[1].structure.velocities.assign(frames[1].structure.numbers.size(), {1e-3, 0, -1e-3});
  frames[1].weight = 2.5;
  frames[1].source.path = "a \"quoted\\\" path";
  return {extxyz_text(frames[0]) + extxyz_text(frames[1]),
          "2\nLattice=\"5 0 0 0 5 0 0 0 5\" energy=-1.5 free_energy=-1.5 virial=\"1 0 0 0 1 0 0 0 1\" pbc=\"T T T\" "
          "Properties=species:S:1:pos:R:3:force:R:3:tag:I:1\nLi 0 0 0 1 0 0 3\nCl 2.5 2.5 2.5 -1 0 0 4\n",
          "1\nREF_energy=1 Properties=Z:I:1:pos:R:3:REF_forces:R:3\n3 0 0 0 0 0 0\n"};
}

std::vector<std::string> import_seeds() {
  return {outcar_seeds()[0], vasprun_seeds()[1], extxyz_seeds()[0], poscar_seeds()[0], xdatcar_seeds()[0]};
}

std::vector<std::string> vaspout_seeds() {
  return {
      bytes_written("vaspout.h5", [](const std::string& path) { testing::write_vaspout(path, made_up_frames(2, 6)); })};
}

std::vector<std::string> mlab_seeds() { return {testing::ml_ab_text(made_up_frames(2, 7))}; }

std::vector<std::string> n2p2_seeds() { return {testing::n2p2_text(made_up_frames(2, 8), testing::AtomicUnits::no)}; }

std::vector<std::string> xsf_seeds() { return {testing::xsf_text(made_up_frames(1, 9)[0])}; }

std::vector<std::string> espresso_seeds() { return {testing::espresso_text(made_up_frames(2, 10))}; }

std::vector<std::string> cif_seeds() {
  return {
      "data_x\n_cell_length_a 4.6(2)\n_cell_length_b 4.6\n_cell_length_c 4.7\n_cell_angle_alpha 90\n"
      "_cell_angle_beta 90.\n_cell_angle_gamma 120\nloop_\n_space_group_symop_operation_xyz\nx,y,z\n"
      "'-x, y+1/2, 1/2-z'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n"
      "_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\nLi1 Li+ .25 0.25 0.25 1.0\nO1 O2- 0 0 0 1\n",
      "# text\ndata_y\n_title\n;\nseveral lines\n;\n_cell_length_a 5\n_cell_length_b 5\n_cell_length_c 5\n"
      "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_Int_Tables_number 1\nloop_\n"
      "_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nNa1 0 0 0\n"};
}

std::vector<std::string> lammps_seeds() {
  return {
      "made up\n\n2 atoms\n2 atom types\n\n1.0 5.0 xlo xhi\n0 6 ylo yhi\n0 7 zlo zhi\n1.5 -0.5 0.25 xy xz yz\n\n"
      "Masses\n\n1 6.94 # Li\n2 32.06 # S\n\nAtoms # charge\n\n2 2 -2.0 2.0 3.0 4.0 0 0 0\n1 1 1.0 1.0 0.0 0.0 0 0 "
      "1\n\n"
      "Velocities\n\n1 0.1 0.2 0.3\n2 0.1 0.2 0.3\n"};
}

std::vector<std::string> npy_seeds() {
  return {testing::npy_bytes("<f8", {2, 3}, {1, 2, 3, 4, 5, 6}), testing::npy_bytes("<i4", {3}, {0, 1, 2})};
}

std::vector<std::string> xdatcar_seeds() {
  std::string fixed = "made up\n 1.0\n 5 0 0\n 0 5 0\n 0 0 6\n Li S\n 2 1\n", changing = fixed;
  for (int frame = 1; frame <= 3; ++frame) {
    const std::string coordinates = fmt::format(
        "Direct configuration= {:5}\n  0.1 0.2 0.{}\n  0.5 0.5 0.5\n  0.9 0.0{} 0.2\n", frame, frame, frame);
    fixed += coordinates;
    if (frame > 1) changing += fmt::format("made up\n 1.0\n 5 0 0\n 0 5.{} 0\n 0 0 6\n Li S\n 2 1\n", frame);
    changing += coordinates;
  }
  std::string energies =
      "       N       E                     dE             d eps       ncg     rms          rms(c)\n";
  for (int step = 1; step <= 3; ++step)
    energies += fmt::format(
        "DAV:   1    -0.102E+02   -0.10E+02   -0.1E+03   64   0.5E+01\n{:7} T=  80{}. E= -.10{}E+02 F= -.11E+02 E0= "
        "-.11E+02  EK= 0.1E+00 SP= 0.0E+00 SK= 0.0E+00\n",
        step, step, step);
  return {fixed, changing, fixed + std::string(parts_separator) + energies};
}

std::vector<std::string> dump_seeds() {
  std::string wrapped, tilted = "ITEM: UNITS\nreal\n";
  for (int t = 0; t < 3; ++t) {
    wrapped += fmt::format(
        "ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp ff\n0 9\n-1 8\n0 9\nITEM: ATOMS id type "
        "x y "
        "z ix iy iz\n{} 1 1 2 3 0 1 0\n{} 2 4 5 6 0 0 0\n",
        10 * t, 1 + t % 2, 2 - t % 2);
    tilted += fmt::format(
        "ITEM: TIME\n{}\nITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS xy xz yz pp pp pp\n-1 9 -1\n0 "
        "9 "
        "0\n0 9 0.5\nITEM: ATOMS id element xsu ysu zsu vx vy vz\n1 Li 0.1 0.2 1.3 1 2 3\n2 S 0.4 0.5 0.6 0 0 0\n",
        t, t);
  }
  return {wrapped, tilted};
}

std::vector<std::string> dcd_seeds() {
  const auto number = [](auto value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  const auto record = [&](const std::string& bytes) {
    const auto length = number(static_cast<std::int32_t>(bytes.size()));
    return length + bytes + length;
  };
  std::string head = "CORD";
  for (int k = 0; k < 20; ++k) head += number(std::int32_t{k == 0 ? 2 : k == 10 ? 1 : k == 19 ? 24 : 0});
  std::string out =
      record(head) + record(number(std::int32_t{1}) + std::string(80, ' ')) + record(number(std::int32_t{3}));
  for (int t = 0; t < 2; ++t) {
    std::string cell, axis;
    for (const double value : {9.0, 90.0, 8.0, 95.0, 90.0, 7.0}) cell += number(value);
    for (int k = 0; k < 3; ++k) axis += number(0.5F + static_cast<float>(k + t));
    out += record(cell) + record(axis) + record(axis) + record(axis);
  }
  return {out};
}

std::vector<std::string> xtc_seeds() {
  std::vector<std::string> seeds;
  for (const char* hex : {testing::small_xtc, testing::plain_xtc, testing::wide_xtc}) {
    std::string bytes;
    for (const char* c = hex; *c != 0; c += 2) bytes += static_cast<char>(std::stoi(std::string(c, 2), nullptr, 16));
    seeds.push_back(bytes);
  }
  return seeds;
}

std::vector<std::string> h5md_seeds() {
  const Cell cell(Mat3{{{{9, 0, 0}, {1, 9, 0}, {0, 0, 9}}}});
  std::vector<std::vector<Vec3>> frames;
  for (int t = 0; t < 3; ++t) frames.push_back({{1.0 + 4 * t, 2, 3}, {4, 5, 6.0 - 5 * t}});
  const auto made = [&](testing::SpeciesNames names) {
    return bytes_written("m.h5",
                         [&](const std::string& path) { testing::write_foreign_h5md(path, frames, cell, names); });
  };
  return {made(testing::SpeciesNames::given), made(testing::SpeciesNames::absent)};
}

std::vector<std::string> config_seeds() {
  const std::string written =
      "schema = 1\nname = \"x\"\nseed = 7\nelements = [\"Li\", \"S\"]\n[data]\nsources = [ { path = \"a/OUTCAR\", "
      "group = \"a\", every = 5, weight = 2.0 } ]\nmax_force = 30.0\n[train]\nmax_epochs = 3\nlearning_rate = { start "
      "= "
      "1e-3, end = 1e-5 }\n[system]\nstructure = \"POSCAR\"\ncharges = { Li = 1 }\nmobile = [\"Li\"]\n[[md.stage]]\n"
      "name = \"prod\"\nensemble = \"nvt\"\nps = 10\n[md.ladder]\ntemperatures = [600, 800]\n[transport]\n"
      "window = [1, 5]\n";
  return {written, effective_toml(parse_config("", "seed"))};
}

std::vector<std::string> text_seeds() {
  // A gzip member made by hand: "a\n" stored without compression.
  const std::string gzip(
      "\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x02\0\xfd\xff"
      "a\n\x07\xa1\xea\xdd\x02\0\0\0",
      25);
  // The same line as bzip2 and xz make it.
  const std::string bzip2(
      "BZh91AY&SY\x63\x3e\xd6\xe2\0\0\0\xc1\0\0\x10\x20\0\x20\0\x21\0\x82\xb1\x77\x24\x53\x85\x09\x06\x33\xed\x6e"
      "\x20",
      39);
  const std::string xz(
      "\xfd\x37\x7a\x58\x5a\0\0\x04\xe6\xd6\xb4\x46\x02\0\x21\x01\x16\0\0\0\x74\x2f\xe5\xa3\x01\0\x01\x61\x0a\0\0\0\x13"
      "\x47"
      "\x3f\xb8\x93\x9d\x45\xd4\0\x01\x1a\x02\xdc\x2e\xa5\x7e\x1f\xb6\xf3\x7d\x01\0\0\0\0\x04\x59\x5a",
      60);
  return {"one\ntwo\r\n\xEF\xBB\xBFthree", gzip, bzip2, xz};
}

std::vector<std::string> model_seeds() {
  std::vector<std::string> seeds;
  for (const auto& [name, model] : testing::models_of_every_kind())
    seeds.push_back(bytes_written("m.haven", [&made = model](const std::string& path) { write_model(path, made); }));
  return seeds;
}

std::vector<std::string> dataset_seeds() {
  return {bytes_written("d.h5", [](const std::string& path) {
    write_dataset(path, made_up_frames(3, 5), {.created_by = "seed", .import_report = "{}"});
  })};
}

std::vector<std::string> checkpoint_seeds() {
  return {bytes_written("c.h5", [](const std::string& path) {
    PosixFileSystem files;
    write_checkpoint(files, path, testing::example_state(3, 4));
  })};
}

std::vector<std::string> cp2k_seeds() {
  const testing::Cp2kFiles files = testing::cp2k_files(made_up_frames(3, 11));
  return {joined({files.positions, files.forces, files.cell})};
}

std::vector<std::string> deepmd_seeds() {
  std::vector<std::string> seeds;
  for (const char* real : {"<f8", "<f4"}) {
    const testing::TemporaryFolder folder;
    testing::write_deepmd_system(folder.path().string(), made_up_frames(3, 12), real);
    std::vector<std::string> parts;
    for (const char* name : {"type.raw", "type_map.raw", "set.000/coord.npy", "set.000/box.npy", "set.000/energy.npy",
                             "set.000/force.npy", "set.000/virial.npy"})
      parts.push_back(testing::bytes_of(folder.file(name)));
    seeds.push_back(joined(parts));
  }
  return seeds;
}

std::vector<std::string> table_seeds() {
  std::string text = "# made up\n\nLi_S\nN 12 R 1.0 5.4\n\n";
  for (int k = 0; k < 12; ++k) {
    const double r = 1 + 0.4 * k, x = 5.4 - r;
    text += fmt::format("{} {} {} {}\n", k + 1, r, x * x * x, 3 * x * x);
  }
  return {text, text + "\nLi-Li\n" + text.substr(text.find("N 12")) + "\nS_S\n" + text.substr(text.find("N 12"))};
}

std::vector<std::string> nep_seeds() { return {testing::tiny_nep()}; }

std::vector<std::string> n2p2_potential_seeds() {
  const testing::N2p2Files files;
  return {joined({files.input, files.scaling, files.hydrogen, files.oxygen})};
}

std::vector<std::string> aenet_seeds() {
  testing::AenetWriter writer(1);
  return {writer.ascii(), writer.binary(), joined({writer.ascii(), writer.ascii()})};
}

std::vector<std::string> trajectory_seeds() {
  const testing::TemporaryFolder folder;
  PosixFileSystem files;
  for (int part = 1; part <= 2; ++part) {
    TrajectoryWriter writer(files, folder.file(segment_name(part)), testing::example_header("prod", 4),
                            {.supersedes_after = part == 1 ? -1 : 7});
    for (int k = 0; k < 3; ++k) writer.append(testing::example_frame(5 * (k + 2 * part - 1), 4));
    writer.close();
  }
  return {joined({testing::bytes_of(folder.file(segment_name(1))), testing::bytes_of(folder.file(segment_name(2)))})};
}

}  // namespace haven::fuzz
