#include "support/reader_examples.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "core/species.hpp"
#include "core/units.hpp"
#include "io/file_system.hpp"
#include "io/h5.hpp"
#include "io/text_file.hpp"

namespace haven::testing {
namespace {

constexpr double rydberg_per_bohr = units::rydberg_in_ev / units::bohr_in_angstrom;
constexpr double bohr3 = units::bohr_in_angstrom * units::bohr_in_angstrom * units::bohr_in_angstrom;

std::string three(const Vec3& v) { return fmt::format("{:24.16e}{:24.16e}{:24.16e}", v.x, v.y, v.z); }

/// Neighbouring equal atoms as (number, count).
std::vector<std::pair<int, Index>> runs_of(const std::vector<int>& numbers) {
  std::vector<std::pair<int, Index>> runs;
  for (const int number : numbers) {
    if (runs.empty() || runs.back().first != number) runs.emplace_back(number, 0);
    ++runs.back().second;
  }
  return runs;
}

std::string ml_ab_section(const std::string& title, const std::string& content, char rule = '=') {
  return std::string(50, rule) + "\n     " + title + "\n" + std::string(50, '-') + "\n" + content;
}

std::string vectors(const std::vector<Vec3>& all) {
  std::string text;
  for (const Vec3& v : all) text += three(v) + "\n";
  return text;
}

}  // namespace

std::string ml_ab_text(const std::vector<Frame>& frames) {
  std::string text = " 1.0 Version\n";
  text += ml_ab_section("The number of configurations", fmt::format("{:11}\n", frames.size()), '*');
  text += ml_ab_section("The maximum number of atom type", "       2\n", '*');
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Frame& frame = frames[k];
    const auto& s = frame.structure;
    const auto runs = runs_of(s.numbers);
    text += std::string(50, '*') + fmt::format("\n     Configuration num. {:6}\n", k + 1);
    text += ml_ab_section("System name", "     made up  \n");
    text += ml_ab_section("The number of atom types", fmt::format("{:8}\n", runs.size()));
    text += ml_ab_section("The number of atoms", fmt::format("{:11}\n", s.size()));
    std::string types;
    for (const auto& [number, count] : runs) types += fmt::format("     {:2}{:7}\n", element_symbol(number), count);
    text += ml_ab_section("Atom types and atom numbers", types, '*');
    text += ml_ab_section("CTIFOR", "  1.000000000000000E-016\n");
    const Mat3& h = s.cell.vectors();
    text += ml_ab_section("Primitive lattice vectors (ang.)", vectors({h[0], h[1], h[2]}));
    text += ml_ab_section("Atomic positions (ang.)", vectors(s.positions));
    text += ml_ab_section("Total energy (eV)", fmt::format("{:24.16e}\n", *frame.energy));
    text += ml_ab_section("Forces (eV ang.^-1)", vectors(frame.forces));
    const Mat3 p = -units::ev_per_a3_in_kbar * *frame.stress;
    const std::string rule = std::string(50, '-') + "\n";
    text += ml_ab_section("Stress (kbar)", "     XX YY ZZ\n" + rule + three({p[0].x, p[1].y, p[2].z}) + "\n" + rule +
                                               "     XY YZ ZX\n" + rule + three({p[0].y, p[1].z, p[2].x}) + "\n");
  }
  return text;
}

std::string n2p2_text(const std::vector<Frame>& frames, AtomicUnits wanted) {
  const double length = wanted == AtomicUnits::yes ? units::bohr_in_angstrom : 1.0;
  const double energy = wanted == AtomicUnits::yes ? units::hartree_in_ev : 1.0;
  std::string text;
  for (const Frame& frame : frames) {
    const auto& s = frame.structure;
    text += "begin\ncomment made up\n";
    for (int k = 0; k < 3; ++k) text += "lattice" + three(1 / length * s.cell.vectors()[k]) + "\n";
    for (std::size_t i = 0; i < s.numbers.size(); ++i)
      text += "atom" + three(1 / length * s.positions[i]) + fmt::format(" {} 0.0 0.0", element_symbol(s.numbers[i])) +
              three(length / energy * frame.forces[i]) + "\n";
    text += fmt::format("energy {:.16e}\ncharge 0.0\nend\n", *frame.energy / energy);
  }
  return text;
}

std::string xsf_text(const Frame& frame) {
  const auto& s = frame.structure;
  std::string text = fmt::format("# total energy = {:.12f} eV\n\nCRYSTAL\nPRIMVEC\n", *frame.energy);
  for (int k = 0; k < 3; ++k) text += three(s.cell.vectors()[k]) + "\n";
  text += fmt::format("PRIMCOORD\n{} 1\n", s.size());
  for (std::size_t i = 0; i < s.numbers.size(); ++i)
    text += fmt::format("{:2}", element_symbol(s.numbers[i])) + three(s.positions[i]) + three(frame.forces[i]) + "\n";
  return text;
}

std::string espresso_text(const std::vector<Frame>& frames) {
  const auto& first = frames[0].structure;
  const Mat3& h = first.cell.vectors();
  const double alat = norm(h[0]);
  std::string text = "\n     Program PWSCF v.6.7MaX starts on  1Jan2021 at 12: 0: 0\n\n";
  text += fmt::format("     lattice parameter (alat)  = {:11.4f}  a.u.\n", alat / units::bohr_in_angstrom);
  text += fmt::format("     number of atoms/cell      = {:12}\n", first.size());
  text += fmt::format("\n     celldm(1)= {:.14f}  celldm(2)=   0.000000  celldm(3)=   0.000000\n\n",
                      alat / units::bohr_in_angstrom);
  text += "     crystal axes: (cart. coord. in units of alat)\n";
  for (int k = 0; k < 3; ++k) text += fmt::format("               a({}) = ({} )  \n", k + 1, three(1 / alat * h[k]));
  text += "\n   Cartesian axes\n\n     site n.     atom                  positions (alat units)\n";
  for (std::size_t i = 0; i < first.numbers.size(); ++i)
    text += fmt::format("{:10}           {:2}  tau({:4}) = ({}  )\n", i + 1, element_symbol(first.numbers[i]), i + 1,
                        three(1 / alat * first.positions[i]));
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Frame& frame = frames[k];
    if (k > 0) {
      text += fmt::format("     Entering Dynamics:    iteration = {:5}\n\nATOMIC_POSITIONS (angstrom)\n", k);
      for (std::size_t i = 0; i < first.numbers.size(); ++i)
        text += fmt::format("{:2}   {}\n", element_symbol(first.numbers[i]), three(frame.structure.positions[i]));
    }
    text += "\n     iteration #  1     ecut=    50.00 Ry     beta= 0.70\n";
    text += fmt::format("\n!    total energy              = {:.16e} Ry\n", *frame.energy / units::rydberg_in_ev);
    text += "     convergence has been achieved in   9 iterations\n\n";
    text += "     Forces acting on atoms (cartesian axes, Ry/au):\n\n";
    for (std::size_t i = 0; i < frame.forces.size(); ++i)
      text += fmt::format("     atom {:4} type {:2}   force = {}\n", i + 1, 1,
                          three(1 / rydberg_per_bohr * frame.forces[i]));
    text += "\n     Total force =     0.000000     Total SCF correction =     0.000000\n\n";
    text += "     total   stress  (Ry/bohr**3)                   (kbar)     P=        1.00\n";
    for (int row = 0; row < 3; ++row)
      text += three(-bohr3 / units::rydberg_in_ev * (*frame.stress)[row]) + "        0.00        0.00        0.00\n";
  }
  return text + "\n   JOB DONE.\n";
}

Cp2kFiles cp2k_files(const std::vector<Frame>& frames) {
  Cp2kFiles files;
  files.cell = "#   Step   Time [fs]       Ax [Angstrom]   ...   Volume [Angstrom^3]\n";
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Frame& frame = frames[k];
    const auto& s = frame.structure;
    const std::string head = fmt::format("{:8}\n i = {:8}, time = {:12.3f}, E = {:.14f}\n", s.size(), 5 * k,
                                         2.5 * static_cast<double>(k), *frame.energy / units::hartree_in_ev);
    files.positions += head;
    files.forces += head;
    for (std::size_t i = 0; i < s.numbers.size(); ++i) {
      const std::string name = fmt::format("{:>3}", element_symbol(s.numbers[i]));
      files.positions += name + three(s.positions[i]) + "\n";
      files.forces += name + three(units::bohr_in_angstrom / units::hartree_in_ev * frame.forces[i]) + "\n";
    }
    const Mat3& h = s.cell.vectors();
    files.cell += fmt::format("{:8} {:12.3f}{}{}{} {:.6f}\n", 5 * k, 2.5 * static_cast<double>(k), three(h[0]),
                              three(h[1]), three(h[2]), s.cell.volume());
  }
  return files;
}

std::string xdatcar_text(const std::vector<Frame>& frames) {
  std::string text;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const auto& s = frames[k].structure;
    text += "made up\n  1.0\n";
    for (int row = 0; row < 3; ++row) text += three(s.cell.vectors()[row]) + "\n";
    std::string counts;
    for (const auto& [number, count] : runs_of(s.numbers)) {
      text += fmt::format(" {:>4}", element_symbol(number));
      counts += fmt::format(" {:>4}", count);
    }
    text += "\n" + counts + fmt::format("\nDirect configuration= {:5}\n", k + 1);
    for (const Vec3& position : s.positions) text += three(s.cell.to_fractional(position)) + "\n";
  }
  return text;
}

std::string npy_bytes(const std::string& type, const std::vector<Index>& shape, const std::vector<double>& values) {
  std::string extents;
  for (const Index extent : shape) extents += fmt::format("{}, ", extent);
  std::string head = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, extents);
  while ((10 + head.size() + 1) % 64 != 0) head += ' ';
  head += '\n';
  std::string bytes = std::string("\x93NUMPY\x01", 7) + '\0';
  bytes += static_cast<char>(head.size() & 0xFFU);
  bytes += static_cast<char>(head.size() >> 8U);
  bytes += head;
  const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const double value : values) {
    if (type == "<f8") put(value);
    if (type == "<f4") put(static_cast<float>(value));
    if (type == "<i4") put(static_cast<std::int32_t>(value));
    if (type == "<i8") put(static_cast<std::int64_t>(value));
  }
  return bytes;
}

void write_deepmd_system(const std::string& folder, const std::vector<Frame>& frames, const std::string& real) {
  std::vector<int> elements;
  std::string types, map;
  for (const int number : frames[0].structure.numbers) {
    const auto at = std::find(elements.begin(), elements.end(), number);
    types += fmt::format("{}\n", at - elements.begin());
    if (at != elements.end()) continue;
    elements.push_back(number);
    map += std::string(element_symbol(number)) + "\n";
  }
  const std::string set = folder + "/set.000/";
  std::filesystem::create_directories(set);
  write_text(folder + "/type.raw", types);
  write_text(folder + "/type_map.raw", map);
  std::vector<double> coord, box, energy, force, virial;
  const auto add = [](std::vector<double>& to, const Vec3& v) { to.insert(to.end(), {v.x, v.y, v.z}); };
  for (const Frame& frame : frames) {
    for (const Vec3& v : frame.structure.positions) add(coord, v);
    for (const Vec3& v : frame.forces) add(force, v);
    for (int k = 0; k < 3; ++k) add(box, frame.structure.cell.vectors()[k]);
    for (int k = 0; k < 3; ++k) add(virial, -frame.structure.cell.volume() * (*frame.stress)[k]);
    energy.push_back(*frame.energy);
  }
  const auto count = static_cast<Index>(frames.size()), atoms = frames[0].structure.size();
  write_text(set + "coord.npy", npy_bytes(real, {count, 3 * atoms}, coord));
  write_text(set + "box.npy", npy_bytes(real, {count, 9}, box));
  write_text(set + "energy.npy", npy_bytes(real, {count}, energy));
  write_text(set + "force.npy", npy_bytes(real, {count, 3 * atoms}, force));
  write_text(set + "virial.npy", npy_bytes(real, {count, 9}, virial));
}

void write_vaspout(const std::string& path, const std::vector<Frame>& frames) {
  h5::File file = h5::File::create_in_memory("vaspout.h5");
  {
    h5::Group root = file.root();
    h5::Group version = root.create_group("version");
    version.write("major", std::vector<std::int64_t>{6});
    h5::Group positions = root.create_group("results").create_group("positions");
    std::vector<std::string> names;
    std::vector<std::int64_t> counts;
    for (const auto& [number, count] : runs_of(frames[0].structure.numbers)) {
      names.emplace_back(element_symbol(number));
      counts.push_back(count);
    }
    positions.write_texts("ion_types", names);
    positions.write("number_ion_types", counts);
    h5::Group input = root.create_group("input");
    static_cast<void>(input.create_group("incar"));
    h5::Group dynamics = root.create_group("intermediate").create_group("ion_dynamics");
    std::vector<double> energies, forces, stress, lattice, fractional;
    const auto add = [](std::vector<double>& to, const Vec3& v) { to.insert(to.end(), {v.x, v.y, v.z}); };
    for (const Frame& frame : frames) {
      energies.insert(energies.end(), {*frame.energy, *frame.energy + 0.002, *frame.energy + 0.001});
      for (const Vec3& v : frame.forces) add(forces, v);
      for (const Vec3& v : frame.structure.positions) add(fractional, frame.structure.cell.to_fractional(v));
      for (int k = 0; k < 3; ++k) add(stress, -units::ev_per_a3_in_kbar * (*frame.stress)[k]);
      for (int k = 0; k < 3; ++k) add(lattice, frame.structure.cell.vectors()[k]);
    }
    const auto count = static_cast<Index>(frames.size()), atoms = frames[0].structure.size();
    const auto put = [&](const char* name, const std::vector<double>& values, const h5::Shape& shape) {
      dynamics.write(name, std::span<const double>(values), shape);
    };
    dynamics.write_texts("energies_tags", {"free energy    TOTEN   ", "energy without entropy ", "energy(sigma->0)"});
    put("energies", energies, {count, 3});
    put("forces", forces, {count, atoms, 3});
    put("stress", stress, {count, 3, 3});
    put("lattice_vectors", lattice, {count, 3, 3});
    put("position_ions", fractional, {count, atoms, 3});
  }
  PosixFileSystem system;
  write_file_atomically(system, path, std::move(file).image());
}

std::vector<Frame> frames_in(const std::string& path, const FrameReading& reading, std::string& ending) {
  const auto reader = open_frames(path, recognise_format(path), reading);
  std::vector<Frame> frames;
  while (auto read = reader->next()) {
    EXPECT_EQ(read->problem, "") << path;
    frames.push_back(std::move(read->frame));
  }
  ending = reader->ending();
  return frames;
}

void expect_same_frame(const Frame& found, const Frame& expected, double tolerance) {
  const auto near = [&](const Vec3& a, const Vec3& b, const char* what) {
    EXPECT_LE(norm(a - b), tolerance * std::max(1.0, norm(b))) << what;
  };
  ASSERT_EQ(found.structure.numbers, expected.structure.numbers);
  ASSERT_EQ(found.forces.size(), expected.forces.size());
  for (int k = 0; k < 3; ++k) near(found.structure.cell.vectors()[k], expected.structure.cell.vectors()[k], "cell");
  for (std::size_t i = 0; i < expected.structure.positions.size(); ++i)
    near(found.structure.positions[i], expected.structure.positions[i], "position");
  for (std::size_t i = 0; i < expected.forces.size(); ++i) near(found.forces[i], expected.forces[i], "force");
  ASSERT_EQ(found.energy.has_value(), expected.energy.has_value());
  if (expected.energy) {
    EXPECT_NEAR(*found.energy, *expected.energy, tolerance * std::abs(*expected.energy));
  }
  ASSERT_EQ(found.stress.has_value(), expected.stress.has_value());
  if (!expected.stress) return;
  for (int k = 0; k < 3; ++k) near((*found.stress)[k], (*expected.stress)[k], "stress");
}

}  // namespace haven::testing
